"""While another process takes the place of one, what its client says is bounded and ends."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse
from mcpscope.session.bridge_life import KEPT_BYTES, Rebirth

HELLO = b'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}'
CALL = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"a","arguments":{"x":"%b"}}}\n'


class Bridge:
    """A session whose new process has been greeted and is silent."""

    def __init__(self) -> None:
        self.wrote: list[Message] = []
        self.answered: list[Message] = []
        self.later: list[Callable[[], None]] = []
        session: Any = SimpleNamespace(gone=False, closing=False, exchanges=[])
        session.life = SimpleNamespace(session=session)
        session.record = SimpleNamespace(number=1)
        session.process = SimpleNamespace(
            write=lambda line, said=None: self.wrote.append(parse(line)), close=lambda: None
        )
        session._route = lambda message: 0
        session._deliver = lambda message, stream: self.answered.append(message)
        proxy: Any = SimpleNamespace(
            journal=SimpleNamespace(append=lambda *record: None),
            begin_process=lambda found: setattr(found, "life", SimpleNamespace(session=found)),
            later=lambda seconds, call, *args: self.later.append(lambda: call(*args)),
        )
        self.rebirth = Rebirth(session, proxy)
        self.rebirth.again.said(parse(HELLO))
        self.rebirth.begin()


def test_what_waits_is_bounded_and_the_rest_answered() -> None:
    bridge = Bridge()
    for id in range(1, 6):
        bridge.rebirth.write(CALL % (id, b"z" * (KEPT_BYTES // 3)))
    assert [one.id for one in bridge.answered] == [3, 4, 5]
    assert "restarted" in bridge.answered[0].error["message"]


def test_a_process_that_does_not_greet_hears_the_client_after_a_while() -> None:
    bridge = Bridge()
    bridge.rebirth.write(CALL % (1, b""))
    assert [one.method for one in bridge.wrote] == ["initialize"]
    for late in bridge.later:
        late()
    assert [one.method for one in bridge.wrote] == ["initialize", "tools/call"]
    bridge.rebirth.write(CALL % (2, b""))
    assert [one.id for one in bridge.wrote[1:]] == [1, 2]
