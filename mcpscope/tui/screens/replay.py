"""Replay: a run's verdicts as they come, what differs, and the review that settles it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.errors import ScopeError
from mcpscope.store.replays import RunRow, VerdictRow
from mcpscope.tui import replaying
from mcpscope.tui.clock import Clock
from mcpscope.tui.present.replay import (
    REVIEWED,
    Extent,
    difference_lines,
    mask_for,
    run_line,
    verdict_heading,
    verdict_line,
)
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.replaying import RunState
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.source import Source
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.working import begin

POLL_SECONDS = 0.5
FACT_LINES = 12


class VerdictRows:
    """``Rows`` over the verdicts of one run."""

    def __init__(self, rows: Sequence[VerdictRow], screen: ReplayScreen) -> None:
        self.rows = rows
        self._screen = screen

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, position: int) -> int:
        return position

    def position(self, key: int) -> int:
        return min(key, max(len(self.rows) - 1, 0))

    def line(self, position: int, width: int, *, here: bool) -> Line:
        row = self.rows[position]
        decided = self._screen.decided.get(row.seq, "")
        return verdict_line(row, width, glyphs_of(self._screen), here=here, decided=decided)


class ReplayScreen(ScopeScreen):
    """Runs go on in processes of their own; leaving the screen stops nothing."""

    place = "replay"
    BINDINGS: ClassVar[list[BindingType]] = bindings("replay")

    def __init__(self, source: Source, clock: Clock) -> None:
        super().__init__()
        self._source = source
        self._clock = clock
        self._runs: tuple[RunRow, ...] = ()
        self._state: RunState | None = None
        self._wanted = 0
        self._totals: dict[int, int] = {}
        self._expected: int | None = None
        self.decided: dict[int, str] = {}

    def body(self) -> ComposeResult:
        yield Bar(id="run")
        yield Bar(id="heading")
        yield RowList(id="list")
        yield Bar(id="facts")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(POLL_SECONDS, self._poll)
        self._poll()

    def expect(self, total: int) -> None:
        """A run with so many rows was just started: show it, and how far it is."""
        self._wanted = 0
        self._expected = total

    def _poll(self) -> None:
        running = self._state is not None and self._state.run.state == "running"
        if self.is_current or running:
            begin(self, self._look, group="runs", exclusive=True)

    async def _look(self) -> None:
        path, wanted = self._source.path, self._wanted
        self._runs, state = await self._source.ask(lambda pages: replaying.look(path, wanted))
        if state is not None and self._state is not None and state.run.id != self._state.run.id:
            self.decided = {}
        if state is not None and state.run.state == "running" and state.run.id not in self._totals:
            recording, expected, self._expected = state.run.recording_id, self._expected, None
            if expected is None:  # somebody else started it
                expected = await self._source.ask(lambda pages: replaying.length(path, recording))
            self._totals[state.run.id] = expected
        self._state = state
        self._show()

    def _show(self) -> None:
        width, glyphs = self.size.width, glyphs_of(self)
        state = self._state
        bar = self.query_one("#run", Bar)
        if state is None:
            bar.show([[("  no run yet: R on a recording replays it", "muted")]])
            return
        extent = Extent(self._totals.get(state.run.id, 0), self._clock.now_ns())
        bar.show([run_line(state.run, state.rows, extent, width, glyphs)])
        self.query_one("#heading", Bar).show([verdict_heading(width)])
        self.rows.show(VerdictRows(state.rows, self))
        self._facts()

    def _facts(self) -> None:
        height = min(FACT_LINES, max(3, self.size.height // 3))
        bar = self.query_one("#facts", Bar)
        bar.styles.height = height
        bar.show(difference_lines(self.selected(), self.size.width, height))
        self.refresh_chrome()

    def selected(self) -> VerdictRow | None:
        """The row under the cursor."""
        position = self.rows.selected
        rows = self._state.rows if self._state is not None else ()
        return rows[position] if position is not None and 0 <= position < len(rows) else None

    def on_row_list_moved(self) -> None:
        self._facts()

    def on_resize(self) -> None:
        super().on_resize()
        self._show()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        waiting = self._waiting()
        runs = len(self._runs)
        parts: list[Span] = [(f"{runs} run{'' if runs == 1 else 's'}", "")]
        if waiting:
            parts.append((f"{len(waiting)} to review", "warning"))
        if self._state is not None and self._state.masks:
            parts.append((f"{len(self._state.masks)} masks", "muted"))
        return parts, ""

    def acts(self) -> dict[str, Act]:
        return {
            "review.accept": Act(self._accept, self._unreviewable),
            "review.keep": Act(self._keep, self._unreviewable),
            "review.mask": Act(self._mask, self._unmaskable),
            "review.skip": Act(self._skip),
            "review.accept-all": Act(self._accept_all, self._nothing_waits),
            "review.keep-all": Act(partial(self._decide_all, "keep", "kept"), self._nothing_waits),
            "review.skip-all": Act(partial(self._decide_all, "skip", "skipped"), self._nothing_waits),
            "problem.next": Act(lambda: self._problem(1)),
            "problem.previous": Act(lambda: self._problem(-1)),
            "tab.next": Act(lambda: self._turn(1)),
            "tab.previous": Act(lambda: self._turn(-1)),
            "interrupt": Act(self._stop, self._idle),
        }

    def _waiting(self) -> list[VerdictRow]:
        rows = self._state.rows if self._state is not None else ()
        return [row for row in rows if row.verdict in REVIEWED and row.seq not in self.decided]

    def _unreviewable(self) -> str:
        row = self.selected()
        return "" if row is not None and row.verdict in REVIEWED else "nothing of this row is to be decided"

    def _unmaskable(self) -> str:
        row = self.selected()
        return "" if row is not None and mask_for(row) else "nothing differs here"

    def _nothing_waits(self) -> str:
        return "" if self._waiting() else "nothing is to be reviewed"

    def _idle(self) -> str:
        running = self._state is not None and self._state.run.state == "running"
        return "" if running else "no replay is running; q quits"

    async def _accept(self) -> None:
        row = self.selected()
        if row is not None:
            await self._settle([row], [], "accepted")

    async def _accept_all(self) -> None:
        rows = self._waiting()
        entry = Entry("y", "accept", f"accept all {len(rows)} that are left")
        if await self.app.push_screen_wait(Menu("Accept what the upstream says now?", [entry])) == "accept":
            await self._settle(rows, [], "accepted")

    async def _mask(self) -> None:
        row = self.selected()
        if row is not None:
            await self._settle([], [mask_for(row)], "masked", row)

    def _keep(self) -> None:
        row = self.selected()
        if row is not None:
            self.decided[row.seq] = "kept"
            self.say("kept: this row stays failing")
            self._show_next()

    def _skip(self) -> None:
        row = self.selected()
        if row is None or row not in self._waiting():
            self._move("up")
            return
        self.decided[row.seq] = "skipped"
        self.say("skipped: it can still be decided, here or with mcpscope review")
        self._show_next()

    async def _decide_all(self, verb: str, word: str) -> None:
        """Keep or skip whatever is left, after a question."""
        rows = self._waiting()
        entry = Entry("y", verb, f"{verb} all {len(rows)} that are left")
        title = "Keep what was recorded?" if verb == "keep" else "Decide them later?"
        if await self.app.push_screen_wait(Menu(title, [entry])) == verb:
            self.decided |= dict.fromkeys((row.seq for row in rows), word)
            self.say(f"{word} {len(rows)}")
            self._show()

    def _show_next(self) -> None:
        """Show what was decided, and go to what is still to be decided below, else above."""
        self._show()
        rows = self._state.rows if self._state is not None else ()
        at, waiting = self.rows.selected or 0, self._waiting()
        order = [*range(at, len(rows)), *range(at)]
        found = next((place for place in order if rows[place] in waiting), None)
        if found is not None:
            self.rows.go(found)
            self._facts()

    async def _settle(
        self, rows: list[VerdictRow], masks: list[str], word: str, masked: VerdictRow | None = None
    ) -> None:
        state, path = self._state, self._source.path
        if state is None:
            return
        try:
            number = await self._source.write(lambda: replaying.settle(path, state.run, rows, masks))
        except ScopeError as error:
            self.say(error.message, severity="error")
            return
        for row in [*rows, *([masked] if masked is not None else [])]:
            self.decided[row.seq] = word
        self.say(f"{word}: revision {number} of {state.run.recording}")
        self._show_next()

    def _problem(self, step: int) -> None:
        rows = self._state.rows if self._state is not None else ()
        at = self.rows.selected or 0
        order = range(at + 1, len(rows)) if step > 0 else range(at - 1, -1, -1)
        found = next((place for place in order if rows[place].verdict in REVIEWED), None)
        if found is not None:
            self.rows.go(found)
            self._facts()

    def _turn(self, step: int) -> None:
        """The next older or newer run."""
        ids = [run.id for run in self._runs]
        if self._state is None or len(ids) < 2:
            return
        at = ids.index(self._state.run.id) if self._state.run.id in ids else 0
        self._wanted = ids[(at + step) % len(ids)]
        self._poll()

    def _stop(self) -> None:
        if self._state is not None and replaying.stop(self._state.run):
            self.say("stopping; what was found so far is kept")
