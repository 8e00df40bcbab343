"""What every screen has: header, status, key bar, actions from the table, a line for a tiny terminal."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from mcpscope.tui import actions
from mcpscope.tui.action import Action, key_name
from mcpscope.tui.messages import GoTo, Said, ScreenReady, Wants
from mcpscope.tui.places import SCREENS
from mcpscope.tui.present import chrome
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.spans import Span, clip
from mcpscope.tui.widgets.painted import Bar, Pane, glyphs_of
from mcpscope.tui.working import begin

OPENING = frozenset({"help", "prompt", "palette", "why", "servers"})
"""What is wanted of the app that opens a dialog."""
LEAST = (60, 15)
NARROW, WIDE = 100, 160
SAID_SECONDS = 5


def possible() -> str:
    """The reason why not, of an action that is always possible."""
    return ""


@dataclass(frozen=True, slots=True)
class Act:
    """How a screen does an action, and why it cannot now (empty: it can)."""

    do: Callable[[], Coroutine[Any, Any, None] | object]
    why_not: Callable[[], str] = possible


def bindings(place: str) -> list[BindingType]:
    """The key bindings of a place, from the table; each can be bound anew by its id."""
    return [
        Binding(",".join(action.keys), f"act('{action.id}')", action.label, show=False, id=action.id)
        for action in actions.at(place)
    ]


class ScopeScreen(Screen[None], inherit_bindings=False):
    """A screen of the UI. ``place`` names its rows in the table of actions."""

    place: ClassVar[str] = ""
    AUTO_FOCUS = "Pane"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual declares it as an instance's
        (0, "-narrow"),
        (NARROW, "-medium"),
        (WIDE, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012  # as above

    def __init__(self) -> None:
        super().__init__()
        self.heading = Heading(self.place.capitalize())
        self._acts: dict[str, Act] | None = None
        self._doing: set[str] = set()
        self._said: list[Span] = []
        self._unsay: Timer | None = None

    def compose(self) -> ComposeResult:
        self._app.keymap.bind(self._bindings)
        yield Bar(id="tiny")
        yield Bar(id="header")
        yield from self.body()
        yield Bar(id="status")
        yield Bar(id="keys")

    def on_mount(self) -> None:
        self.post_message(ScreenReady(self))

    def body(self) -> ComposeResult:
        """The widgets between header and status."""
        raise NotImplementedError

    def acts(self) -> dict[str, Act]:
        """What this screen does, by the id of the action."""
        return {}

    def status_parts(self) -> tuple[Sequence[Span], str]:
        """The parts of the status line, and what stands at its end."""
        return [], ""

    def act(self, action_id: str) -> Act | None:
        """How this screen, or every screen, does an action."""
        if self._acts is None:
            self._acts = {**self._common(), **self.acts()}
        return self._acts.get(action_id)

    def why_not(self, action: Action) -> str:
        """Why an action is not possible now; empty where it is."""
        act = self.act(action.id)
        return "not in this version" if act is None else act.why_not()

    def label(self, action: Action) -> str:
        """What the key bar calls an action now."""
        return action.label

    def action_act(self, action_id: str) -> None:
        """Do an action of the table, or say why not."""
        action = self._app.keymap.find(action_id, self.place)
        act = self.act(action_id)
        reason = "not in this version" if act is None else act.why_not()
        if reason or act is None:
            label = f"{key_name(action.keys[0])} {action.label}" if action else action_id
            self.say(f"{label}: {reason}")
            return
        if action_id in self._doing:  # the key was pressed again before it showed what it does
            return
        result = act.do()
        if isinstance(result, Coroutine):
            self._app.typeahead.opening()
            self._doing.add(action_id)
            begin(self, self._do, action_id, result)
        self.refresh_chrome()

    async def _do(self, action_id: str, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        finally:
            self._doing.discard(action_id)
            self._app.typeahead.opened()

    def keyed(self, text: str) -> str:
        """One of our own sentences with the keys that ``{action.id}`` stands for."""
        return glyphs_of(self).keyed(text)

    def say(self, text: str, *, severity: str = "information") -> None:
        """A line in place of the status for five seconds, and another line in the Log.

        Where somebody looks at another screen by now, it says it.
        """
        current = self.app.screen
        if current is not self and isinstance(current, ScopeScreen):
            current.say(text, severity=severity)
            return
        self._said = [(text, "error" if severity == "error" else "strong")]
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self.set_timer(SAID_SECONDS, self._silent)
        self.post_message(Said(text))
        self.refresh_chrome()

    def leave_saying(self, text: str) -> None:
        """Go back to the screen below, which says what was done here."""
        screens = self.app.screen_stack
        self.app.pop_screen()
        under = screens[-2] if len(screens) > 1 else None
        if isinstance(under, ScopeScreen):
            under.say(text)

    def _silent(self) -> None:
        self._said, self._unsay = [], None
        self.refresh_chrome()

    def show_heading(self, heading: Heading) -> None:
        """Take the header's facts; the title stays the screen's own."""
        self.heading = heading
        self.refresh_chrome()

    def refresh_chrome(self) -> None:
        """Paint header, status and keys again where they changed; a screen that goes away has none."""
        bars = {bar.id: bar for bar in self.children if isinstance(bar, Bar)}
        if not self.is_mounted or not {"header", "status", "keys"} <= bars.keys():
            return
        width, glyphs = self.size.width, glyphs_of(self)
        head = replace(self.heading, held=tuple(self._app.badge(glyphs)))
        bars["header"].show([chrome.header(width, head, glyphs)])
        said = [(clip(text, width - 4, more=glyphs.more), role) for text, role in self._said]
        parts, right = (said, "") if said else self.status_parts()
        coached = "" if said else glyphs.keyed(self._app.coached(self.place))
        coach = (clip(coached, width - 4, more=glyphs.more), "accent")
        parts = [coach, *parts] if coached else parts
        parts = [*parts, *self._app.heeding.obeyed()]
        bars["status"].show([chrome.status(width, parts, right)])
        entries = [
            replace(action, label=self.label(action))
            for action in self._app.keymap.bar(self.place)
            if not self.why_not(action)
        ]
        bars["keys"].show([chrome.keys(width, entries, glyphs)])

    @property
    def _app(self) -> Any:
        return self.app  # a ScopeApp, which imports this module

    def pane(self) -> Pane | None:
        """The pane that movements move: the focused one, else the first."""
        if isinstance(self.focused, Pane):
            return self.focused
        return next((pane for pane in self.query(Pane) if pane.display), None)

    def on_resize(self) -> None:
        width, height = self.size
        small = width < LEAST[0] or height < LEAST[1]
        self.set_class(small, "-tiny")
        if small:
            self.query_one("#tiny", Bar).show([[(chrome.too_small(width, height, LEAST), "warning")]])
        self.refresh_chrome()

    def on_screen_resume(self) -> None:
        """This screen is looked at again."""
        self._doing.clear()
        self.refresh_chrome()

    def _common(self) -> dict[str, Act]:
        moves = ("up", "down", "top", "bottom", "page-up", "page-down", "half-up", "half-down")
        found = {f"move.{how}": Act(partial(self._move, how)) for how in moves}
        for name, _, _ in SCREENS:
            found[f"screen.{name}"] = Act(partial(self._tell, GoTo, name), partial(self.screen_missing, name))
        wants = ("help", "prompt", "palette", "back", "quit", "suspend", "undo", "redo", "urgent", "why")
        for what in (*wants, "servers"):
            found[what] = Act(partial(self._tell, Wants, what))
        found |= {
            "interrupt": Act(lambda: self.say("q quits; the proxies go on")),
            "redraw": Act(lambda: self.refresh(layout=True)),
        }
        return found

    def screen_missing(self, name: str) -> str:
        """Why a screen cannot be shown."""
        return "" if self.app.is_mode(name) else "comes with a later version"  # type: ignore[attr-defined]  # ScopeApp

    def _tell(self, kind: Callable[[str], Message], word: str) -> None:
        if word in OPENING:
            self._app.typeahead.opening()
        self.post_message(kind(word))

    def _move(self, how: str) -> None:
        pane = self.pane()
        if pane is not None:
            pane.move(how)


class Dialog(ModalScreen[str], inherit_bindings=False):
    """A screen over another; Esc leaves it without doing anything."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._left = False

    def on_mount(self) -> None:
        if self.children:  # else it was taken down before it stood
            self.stands()
        self.app.typeahead.opened()  # type: ignore[attr-defined]  # ScopeApp

    def stands(self) -> None:
        """The parts are there."""

    def action_leave(self) -> None:
        self.leave("")

    def leave(self, result: str) -> None:
        """Dismiss with ``result``, once: keys that were typed faster than the dialog goes mean nothing."""
        if self.is_current and not self._left:
            self._left = True
            if result:
                self.app.typeahead.opening()  # type: ignore[attr-defined]  # what was chosen may ask further
            self.dismiss(result)
