"""``n`` and ``R``: what is under the cursor as a request to be written, sent from a seat of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mcpscope.store.listed import ExchangeRow, SessionRow
from mcpscope.tui import later
from mcpscope.tui.jsontext import laid_out, part_of
from mcpscope.tui.loaded import Loaded, load
from mcpscope.tui.present.form import arguments_schema
from mcpscope.tui.present.tabs import json_value
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.sending import Composition, Sender, seats
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Steer

if TYPE_CHECKING:
    from mcpscope.tui.offers import Thing


class Composing:
    """Opens the composer over ``screen``."""

    def __init__(self, screen: ScopeScreen, sender: Sender, steer: Steer) -> None:
        self._screen = screen
        self._sender = sender
        self._steer = steer

    def why_not(self) -> str:
        """Why nothing can be sent at all."""
        return "this UI is read-only" if self._steer.read_only else ""

    def open(self, composition: Composition, sessions: Sequence[SessionRow]) -> None:
        """Let a person write it; ``sessions`` are of the server it goes to, the newest last."""
        found = seats(sessions, self._steer.links)
        if not found:
            self._screen.say("the recording does not say what it was recorded from: there is nobody to ask")
            return
        self._screen.app.push_screen(later.composer.ComposerScreen(self._sender, composition, found))


class ComposeExchange:
    """``n`` and ``R`` on an exchange."""

    def __init__(
        self,
        screen: ScopeScreen,
        source: Source,
        sender: Sender,
        steer: Steer,
        exchange: Callable[[], int | None],
    ) -> None:
        self._screen = screen
        self._source = source
        self._exchange = exchange
        self._composing = Composing(screen, sender, steer)

    def acts(self, nothing: Callable[[], str]) -> dict[str, Act]:
        """By the id of the action."""
        return {
            "compose.new": Act(self._new, lambda: self._composing.why_not() or nothing() or self._no_tool()),
            "compose.again": Act(
                self._again, lambda: self._composing.why_not() or nothing() or self._not_asked()
            ),
        }

    def _row(self) -> ExchangeRow | None:
        key = self._exchange()
        return None if key is None else self._source.here.rows([key]).get(key)

    def _no_tool(self) -> str:
        row = self._row()
        return "" if row is not None and row.tool else "this row calls no tool; n in Tools calls any"

    def _not_asked(self) -> str:
        row = self._row()
        sent = row is not None and row.kind == "request" and row.dir == "c2s" and row.method != "initialize"
        return "" if sent else "only what a client asked can be sent again"

    async def _new(self) -> None:
        await self._compose(again=False)

    async def _again(self) -> None:
        await self._compose(again=True)

    async def _compose(self, *, again: bool) -> None:
        key = self._exchange()
        loaded = None if key is None else await self._source.ask(lambda pages: load(pages, key, whole=True))
        if loaded is None or loaded.request is None:
            self._screen.say("this exchange has no request")
            return
        sessions: Sequence[SessionRow] = self._screen.app.sessions()  # type: ignore[attr-defined]  # ScopeApp
        mine = [session for session in sessions if session.id == loaded.row.session_id]
        label = mine[0].label if mine else ""
        self._composing.open(of_exchange(loaded, label, again=again), mine)


def of_thing(thing: Thing) -> Composition:
    """A use of a tool, prompt or resource, with nothing filled in."""
    body = thing.offered.body
    if thing.kind == "tool":
        schema = body.get("inputSchema")
        known = schema if isinstance(schema, dict) else None
        return Composition(thing.label, "tools/call", {"name": thing.name}, "arguments", known)
    if thing.kind == "prompt":
        known = arguments_schema(body.get("arguments"))
        return Composition(thing.label, "prompts/get", {"name": thing.name}, "arguments", known)
    start = json.dumps({"uri": thing.name}, indent=2, ensure_ascii=False)
    uri = {"type": "object", "properties": {"uri": {"type": "string"}}, "required": ["uri"]}
    return Composition(thing.label, "resources/read", {"uri": thing.name}, "", uri, start)


def of_exchange(loaded: Loaded, label: str, *, again: bool) -> Composition:
    """The request of an exchange; ``again``: with what it said, and to be compared with what it got."""
    assert loaded.request is not None
    row, raw = loaded.row, loaded.request.source
    part = "arguments" if row.method in ("tools/call", "prompts/get") else ""
    fixed = {"name": row.name} if part else {}
    schema = json_value(loaded.definition or b"", "inputSchema") if row.tool else None
    start = "{}"
    if again:
        start = (part_of(raw, "/params/arguments") or "{}") if part else _params(raw)
    was = loaded.answer.source if again and loaded.answer is not None else None
    known = schema if isinstance(schema, dict) else None
    return Composition(label, row.method, fixed, part, known, start, was, again)


def _params(raw: bytes) -> str:
    """What a request said, without what its client said of itself."""
    params = json_value(raw, "params")
    if not isinstance(params, dict):
        return "{}"
    if "_meta" not in params:
        return part_of(raw, "/params") or "{}"
    said = {key: value for key, value in params.items() if key != "_meta"}
    return laid_out(json.dumps(said, ensure_ascii=False))
