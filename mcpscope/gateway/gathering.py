"""What is asked of all upstreams at once: their lists, the log level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mcpscope.engine.patch import encode, put
from mcpscope.gateway.asked import Asked
from mcpscope.gateway.merging import merged_list, read_cursor
from mcpscope.gateway.naming import LISTINGS
from mcpscope.protocol.answers import INVALID_PARAMS, answer, error
from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse

if TYPE_CHECKING:
    from mcpscope.gateway.fan import Fan


def look(fan: Fan, asked: Asked, lists: Sequence[str]) -> None:
    """Ask for the lists that show whose it is, then go on."""
    waiting = set(lists)

    def seen(method: str) -> None:
        waiting.discard(method)
        if not waiting and not asked.over:
            fan.named(asked, listed=True)

    for method in lists:
        params = {"_meta": asked.message.meta} if asked.modern else {}
        body = {"jsonrpc": "2.0", "id": fan.new_id(), "method": method}
        inner = Asked(parse(encode({**body, "params": params})), asked.modern)
        list_all(fan, inner, lambda raw, method=method: seen(method))  # type: ignore[misc]


def list_all(fan: Fan, asked: Asked, then: Callable[[bytes], None] | None = None) -> None:
    message, listing = asked.message, LISTINGS[asked.message.method]
    done = then or (lambda raw: fan.reply(asked, raw))
    cursors: dict[str, Any] | None = None
    if "cursor" in message.params:
        cursors = read_cursor(message.params["cursor"])
        if cursors is None or not set(cursors) <= {one.name for one in fan.upstreams}:
            done(error(message, INVALID_PARAMS, "Invalid cursor"))
            return
    else:
        fan.names.forget(listing.member)

    def sent(name: str) -> Message:
        if cursors is None:
            return message
        return parse(put(message.raw, ("params", "cursor"), encode(cursors[name])))

    def merged(answers: dict[str, Message]) -> None:
        parts = [(name, found) for name, found in answers.items() if isinstance(found.result, dict)]
        if not parts and answers:
            done(next(iter(answers.values())).raw)
            return
        label = fan.gateway.label
        raw = merged_list(listing, parts, fan.names, modern=asked.modern, label=label)
        fan.gateway.report(fan.names)
        done(answer(message, b'"result":' + raw))

    wanted = [one.name for one in fan.upstreams if cursors is None or one.name in cursors]
    fan.ask_all(asked, wanted, sent, merged, capability=listing.capability)


def set_level(fan: Fan, asked: Asked) -> None:
    for link in fan.links.values():
        link.standing.level = asked.message

    def done(answers: dict[str, Message]) -> None:
        good = any(isinstance(one.result, dict) for one in answers.values()) or not answers
        bad = next(iter(answers.values())).raw if answers else b""
        fan.reply(asked, answer(asked.message, b'"result":{}') if good else bad)

    fan.ask_all(asked, list(fan.links), lambda name: asked.message, done, capability="logging")
