"""Recordings: every session that was recorded, the newest first, and what is known of one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.errors import ScopeError
from mcpscope.store import remarks
from mcpscope.store.listed import SessionRow
from mcpscope.tui.clock import Clock
from mcpscope.tui.exporting import delete
from mcpscope.tui.feed import Change
from mcpscope.tui.messages import ShowSessions
from mcpscope.tui.present import figures
from mcpscope.tui.present.recordings import facts_lines, recording_line, recordings_heading
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.exporting import Exporting
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.screens.replays import Replays
from mcpscope.tui.source import Source
from mcpscope.tui.undoing import Step, Undo
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList

FACT_LINES = 6
_SORTS = {
    "started": lambda s: s.started_at,
    "name": lambda s: s.title.lower(),
    "calls": lambda s: s.exchanges,
    "size": lambda s: s.bytes,
}


class RecordingRows:
    """``Rows`` over sessions."""

    def __init__(
        self, sessions: Sequence[SessionRow], errors: dict[int, int], screen: RecordingsScreen
    ) -> None:
        self.sessions = sessions
        self._errors = errors
        self._screen = screen

    def __len__(self) -> int:
        return len(self.sessions)

    def key(self, position: int) -> int:
        return self.sessions[position].id

    def position(self, key: int) -> int:
        return next((at for at, session in enumerate(self.sessions) if session.id == key), 0)

    def line(self, position: int, width: int, *, here: bool) -> Line:
        session = self.sessions[position]
        glyphs = glyphs_of(self._screen)
        errors = self._errors.get(session.id)
        selected = session.id in self._screen.chosen
        return recording_line(
            session, errors, width, glyphs, self._screen.clock, here=here, selected=selected
        )


class RecordingsScreen(ScopeScreen):
    """Enter opens the recording under the cursor, or all that are selected, in Traffic."""

    place = "recordings"
    BINDINGS: ClassVar[list[BindingType]] = bindings("recordings")

    def __init__(self, source: Source, clock: Clock, undo: Undo) -> None:
        super().__init__()
        self._source = source
        self._undo = undo
        self.clock = clock
        self.chosen: set[int] = set()
        self._all: tuple[SessionRow, ...] = ()
        self._errors: dict[int, int] = {}
        self._needle = ""
        self.exporting = Exporting(self, source.path, lambda: self.rows.selected, lambda: None)
        self.replays = Replays(self, source.path, lambda: self.rows.selected)
        self._sort, self._reverse = "started", True

    def body(self) -> ComposeResult:
        yield Bar(id="heading")
        yield RowList(id="list")
        yield Bar(id="facts")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    async def show_sessions(self, sessions: tuple[int, ...] | None) -> None:
        """What Traffic shows does not matter here; take the list as it is."""
        await self.take(Change(sessions=tuple(await self._source.watch(lambda pages: pages.sessions()))))

    async def take(self, change: Change) -> None:
        """Sessions that came, ended or were named."""
        if change.sessions is None:
            return
        self._all = change.sessions
        fresh = [s.id for s in self._all if s.id not in self._errors or s.ended_at is None][:60]
        self._errors |= await self._source.watch(lambda pages: pages.errors(fresh))
        self._fill()

    def _fill(self) -> None:
        needle = self._needle.lower()
        found = [
            s for s in self._all if needle in f"{s.title} {s.client_name} {s.server_name} {s.note}".lower()
        ]
        found.sort(key=_SORTS[self._sort], reverse=self._reverse)
        none = "  no recording is called so" if needle else "  nothing is recorded yet"
        self.rows.empty = [[], [(none, "muted")]]
        self.rows.show(RecordingRows(found, self._errors, self))
        self._facts()

    def selected(self) -> SessionRow | None:
        """The session under the cursor."""
        return next((session for session in self._all if session.id == self.rows.selected), None)

    def on_row_list_moved(self) -> None:
        self._facts()

    def on_row_list_opened(self) -> None:
        self.action_act("open")

    def on_resize(self) -> None:
        super().on_resize()
        self._facts()

    def _facts(self) -> None:
        width, session, bar = self.size.width, self.selected(), self.query_one("#facts", Bar)
        self.query_one("#heading", Bar).show([recordings_heading(width)])
        bar.styles.height = FACT_LINES
        bar.show(facts_lines(session, width, glyphs_of(self)) if session else [])
        self.refresh_chrome()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        size = sum(session.bytes for session in self._all)
        parts: list[Span] = [
            (figures.plural(len(self._all), "recording"), ""),
            (figures.long_size(size), "muted"),
        ]
        if self.chosen:
            parts.append((f"{len(self.chosen)} selected", "accent"))
        if self._needle:
            parts.append((f"filter: {self._needle}", "accent"))
        return parts, ""

    def acts(self) -> dict[str, Act]:
        return {
            "open": Act(self._open, self._nothing),
            "mark": Act(self._select, self._nothing),
            **self.exporting.acts(self._nothing),
            **self.replays.acts(self._nothing),
            "delete": Act(self._delete, self._undeletable),
            "name": Act(self._rename, self._nothing),
            "note": Act(self._note, self._nothing),
            "filter": Act(self._filter),
            "sort": Act(self._sorted),
            "sort.reverse": Act(self._turn),
            "follow": Act(lambda: self.post_message(ShowSessions(None))),
        }

    def _nothing(self) -> str:
        return "" if self.selected() is not None else "there are no recordings"

    def _open(self) -> None:
        session = self.selected()
        if session is not None:
            self.post_message(ShowSessions(tuple(sorted(self.chosen)) or (session.id,)))

    def _select(self) -> None:
        session = self.selected()
        if session is not None:
            self.chosen.symmetric_difference_update({session.id})
            self.rows.move("down")
            self.rows.refresh()

    def _undeletable(self) -> str:
        session = self.selected()
        if session is None:
            return "there are no recordings"
        return "it is being recorded" if session.ended_at is None else ""

    async def _delete(self) -> None:
        """Ask by the name, or by a key of its own where it has none; never by Enter alone."""
        session = self.selected()
        if session is None:
            return
        if session.name:
            title = f"Delete {session.name!r}? Type the first three letters of its name"
            sure = await self.app.push_screen_wait(Ask(title)) == session.name[:3]
        else:
            entry = Entry("y", "delete", f"delete it ({figures.plural(session.exchanges, 'exchange')})")
            asked = Menu(f"Delete session {session.id}?", [entry])
            sure = await self.app.push_screen_wait(asked) == "delete"
        if not sure:
            self.say("nothing was deleted")
            return
        key = session.id
        try:
            self.say(await asyncio.to_thread(delete, self._source.path, key))
        except (ScopeError, OSError) as error:
            self.say(f"not deleted: {error}", severity="error")
        await self.show_sessions(None)

    async def _rename(self) -> None:
        session = self.selected()
        if session is None:
            return
        name = await self.app.push_screen_wait(Ask("Name of this recording", session.name))
        if name and await self._write(lambda: remarks.name_session(self._source.path, session.id, name)):
            self._undo.done(self._named(session.id, session.name, name))

    def _named(self, session: int, before: str, after: str) -> Step:
        async def write(name: str) -> None:
            await self._write(lambda: remarks.name_session(self._source.path, session, name))

        return Step(f"name {after}", lambda: write(before), lambda: write(after))

    async def _note(self) -> None:
        session = self.selected()
        if session is None:
            return
        text = await self.app.push_screen_wait(Ask("Note on this recording", session.note))
        if text:
            await self._write(lambda: remarks.note_session(self._source.path, session.id, text))

    async def _write(self, what: object) -> bool:
        assert callable(what)
        try:
            await self._source.write(what)
        except ScopeError as error:
            self.say(error.message, severity="error")
            return False
        await self.show_sessions(None)
        return True

    async def _filter(self) -> None:
        self._needle = await self.app.push_screen_wait(Ask("Recordings that hold", self._needle))
        self._fill()

    async def _sorted(self) -> None:
        entries = [Entry(word[0], word, word) for word in _SORTS]
        chosen = await self.app.push_screen_wait(Menu("Sort by", entries))
        if chosen:
            self._sort = chosen
            self._fill()

    def _turn(self) -> None:
        self._reverse = not self._reverse
        self._fill()
