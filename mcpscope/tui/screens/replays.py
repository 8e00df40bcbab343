"""``R`` on a recording, ``r`` on an exchange: a replay that is shown on its own screen."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from mcpscope.errors import ScopeError
from mcpscope.store.listed import ExchangeRow
from mcpscope.tui import later
from mcpscope.tui.messages import Replaying
from mcpscope.tui.present.spans import clip
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.source import Source
from mcpscope.tui.working import begin

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
        if session is not None:
            await offer(self._screen, self._db, session)


async def offer(
    screen: ScopeScreen, db: Path, session: int, options: Sequence[str] = (), target: Sequence[str] = ()
) -> None:
    """Show what a replay would do, and start it where that is wanted; ``target`` is ``-- CMD`` or a URL."""
    try:
        upstream = target[1:] if target[:1] == ["--"] else target
        seen = await asyncio.to_thread(later.replaying.preview, db, session, upstream)
    except ScopeError as error:
        screen.say(f"{error.message}; {error.hint}", severity="error")
        return
    head, foot = later.previewing.preview_texts(seen.tools, seen.destructive, seen.unannotated)
    entries = [Entry("y", "run", f"run it against {clip(seen.target.removeprefix('-- '), 48)}")]
    entries += [Entry(key, option, text) for key, option, text in _WAYS]
    if seen.destructive:
        entries.append(Entry("o", "--allow-destructive", "run it with what declares itself destructive"))
    entries.append(Entry("u", OTHER, "run it against another command or URL"))
    chosen = await screen.app.push_screen_wait(Menu(head, entries, foot))
    words: Sequence[str] | None = await _other(screen, seen.target) if chosen == OTHER else target
    if chosen and words is not None:
        more = chosen.split() if chosen.startswith("--") else []
        run(screen, db, session, [*options, *more, *words], seen.steps)


def run(screen: ScopeScreen, db: Path, session: int, words: Sequence[str], steps: int) -> None:
    """Start a replay and show its screen; what keeps it from running is said wherever one is by then."""
    process = later.replaying.start(db, session, words)
    screen.post_message(Replaying(steps))

    async def tell() -> None:
        said = await later.replaying.failure(process)
        if said:
            screen.say(said, severity="error")

    begin(screen, tell, group="replays")


async def _other(screen: ScopeScreen, recorded: str) -> list[str] | None:
    """What the person types instead of the recorded upstream, as words of the command; None: nothing."""
    ask = Ask("Replay against which command or URL?", recorded, "Enter replays, Esc leaves")
    text = await screen.app.push_screen_wait(ask)
    try:
        words = shlex.split(text)
    except ValueError as error:
        screen.say(f"the command cannot be split into words: {error}", severity="error")
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
            run(self._screen, self._source.path, row.session_id, ["--only", f"seq={row.id}"], 0)
