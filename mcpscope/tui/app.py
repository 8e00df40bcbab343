"""The app: wires the screens to the store, to each other and to the terminal; it has no behaviour."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen

from mcpscope.store.listed import SessionRow
from mcpscope.tui import later, recording, theming
from mcpscope.tui.clock import Clock
from mcpscope.tui.coach import Coach
from mcpscope.tui.commands import Commands
from mcpscope.tui.feed import Feed
from mcpscope.tui.heeding import Heeding
from mcpscope.tui.keymap import Keymap
from mcpscope.tui.linting import Linting
from mcpscope.tui.memory import Memory
from mcpscope.tui.messages import (
    FilterBy,
    GoTo,
    OpenExchange,
    Replaying,
    Said,
    ScreenReady,
    ShowExchange,
    ShowSessions,
    Wants,
)
from mcpscope.tui.picture import write_picture
from mcpscope.tui.preferences import Preferences
from mcpscope.tui.present import holds
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.roles import PALETTES
from mcpscope.tui.present.spans import Line
from mcpscope.tui.scope import Scope
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.screens.composing import ComposeExchange
from mcpscope.tui.screens.steering import Steering
from mcpscope.tui.screens.wants import Wanting
from mcpscope.tui.sending import Sender
from mcpscope.tui.sheet import Sheet
from mcpscope.tui.showing import Showing
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Steer
from mcpscope.tui.typeahead import TypeAhead
from mcpscope.tui.undoing import Undo
from mcpscope.tui.working import begin

if TYPE_CHECKING:
    from mcpscope.tui.crash import CrashReport


@dataclass(frozen=True, slots=True)
class Options:
    """How the UI was started. ``session`` is a number, name or label; empty follows what is live.

    ``note`` stands in the status line of Traffic: where a proxy listens. ``images`` goes before the
    preference.
    """

    theme: str = theming.AUTO
    ascii: bool = False
    session: str = ""
    filter: str = ""
    screen: str = "traffic"
    read_only: bool = False
    watch: bool = True
    note: str = ""
    images: str = ""
    preferences: Preferences = field(default_factory=Preferences)
    coach: bool = False


DEMO = -1
"""What the UI returns where somebody wants to see the demo, which has a database of its own."""

ScreenMaker = Callable[["ScopeApp"], ScopeScreen]


class ScopeApp(App[int], inherit_bindings=False):
    """The UI over one database. ``screens`` makes the screens that ``1…9`` reach."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []
    TITLE = "mcpscope"

    def __init__(
        self,
        source: Source,
        screens: dict[str, ScreenMaker],
        *,
        clock: Clock | None = None,
        memory: Memory | None = None,
        options: Options | None = None,
    ) -> None:
        self.options = options or Options()
        self.preferences = self.options.preferences
        self.source = source
        self.clock = clock or Clock()
        self.memory = memory or Memory()
        self.undo = Undo()
        self.coach = Coach(on=self.options.coach)
        self.scope = Scope()
        self.steer = Steer(read_only=self.options.read_only)
        self.sender = Sender(source.path, self.steer.name)
        self.showing = Showing(self)
        self.linting = Linting(source, self.showing.linted)
        self.plain_ascii = self.options.ascii or self.preferences["ascii"] == "on"
        self.typeahead = TypeAhead(self, self._take_key)
        self.said: deque[tuple[int, str]] = deque(maxlen=500)  # older lines are let go
        self.crash: CrashReport | None = None
        named = self.options.theme
        wanted = theming.chosen(self.preferences["theme"] if named in ("", theming.AUTO) else named)
        # Textual would take the variable away from our children and filter colours that mono has none of.
        no_color = os.environ.pop("NO_COLOR", None)
        super().__init__()
        if no_color is not None:
            os.environ["NO_COLOR"] = no_color
        self._makers = screens
        self._feed = Feed(source, self.showing.fed)
        self._wanting = Wanting(self)
        self.heeding = Heeding(self)
        self.commands = Commands(self)
        for theme in theming.themes():
            self.register_theme(theme)
        self.theme = wanted
        self.stylesheet = Sheet(variables=self.get_css_variables())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theming.variables(PALETTES[0])

    def on_mount(self) -> None:
        # The shell has written over what was on the terminal, and Textual paints only what changes.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.set_class(self.plain_ascii, "-ascii")
        for name, make in self._makers.items():
            self.add_mode(name, partial(make, self))
        self.switch_mode(self.options.screen if self.options.screen in self._makers else "traffic")
        if self.options.watch:
            begin(self, self._feed.run, group="feed")
            begin(self, self.steer.run, self.heeding.heed, group="steer")
            self.set_interval(1.0, self.heeding.tick)
            watched = (self.steer, self.source, self.clock, self.showing.recorded)
            begin(self, recording.watch, *watched, group="recording")
            begin(self, self.showing.afterwards, group="afterwards")
        else:
            begin(self, self.showing.first_look, group="feed")

    @property
    def keymap(self) -> Keymap:
        """Which keys the actions have."""
        return self.preferences.keymap

    def prefer(self, name: str, value: str) -> None:
        """Change a setting for as long as the UI runs."""
        self.preferences = self.preferences.changed(name, value)
        if name == "theme":
            self.theme = theming.chosen(value)
        elif name == "ascii":
            self.plain_ascii = value == "on"
            self.set_class(self.plain_ascii, "-ascii")
            for screen in self.showing.live_screens():
                screen.refresh_chrome()
                screen.refresh(layout=True)
        elif name == "hold.freeze":
            self.heeding.freeze()

    def badge(self, glyphs: Glyphs) -> Line:
        """What is held and how long there is, for the header of every screen."""
        return holds.badge(self.steer.holds(), self.clock.now_ns(), glyphs)

    def coached(self, place: str) -> str:
        """What the coach says on a screen; empty where there is none."""
        return self.coach.line(place, len(self.steer.holds()))

    def on_start_demo(self) -> None:
        self.exit(DEMO)

    def sessions(self) -> tuple[SessionRow, ...]:
        """Every session, newest first, as last seen."""
        return self.scope.all

    def is_mode(self, name: str) -> bool:
        """Whether a screen exists in this version."""
        return name in self._makers

    # what screens ask for

    def on_go_to(self, event: GoTo) -> None:
        self.go_to(event.place)

    def go_to(self, place: str) -> None:
        """Show a screen; what lay over the one before is left."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.switch_mode(place)
        self.showing.headings()

    def on_show_sessions(self, event: ShowSessions) -> None:
        self.scope.choose(event.sessions)
        self.linting.follow(self.scope.rows)
        self.go_to("traffic")
        self.showing.headings()
        begin(self, self.showing.show_scope, group="shown")

    def on_open_exchange(self, event: OpenExchange) -> None:
        if isinstance(self.screen, later.detail.DetailScreen) and self.screen.exchange == event.exchange:
            return  # Enter was pressed twice
        traffic = self.traffic()
        screen = later.detail.DetailScreen(
            self.source, self.clock, event.exchange, traffic.seeking.beside, traffic.seeking.marked, event.tab
        )
        screen.heading = self.showing.heading_for(f"#{event.exchange}")
        screen.composing = ComposeExchange(
            screen, self.source, self.sender, self.steer, lambda: screen.exchange
        )
        screen.steering = Steering(screen, self.steer, self.clock, self.undo, self.source, screen.selected)
        self.push_screen(screen)

    def on_show_exchange(self, event: ShowExchange) -> None:
        self.go_to("traffic")
        self.traffic().list.select(event.exchange)

    def on_filter_by(self, event: FilterBy) -> None:
        self.go_to("traffic")
        self.traffic().filtering.use(event.text, add=event.add)

    def on_replaying(self, event: Replaying) -> None:
        self.go_to("replay")
        self.call_after_refresh(self._screen_stacks["replay"][0].expect, event.total)  # type: ignore[attr-defined]

    def on_said(self, event: Said) -> None:
        self.said.append((self.clock.now_ns(), event.text))

    def on_screen_ready(self, event: ScreenReady) -> None:
        self.showing.opened(event.screen)

    def on_wants(self, event: Wants) -> None:
        result = self._wanting.do(event.what)
        if isinstance(result, Coroutine):
            self.run_worker(result)

    def traffic(self) -> Any:
        """The Traffic screen."""
        return self._screen_stacks["traffic"][0]

    def tools(self) -> Any:
        """The Tools screen; None before somebody went there."""
        return next(iter(self._screen_stacks.get("tools", ())), None)

    # ends

    def theme_names(self) -> tuple[str, ...]:
        """The themes that can be chosen."""
        return theming.NAMES

    def picture(self, path: str) -> str:
        """Write a picture of the screen as SVG and as text; returns what to say of it."""
        return write_picture(self, path)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self.typeahead.press(event)
            return
        await super().on_event(event)

    async def _take_key(self, event: events.Key) -> None:
        await super().on_event(event)

    def on_passed(self) -> None:
        self.typeahead.passed()

    def page(self, source: bytes) -> None:
        """Show bytes in the pager; the UI waits, the traffic does not."""
        self._wanting.page(source)

    def _fatal_error(self) -> None:
        """Textual would print every frame's locals, payloads and all, to the terminal."""
        if self.crash is None:  # what else breaks while the UI ends is a consequence
            self.crash = later.crash.CrashReport.of(self._exception)
        self._close_messages_no_wait()

    async def on_unmount(self) -> None:
        self.heeding.end()
        self.steer.close()
        self.sender.leave()
        self.source.close()
        self.linting.close()

    def base_screen(self) -> Screen[Any]:
        """The screen below everything that lies over it."""
        return self.screen_stack[0]
