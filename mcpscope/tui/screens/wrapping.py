"""Wrap: the servers that clients on this machine use; mcpscope is put in front of one, or taken out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from mcpscope.clients.found import WRAPPED, Found, found_servers, plan_for
from mcpscope.clients.wrapping import Plan
from mcpscope.errors import ScopeError
from mcpscope.tui.present import figures
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.present.wrapping import change_lines, server_facts, server_line, servers_heading
from mcpscope.tui.screens.base import Act, Dialog, ScopeScreen, bindings
from mcpscope.tui.steer import reason
from mcpscope.tui.widgets.painted import Bar, MadeBar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.widgets.viewer import Viewer


class ServerRows:
    """``Rows`` over servers; their order never changes, so a position is a key."""

    def __init__(self, found: Sequence[Found], screen: ScopeScreen) -> None:
        self.found = found
        self._screen = screen

    def __len__(self) -> int:
        return len(self.found)

    def key(self, position: int) -> int:
        return position

    def position(self, key: int) -> int:
        return min(key, max(0, len(self.found) - 1))

    def line(self, position: int, width: int, *, here: bool) -> Line:
        return server_line(self.found[position], width, glyphs_of(self._screen), here=here)


class WrapScreen(ScopeScreen):
    """Nothing is written before its change was shown and ``y`` was pressed; a copy of the file is kept."""

    place = "wrap"
    BINDINGS: ClassVar[list[BindingType]] = bindings("wrap")

    def __init__(self) -> None:
        super().__init__()
        self.heading = Heading("Wrap a server")

    def body(self) -> ComposeResult:
        yield MadeBar(servers_heading, id="heading")
        yield RowList(id="list")
        yield Bar(id="facts")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def on_mount(self) -> None:
        super().on_mount()
        self.rows.empty = [
            [],
            [("  no configuration of a client is found here; by hand it is", "muted")],
            [("  mcpscope --label NAME -- COMMAND", "accent"), (" in the place of COMMAND", "muted")],
        ]
        self.rows.focus()
        self._look()

    def _look(self) -> None:
        self.rows.show(ServerRows(found_servers(), self))
        self._paint()

    def _paint(self) -> None:
        found = self.selected()
        facts = [] if found is None else server_facts(found, self.size.width, glyphs_of(self))
        self.query_one("#facts", Bar).show(facts)
        self.refresh_chrome()

    def on_row_list_moved(self) -> None:
        self._paint()

    def on_row_list_opened(self) -> None:
        self.action_act("wrap.toggle")

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._paint)

    def _servers(self) -> Sequence[Found]:
        rows = self.rows.rows
        return rows.found if isinstance(rows, ServerRows) else ()

    def selected(self) -> Found | None:
        """The server under the cursor."""
        found = self._servers()
        return found[self.rows.cursor] if found else None

    def status_parts(self) -> tuple[Sequence[Span], str]:
        servers = [found for found in self._servers() if found.name]
        wrapped = sum(found.state == WRAPPED for found in servers)
        return [(figures.plural(len(servers), "server"), ""), (f"{wrapped} wrapped", "muted")], ""

    def acts(self) -> dict[str, Act]:
        return {
            "wrap.toggle": Act(self._toggle, self._why_not),
            "wrap.all": Act(self._all, lambda: "" if self._open_ones() else "there is none left to wrap"),
        }

    def _why_not(self) -> str:
        found = self.selected()
        if found is None or not found.name:
            return "there is no server here"
        return "" if found.changeable else f"it is {found.state}"

    def _open_ones(self) -> list[Found]:
        return [found for found in self._servers() if found.state == "not wrapped"]

    async def _toggle(self) -> None:
        found = self.selected()
        if found is not None:
            await self._carry_out([found], {found.name}, wrap=found.state != WRAPPED)

    async def _all(self) -> None:
        first_of = {found.path: found for found in reversed(self._open_ones())}
        await self._carry_out(list(first_of.values()), None, wrap=True)

    async def _carry_out(self, files: list[Found], names: set[str] | None, *, wrap: bool) -> None:
        """Show what changes in the file of each, and write it once somebody agrees."""
        try:
            plans = [(one, plan_for(one.client, one.path, names, wrap=wrap)) for one in files]
            changed = [(one, plan) for one, plan in plans if plan.changed]
            agreed = await self.app.push_screen_wait(ChangeScreen([plan for _, plan in plans], bool(changed)))
            if not agreed:
                return
            for _, plan in changed:
                plan.apply()
        except (ScopeError, OSError) as error:
            text = reason(error) if isinstance(error, ScopeError) else f"not written: {error}"
            self.say(text.replace(str(Path.home()), "~"), severity="error")
        else:
            told = {f"{one.client.title}: {one.client.reload}" for one, _ in changed}
            self.say(f"{'wrapped' if wrap else 'unwrapped'}. {'; '.join(sorted(told))}")
        self._look()


class ChangeScreen(Dialog):
    """What would be written; ``y`` agrees and nothing else does."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, plans: Sequence[Plan], changed: bool) -> None:
        super().__init__()
        self._plans = plans
        self._changed = changed

    def compose(self) -> ComposeResult:
        with Vertical(id="help-box"):
            yield Bar(id="help-title")
            yield Viewer(id="change")
            yield Bar(id="help-foot")

    def stands(self) -> None:
        title = " This would be written; a copy of each file is kept" if self._changed else " Nothing changes"
        self.query_one("#help-title", Bar).show([[(title, "strong")]])
        foot = " y writes it   Esc leaves everything as it is" if self._changed else " Esc closes"
        self.query_one("#help-foot", Bar).show([[(foot, "muted")]])
        viewer = self.query_one(Viewer)
        viewer.wrap = True
        viewer.show([line for plan in self._plans for line in change_lines(plan)])
        viewer.focus()

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in ("escape", "q"):
            self.leave("")
        elif event.key == "y" and self._changed:
            self.leave("y")
        elif event.key in ("j", "down", "k", "up"):
            self.query_one(Viewer).move("down" if event.key in ("j", "down") else "up")
