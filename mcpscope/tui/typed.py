"""Commands of the prompt that take what a key would ask for: a replay, an export, the intercept filter."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from mcpscope.tui import later
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.screens.replays import offer

if TYPE_CHECKING:
    from mcpscope.tui.app import ScopeApp


class Typed:
    """``app`` knows the sessions; each command gets its words and the screen it was typed on."""

    def __init__(self, app: ScopeApp) -> None:
        self._app = app

    async def replay(self, text: str, screen: ScopeScreen) -> None:
        """``NAME [OPTIONS] [-- COMMAND | URL]``; without words the screen."""
        if not text:
            self._app.go_to("replay")
            return
        try:
            name, *words = shlex.split(text)
        except ValueError as error:
            screen.say(f"that cannot be split into words: {error}", severity="error")
            return
        found = self._app.scope.find(name)
        if found is None:
            screen.say(f"no recording called {name!r}", severity="error")
            return
        at = next((at for at, word in enumerate(words) if word == "--" or "://" in word), len(words))
        await offer(screen, self._app.source.path, found.id, words[:at], words[at:])

    async def export(self, text: str, screen: ScopeScreen) -> None:
        """``FORM [FILE]`` of what the screen lists; without words the menu."""
        exporting = getattr(screen, "exporting", None)
        form, _, path = text.partition(" ")
        if not text or exporting is None:
            screen.action_act("export")
        elif form not in later.exporting.FORMS:
            screen.say(f"no form {form!r}; there are {', '.join(later.exporting.FORMS)}", severity="error")
        else:
            await exporting.write(form, path.strip())

    async def intercept(self, text: str, screen: ScopeScreen) -> None:
        """``FILTER``; without words the dialog."""
        if not text:
            screen.action_act("intercept")
            return
        await self._app.traffic().breaking.set_intercept(text, screen)
