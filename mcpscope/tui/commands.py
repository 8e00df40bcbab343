"""What can be typed at the ``:`` prompt: one table of commands, their completion, and what each does."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcpscope.tui import actions, later, preferences, theming
from mcpscope.tui.messages import FilterBy, ShowExchange, ShowSessions
from mcpscope.tui.places import SCREENS
from mcpscope.tui.scope import EVERYTHING
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.typed import Typed

if TYPE_CHECKING:
    from mcpscope.tui.app import ScopeApp


@dataclass(frozen=True, slots=True)
class Command:
    """``use`` is the form of its arguments; ``words`` are what they can be, where that is known."""

    name: str
    use: str
    say: str
    run: Callable[[str, ScopeScreen], Awaitable[None] | None]
    words: Callable[[], list[str]] = list


class Commands:
    """The commands of one app. Every action of the table is one too, by its id."""

    def __init__(self, app: ScopeApp) -> None:
        self._app = app
        self.table: dict[str, Command] = {command.name: command for command in self._rows()}

    def _rows(self) -> list[Command]:
        app = self._app
        rows = [
            Command(name, "", f"the {title} screen", self._goer(name))
            for name, _, title in SCREENS
            if app.is_mode(name) and name != "replay"
        ]
        typed = Typed(app)
        return [
            *rows,
            *self._about_tools(),
            Command("filter", "FILTER", "filter Traffic", lambda text, _: self._filter(text), self._filters),
            Command(
                "save-filter", "NAME", "keep the filter under a name", lambda text, _: self._save_filter(text)
            ),
            Command("session", "NAME", "show one session", self._session, self._sessions),
            Command("all", "", "show every session", lambda text, screen: self._all(screen)),
            Command(
                "live", "", "show what is live", lambda text, screen: self._post(screen, ShowSessions(None))
            ),
            Command("goto", "NUMBER|TIME", "to an exchange, or the first at a time of day", self._goto),
            Command("note", "TEXT", "write a note on the exchange", self._note),
            Command("copy", "WHAT", "copy a part of the exchange", self._copy, lambda: list(COPIES)),
            Command(
                "replay",
                "[NAME [OPTIONS] [-- COMMAND | URL]]",
                "the Replay screen, or say a recording again",
                typed.replay,
                self._sessions,
            ),
            Command("export", "[FORM [FILE]]", "write what is listed to a file", typed.export, _forms),
            Command("intercept", "[FILTER]", "hold everything that matches", typed.intercept, self._filters),
            Command("theme", "NAME", "another theme", self._theme, lambda: list(theming.NAMES)),
            Command("set", "[NAME [VALUE]]", "change a setting, or tell them all", self._set, _settings),
            Command("screenshot", "[FILE.svg]", "a picture of the screen", self._screenshot),
            Command("quit", "", "quit the UI", lambda text, screen: app.exit(0)),
        ]

    def names(self) -> list[str]:
        """Every name that ``run`` knows."""
        return [*self.table, *sorted({action.id for action in actions.ACTIONS} - set(self.table))]

    def complete(self, line: str) -> list[str]:
        """Whole lines that begin with ``line``."""
        name, space, rest = line.partition(" ")
        if not space:
            return [known for known in self.names() if known.startswith(name)]
        command = self.table.get(name)
        return [f"{name} {word}" for word in command.words() if word.startswith(rest)] if command else []

    async def run(self, line: str, screen: ScopeScreen) -> None:
        """Run one line on the screen it was typed on."""
        name, _, rest = line.strip().partition(" ")
        command = self.table.get(name)
        if command is not None:
            result = command.run(rest.strip(), screen)
            if result is not None:
                await result
        elif any(action.id == name for action in actions.ACTIONS):
            if rest.strip():
                screen.say(f"{name} takes no words, {rest.strip()!r} means nothing to it", severity="error")
            else:
                screen.action_act(name)
        else:
            near = difflib.get_close_matches(name, self.names(), n=1)
            screen.say(f"no command {name!r}" + (f"; did you mean {near[0]}?" if near else ""))

    def _goer(self, place: str) -> Callable[[str, ScopeScreen], None]:
        def go(text: str, _: ScopeScreen) -> None:
            self._app.go_to(place)
            if text and place == "traffic":
                self._filter(text)
            elif place == "tools":
                self._tools().filter(text)

        return go

    def _about_tools(self) -> list[Command]:
        what = "GLOB|read|write|destroys|open|?..."
        return [
            Command("hide", what, "hide tools from clients", self._on_tools("hide"), self._tool_names),
            Command("show", what, "show them again", self._on_tools("show"), self._tool_names),
            Command(
                "only", what, "let clients see no tools but these", self._on_tools("only"), self._tool_names
            ),
            Command(
                "break",
                "GLOB|read|... [response|both] [once] [when FILTER]",
                "hold the calls of tools, or no longer",
                self._on_tools("break"),
                self._tool_names,
            ),
            Command(
                "accept", "[GLOB...]", "accept tools as they are", self._on_tools("accept"), self._tool_names
            ),
        ]

    def _tools(self) -> Any:
        return self._app.tools()

    def _tool_names(self) -> list[str]:
        screen = self._tools()
        return [thing.name for thing in screen.things if thing.kind == "tool"] if screen is not None else []

    def _on_tools(self, verb: str) -> Callable[[str, ScopeScreen], Awaitable[None]]:
        async def run(text: str, screen: ScopeScreen) -> None:
            self._app.go_to("tools")
            await self._tools().command(verb, text.split())

        return run

    def _post(self, screen: ScopeScreen, message: Any) -> None:
        screen.post_message(message)

    def _filters(self) -> list[str]:
        return list(self._app.memory.filters)

    def _filter(self, text: str) -> None:
        self._app.screen.post_message(FilterBy(self._app.memory.filters.get(text, text), add=False))

    def _save_filter(self, name: str) -> None:
        text = self._app.traffic().filtering.bar.kept
        if name and text:
            self._app.memory.save_filter(name, text)

    def _sessions(self) -> list[str]:
        return [session.title for session in self._app.sessions()]

    def _session(self, wanted: str, screen: ScopeScreen) -> None:
        found = self._app.scope.find(wanted)
        if found is None:
            screen.say(f"no session called {wanted!r}")
        else:
            screen.post_message(ShowSessions((found.id,)))

    def _all(self, screen: ScopeScreen) -> None:
        screen.post_message(ShowSessions(EVERYTHING))

    def _goto(self, where: str, screen: ScopeScreen) -> None:
        if re.fullmatch(r"#?\d+", where):
            screen.post_message(ShowExchange(int(where.removeprefix("#"))))
        elif where:
            self._app.go_to("traffic")
            if not self._app.traffic().seeking.go_to_time(where):
                screen.say(f"{where!r} is neither a number nor a time like 12:04")

    async def _note(self, text: str, screen: ScopeScreen) -> None:
        traffic = self._app.traffic()
        await traffic.remarking.add(traffic.selected(), text)

    async def _copy(self, what: str, screen: ScopeScreen) -> None:
        copying = getattr(screen, "copying", None)
        if copying is None:
            screen.say("there is nothing to copy here")
        elif not what:
            await copying.menu()
        else:
            await copying.copy(what)

    def _theme(self, name: str, screen: ScopeScreen) -> None:
        if name not in theming.NAMES:
            screen.say(f"no theme {name!r}; there are {', '.join(theming.NAMES)}")
        else:
            self._app.prefer("theme", name)

    def _set(self, text: str, screen: ScopeScreen) -> None:
        name, _, value = text.replace("=", " ").partition(" ")
        name, value = name.strip(), value.strip()
        if not name:
            screen.say("   ".join(f"{known} {self._app.preferences[known]}" for known in preferences.WORDS))
        elif name not in preferences.WORDS:
            near = difflib.get_close_matches(name, preferences.WORDS, n=1) or list(preferences.WORDS)
            screen.say(f"no setting {name!r}; there is {', '.join(near)}")
        elif not value:
            choices = " | ".join(preferences.WORDS[name])
            screen.say(f"{name} is {self._app.preferences[name]}   ({choices})")
        elif value not in preferences.WORDS[name]:
            screen.say(f"{name} cannot be {value!r}; try {', '.join(preferences.WORDS[name])}")
        else:
            self._app.prefer(name, value)
            screen.say(f"{name} {value}, until the UI ends")

    def _screenshot(self, path: str, screen: ScopeScreen) -> None:
        screen.say(self._app.picture(path))


COPIES = (
    "json", "params", "arguments", "call-json", "result", "text", "id", "path", "filter",
    "curl", "mcpscope", "inspector", "python", "pytest", "markdown",
)  # fmt: skip


def _forms() -> list[str]:
    return list(later.exporting.FORMS)


def _settings() -> list[str]:
    return [f"{name} {value}" for name, values in preferences.WORDS.items() for value in values]


def describe(command: Command) -> str:
    """``session NAME  show one session``."""
    return f"{command.name} {command.use}".strip() + f"  {command.say}"
