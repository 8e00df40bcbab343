"""Marks and notes on exchanges: written to the store at once, taken back by undo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mcpscope.errors import ScopeError
from mcpscope.store import remarks
from mcpscope.store.listed import ExchangeRow
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.listing import Listing
from mcpscope.tui.screens.menu import Ask
from mcpscope.tui.source import Source
from mcpscope.tui.undoing import Step, Undo
from mcpscope.tui.widgets.rowlist import RowList


class Remarking:
    """Marks, notes and the jump between marks, for the list of one screen."""

    def __init__(self, screen: ScopeScreen, source: Source, listing: Listing, undo: Undo) -> None:
        self._screen = screen
        self._source = source
        self._listing = listing
        self._undo = undo

    def acts(self, nothing: Callable[[], str], selected: Callable[[], ExchangeRow | None]) -> dict[str, Act]:
        return {
            "mark": Act(lambda: self._toggle(selected()), nothing),
            "mark.note": Act(lambda: self._note(selected(), marked=True), nothing),
            "note": Act(lambda: self._note(selected(), marked=False), nothing),
            "mark.jump": Act(self._jump, lambda: "" if self._listing.rows.marked else "nothing is marked"),
        }

    def _refresh(self, key: int) -> None:
        self._listing.rows.forget([key])
        self._screen.query_one("#list", RowList).changed()

    async def _toggle(self, row: ExchangeRow | None) -> None:
        if row is None:
            return
        on = row.id not in self._listing.rows.marked and "*" not in row.flags
        await self._mark(row.id, on=on)
        self._undo.done(
            Step(
                f"{'mark' if on else 'unmark'} #{row.id}",
                lambda: self._mark(row.id, on=not on),
                lambda: self._mark(row.id, on=on),
            )
        )

    async def _mark(self, key: int, *, on: bool) -> None:
        marked = self._listing.rows.marked
        (marked.add if on else marked.discard)(key)
        if not await self._write(lambda: remarks.mark(self._source.path, key, on=on)):
            (marked.discard if on else marked.add)(key)
        self._refresh(key)

    async def _note(self, row: ExchangeRow | None, *, marked: bool) -> None:
        if row is None:
            return
        text = await self._screen.app.push_screen_wait(Ask(f"Note on #{row.id}"))
        if not text:
            return
        if marked:
            await self._mark(row.id, on=True)
        await self._add(row.id, text)

    async def _add(self, key: int, text: str) -> None:
        written: list[int] = []

        async def write() -> None:
            await self._write(
                lambda: written.append(remarks.remark(self._source.path, key, text, actor="ui"))
            )
            self._refresh(key)

        async def take_back() -> None:
            while written:
                await self._write(partial(remarks.forget, self._source.path, written.pop()))
            self._refresh(key)

        await write()
        if written:
            self._undo.done(Step(f"note on #{key}", take_back, write))

    async def add(self, row: ExchangeRow | None, text: str) -> None:
        """Write a note without asking for its text (``:note``)."""
        if row is not None and text:
            await self._add(row.id, text)

    async def _write(self, what: Callable[[], None]) -> bool:
        """Whether it was written."""
        try:
            await self._source.write(what)
        except ScopeError as error:
            self._screen.say(f"{error.message} ({error.hint})", severity="error")
            return False
        return True

    def _jump(self) -> None:
        marks = sorted(self._listing.rows.marked)
        rows = self._screen.query_one("#list", RowList)
        here = rows.selected or 0
        rows.select(next((key for key in marks if key > here), marks[0]))
