"""What the UI does when proxies tell of holds: the bell, the way to them, notices, clocks that go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.tui.present import holds
from mcpscope.tui.present.spans import Span
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.steer import News
from mcpscope.tui.title import Title

if TYPE_CHECKING:
    from mcpscope.tui.app import ScopeApp

IDLE_SECONDS = 2.0


class Heeding:
    """Hears what ``Steer`` tells of all proxies, and lets the screens show it."""

    def __init__(self, app: ScopeApp) -> None:
        self._app = app
        self._title = Title(app)
        self._froze = False

    def heed(self, news: list[News]) -> None:
        """Something changed at a control socket: everything that shows holds is painted anew."""
        app = self._app
        if app.scope.shown is not None:
            app.showing.first_or_not()
            app.showing.headings()
        if any(word == "held" for _, word, _ in news):
            self._alert()
        self._title.show(len(app.steer.holds()))
        self.freeze()
        screens = self._stacked()
        for _, word, data in news:
            text = holds.notice(word, data, app.steer.name)
            if text and screens:
                screens[-1].say(text)
        for screen in app.showing.live_screens():
            steered = getattr(screen, "steered", None)
            if steered is not None:
                steered()
        for screen in screens:
            screen.refresh_chrome()

    def _stacked(self) -> list[ScopeScreen]:
        return [screen for screen in self._app.screen_stack if isinstance(screen, ScopeScreen)]

    def _alert(self) -> None:
        """Something is held: the bell, and the Holds screen for whoever wants it and types nothing."""
        app = self._app
        if app.preferences["hold.bell"] == "on":
            app.bell()
        idle = app.typeahead.idle_seconds > IDLE_SECONDS and len(app.screen_stack) == 1
        in_a_list = getattr(app.screen, "place", "") in ("traffic", "recordings", "log")
        if app.preferences["hold.jump"] == "auto" and idle and in_a_list:
            app.go_to("holds")

    def freeze(self) -> None:
        """Proxies are told whether a hold stops its session; those that come later, too."""
        wanted = self._app.preferences["hold.freeze"] == "session"
        steer = self._app.steer
        for link in steer.links:
            if link.freeze != wanted and not steer.read_only and (wanted or self._froze):
                link.ask("scope/holds/freeze", on=wanted)
        self._froze = self._froze or wanted

    def tick(self) -> None:
        """Once a second the badge's clock goes on, also below a dialog."""
        if self._app.steer.holds():
            for screen in self._stacked():
                screen.refresh_chrome()

    def obeyed(self) -> list[Span]:
        """Breakpoints and intercept filters in force, for the status line."""
        steer = self._app.steer
        rules = [rule for _, rule in steer.breakpoints()]
        frozen: list[Span] = [("a hold freezes its session", "warning")]
        found = holds.obeyed(rules, [link.intercept for link in steer.links])
        return [*found, *(frozen if any(link.freeze for link in steer.links) else [])]

    def end(self) -> None:
        """The title of the terminal is given back."""
        self._title.end()
