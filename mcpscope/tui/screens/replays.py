"""``R`` on a recording, ``r`` on an exchange: a replay that is shown on its own screen."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from pathlib import Path

from mcpscope.errors import ScopeError
from mcpscope.store.listed import ExchangeRow
from mcpscope.tui import replaying
from mcpscope.tui.messages import Replaying
from mcpscope.tui.present.replay import preview_texts
from mcpscope.tui.present.spans import clip
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.source import Source

OTHER = "other"
_WAYS = (
    ("1", "--speed 1", "run it at the recorded pace"),
    ("2", "--repeat 2", "run it twice: what varies by itself is proposed as masks"),
    ("f", "--fail-fast", "run it to the first difference"),
)


class Replays:
    """The replay actions of a screen. ``session`` and ``exchange`` are what stands under the cursor."""

    def __init__(self, screen: ScopeScreen, db: Path, session: Callable[[], int | None]) -> None:
        self._screen = screen
        self._db = db
        self._session = session

    def acts(self, nothing: Callable[[], str]) -> dict[str, Act]:
        return {"replay.run": Act(self._whole, nothing)}

    async def _whole(self) -> None:
        session = self._session()
        if session is None:
            return
        try:
            seen = await asyncio.to_thread(replaying.preview, self._db, session)
        except ScopeError as error:
            self._screen.say(f"{error.message}; {error.hint}", severity="error")
            return
        head, foot = preview_texts(seen.tools, seen.destructive, seen.unannotated)
        entries = [Entry("y", "run", f"run it against {clip(seen.target, 48)}")]
        entries += [Entry(key, option, text) for key, option, text in _WAYS]
        if seen.destructive:
            entries.append(Entry("o", "--allow-destructive", "run it with what declares itself destructive"))
        entries.append(Entry("u", OTHER, "run it against another command or URL"))
        chosen = await self._screen.app.push_screen_wait(Menu(head, entries, foot))
        target = await self._other(seen.target) if chosen == OTHER else []
        if chosen and target is not None:
            options = chosen.split() if chosen.startswith("--") else []
            replaying.start(self._db, session, [*options, *target])
            self._screen.post_message(Replaying(seen.steps))

    async def _other(self, recorded: str) -> list[str] | None:
        """What the person types instead of the recorded upstream, as words of the command; None: nothing."""
        ask = Ask("Replay against which command or URL?", recorded, "Enter replays, Esc leaves")
        text = await self._screen.app.push_screen_wait(ask)
        try:
            words = shlex.split(text)
        except ValueError as error:
            self._screen.say(f"the command cannot be split into words: {error}", severity="error")
            return None
        if not words:
            return None
        return words if len(words) == 1 and "://" in words[0] else ["--", *words]


class ReplayOne:
    """``r``: the exchange under the cursor, sent again to a fresh server behind its handshake."""

    def __init__(self, screen: ScopeScreen, source: Source, exchange: Callable[[], int | None]) -> None:
        self._screen = screen
        self._source = source
        self._exchange = exchange

    def acts(self, nothing: Callable[[], str]) -> dict[str, Act]:
        return {"replay.one": Act(self._one, lambda: nothing() or self._unsendable())}

    def _row(self) -> ExchangeRow | None:
        key = self._exchange()
        return None if key is None else self._source.here.rows([key]).get(key)

    def _unsendable(self) -> str:
        row = self._row()
        sent = row is not None and row.kind == "request" and row.dir == "c2s"
        return "" if sent else "only what a client asked can be sent again"

    def _one(self) -> None:
        row = self._row()
        if row is not None:
            replaying.start(self._source.path, row.session_id, ["--only", f"seq={row.id}"])
            self._screen.post_message(Replaying(0))
