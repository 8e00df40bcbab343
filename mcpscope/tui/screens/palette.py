"""The palette: a few letters find an action, a command, a tool or a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from mcpscope.engine.filter.completion import quote
from mcpscope.tui.present.spans import Line, cut, pad
from mcpscope.tui.screens.base import Dialog, ScopeScreen
from mcpscope.tui.widgets.field import Field
from mcpscope.tui.widgets.painted import Bar
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.working import begin

if TYPE_CHECKING:
    from mcpscope.tui.app import ScopeApp


@dataclass(frozen=True, slots=True)
class Hit:
    """``line`` is what the prompt would run."""

    name: str
    say: str
    line: str


class Hits:
    """``Rows`` over hits."""

    def __init__(self, hits: list[Hit]) -> None:
        self.hits = hits

    def __len__(self) -> int:
        return len(self.hits)

    def key(self, position: int) -> int:
        return position

    def position(self, key: int) -> int:
        return min(key, max(0, len(self.hits) - 1))

    def line(self, position: int, width: int, *, here: bool) -> Line:
        hit = self.hits[position]
        return cut([(f" {pad(hit.name, 30)} ", "key"), (hit.say, "muted")], width)


class PaletteScreen(Dialog):
    """Dismisses with a line for the prompt, or empty."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, app: ScopeApp, screen: ScopeScreen) -> None:
        super().__init__()
        self._scope = app
        self._all = hits(app, screen)

    def compose(self) -> ComposeResult:
        with Vertical(id="palette-box"):
            yield Bar(id="palette-title")
            yield Field(id="palette-input", placeholder="a few letters")
            yield RowList(id="palette")

    def stands(self) -> None:
        self.query_one("#palette-title", Bar).show(
            [[(" Palette", "strong"), ("   Enter runs, Esc leaves", "muted")]]
        )
        self.query_one(RowList).can_focus = False
        self.query_one(RowList).show(Hits(self._all))
        self.query_one(Input).focus()
        begin(self, self._tools)

    async def _tools(self) -> None:
        shown = self._scope.scope.shown
        found = await self._scope.source.watch(lambda pages: pages.values("tool", shown))
        for name, count in found:
            say = f"{count:,} calls; filter by it"
            self._all.append(Hit(f"tool: {name}", say, f"filter tool:{quote(name)}"))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        found = sorted(
            (
                (score, at, hit)
                for at, hit in enumerate(self._all)
                if (score := fuzzy(event.value, hit.name)) > 0
            ),
            key=lambda one: (-one[0], one[1]),
        )
        rows = self.query_one(RowList)
        rows.empty = [[("nothing is called so", "muted")]]
        rows.show(Hits([hit for _, _, hit in found]))
        rows.go(0)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        rows = self.query_one(RowList)
        found = rows.rows
        self.leave(found.hits[rows.cursor].line if isinstance(found, Hits) and len(found) else "")

    def on_row_list_opened(self) -> None:
        rows = self.query_one(RowList)
        if isinstance(rows.rows, Hits):
            self.leave(rows.rows.hits[rows.cursor].line)

    def on_key(self, event: events.Key) -> None:
        steps = {"down": 1, "up": -1, "pagedown": 10, "pageup": -10, "ctrl+n": 1, "ctrl+p": -1}
        if event.key == "escape":
            self.leave("")
        elif event.key in steps:
            rows = self.query_one(RowList)
            rows.go(max(0, rows.cursor + steps[event.key]))
        else:
            return
        event.stop()
        event.prevent_default()


def hits(app: ScopeApp, screen: ScopeScreen) -> list[Hit]:
    """Everything that can be chosen on a screen."""
    found = [
        Hit(f"{action.label}", action.say, action.id)
        for action in app.keymap.at(screen.place)
        if not screen.why_not(action) and action.id not in ("prompt", "palette")
    ]
    commands = [one for one in app.commands.table.values() if not one.use]
    found += [Hit(f":{one.name}", one.say, one.name) for one in commands]
    found += [Hit(f"theme: {name}", "another theme", f"theme {name}") for name in app.theme_names()]
    found += [
        Hit(f"recording: {session.title}", f"{session.exchanges:,} exchanges", f"session {session.id}")
        for session in app.sessions()[:200]
    ]
    return found


def fuzzy(letters: str, name: str) -> int:
    """How well the letters, in their order, stand in ``name``; 0: not at all. Runs and word starts count."""
    score, at, run = 1, 0, 0
    low = name.lower()
    for letter in letters.lower().replace(" ", ""):
        found = low.find(letter, at)
        if found < 0:
            return 0
        run = run + 1 if found == at else 0
        score += 1 + run * 2 + (3 if found == 0 or not low[found - 1].isalnum() else 0)
        at = found + 1
    return score
