"""``freeze``: a hold stops its whole session, in order, but for pings; off, everything goes on."""

from __future__ import annotations

from mcpscope.engine.decisions import Release
from mcpscope.engine.events import Tick
from tests.engine.talk import Talk


def call(id: int, tool: str) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%s"}}' % (id, tool.encode())


def test_everything_waits_behind_the_hold_and_follows_it_in_order() -> None:
    talk = Talk()
    talk.breakpoint("tool:x")
    talk.steering.freeze = True
    talk.client(call(1, "y"))
    talk.client(call(2, "x"))
    talk.client(call(3, "y"))
    talk.client(b'{"jsonrpc":"2.0","id":4,"method":"ping"}')
    talk.client(call(5, "z"))
    talk.server(b'{"jsonrpc":"2.0","id":1,"result":{}}')
    assert [b'"id":1' in raw or b"ping" in raw for raw in talk.to_server] == [True, True]
    assert talk.to_client == []
    (hold,) = talk.engine.holds
    assert len(hold.behind) == 3
    talk.decide(Release())
    assert talk.to_server[2:] == [call(2, "x"), call(3, "y"), call(5, "z")]
    assert talk.to_client == [b'{"jsonrpc":"2.0","id":1,"result":{}}']


def test_what_waited_is_held_in_its_turn() -> None:
    talk = Talk()
    talk.breakpoint("tool:x")
    talk.steering.freeze = True
    for id in (1, 2):
        talk.client(call(id, "x"))
    talk.client(call(3, "y"))
    talk.decide(Release())
    assert talk.to_server == [call(1, "x")]
    talk.decide(Release())
    assert talk.to_server == [call(1, "x"), call(2, "x"), call(3, "y")]


def test_thawed_only_what_is_held_stays() -> None:
    talk = Talk()
    talk.breakpoint("tool:x")
    talk.steering.freeze = True
    talk.client(call(1, "x"))
    talk.client(call(2, "y"))
    talk.steering.freeze = False
    talk.run(Tick(talk.now()))
    assert talk.to_server == [call(2, "y")]
    assert len(talk.engine.holds) == 1


def test_a_cancelled_call_that_waits_is_never_sent() -> None:
    talk = Talk()
    talk.breakpoint("tool:x")
    talk.steering.freeze = True
    talk.client(call(1, "x"))
    talk.client(call(2, "y"))
    talk.client(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}')
    talk.decide(Release())
    assert talk.to_server == [call(1, "x")]
