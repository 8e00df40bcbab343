"""What waits for the handshake of an upstream that is slow is bounded, and nobody waits for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mcpscope.gateway.asked import Asked
from mcpscope.gateway.fan import Fan
from mcpscope.gateway.link import Link
from mcpscope.gateway.owed import Pending
from mcpscope.gateway.waiting import QUEUED_BYTES, QUEUED_MESSAGES
from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse

HELLO = parse(b'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}')
NOTE = b'{"jsonrpc":"2.0","method":"notifications/roots/list_changed","params":{"x":"%b"}}'
CALL = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"a","arguments":{"x":"%b"}}}'


class Loop:
    """Calls at once what is to be called soon, and nothing later."""

    def time(self) -> float:
        return 1.0

    def call_soon(self, callback: Any, *args: Any) -> None:
        callback(*args)

    def call_later(self, delay: float, callback: Any, *args: Any) -> Any:
        return SimpleNamespace(cancel=lambda: None)


def slow_link(said: list[Message]) -> Link:
    """A link whose upstream has been greeted and has not answered."""
    line = SimpleNamespace(say=said.append, hold_reading=lambda *, paused: None, leave=lambda: None)
    upstream: Any = SimpleNamespace(
        name="slow", era="legacy", links=set(), open=lambda *of: line, is_now=lambda *of: None
    )
    owner: Any = SimpleNamespace(turned=lambda link, *, again: None)
    loop: Any = Loop()
    link = Link(loop, upstream, ("", "", b"", b""), 1, owner)
    link.hello, link.welcomed = HELLO, True
    link.begin()
    return link


def greet(link: Link) -> None:
    link.heard(parse(b'{"jsonrpc":"2.0","id":0,"result":{"capabilities":{}}}'), None)


def test_notifications_that_wait_for_a_handshake_are_bounded() -> None:
    said: list[Message] = []
    link = slow_link(said)
    for _ in range(QUEUED_MESSAGES + 50):
        link.tell(parse(NOTE % b"y"))
    greet(link)
    assert len(said) == 2 + QUEUED_MESSAGES  # and the greeting


def test_large_calls_that_wait_are_bounded_and_the_others_answered() -> None:
    said: list[Message] = []
    link = slow_link(said)
    refused: list[Message] = []
    size = QUEUED_BYTES // 4
    for id in range(6):
        asked = parse(CALL % (id + 1, b"z" * size))
        link.ask(asked, asked, refused.append)
    assert [one.id for one in refused] == [4, 5, 6]
    assert "too much waits" in refused[0].error["message"]
    greet(link)
    assert [one.id for one in said if one.method == "tools/call"] == [1, 2, 3]


def test_a_client_that_leaves_withdraws_all_that_it_asked() -> None:
    cancelled: list[Pending] = []
    gateway: Any = SimpleNamespace(upstreams=[], loop=Loop())
    client: Any = SimpleNamespace(on_exit=lambda code: None)
    fan = Fan(gateway, client, ("", "", b"", b""), 1)
    link: Any = SimpleNamespace(cancel=lambda pending, said: cancelled.append(pending))
    for id in range(4):
        asked = Asked(parse(CALL % (id, b"")), True)
        asked.pendings.append(Pending(link, asked.message, asked.message, lambda found: None))
        fan._open.append(asked)
    fan.close()
    assert [pending.id for pending in cancelled] == [0, 1, 2, 3]
