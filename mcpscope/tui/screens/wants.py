"""What every screen can ask for: help, prompt, palette, back, quit, suspend, undo, the pager."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from mcpscope.errors import ScopeError
from mcpscope.paths import private_dir, runtime_dir
from mcpscope.store.listed import SessionRow
from mcpscope.text import safe
from mcpscope.tui import later
from mcpscope.tui.present import figures
from mcpscope.tui.present.spans import clip
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.screens.holding import Holding
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.steer import reason
from mcpscope.tui.widgets.painted import glyphs_of

if TYPE_CHECKING:
    from mcpscope.tui.app import ScopeApp


MAX_NAMED = 5


class Wanting:
    """Answers ``Wants``."""

    def __init__(self, app: ScopeApp) -> None:
        self._app = app
        self._answers: dict[str, Callable[[], Coroutine[Any, Any, None] | None]] = {
            "help": self._help,
            "prompt": self._prompt,
            "palette": self._palette,
            "back": self._back,
            "quit": self._quit,
            "suspend": self._suspend,
            "urgent": self._urgent,
            "why": self._why,
            "servers": self._servers,
            "undo": lambda: self._again(redo=False),
            "redo": lambda: self._again(redo=True),
        }

    def do(self, what: str) -> Coroutine[Any, Any, None] | None:
        """Do it; a coroutine is to be run as a worker."""
        return self._answers[what]()

    def _screen(self) -> ScopeScreen | None:
        found = self._app.screen
        return found if isinstance(found, ScopeScreen) else None

    def _refresh(self) -> None:
        screen = self._screen()
        if screen is not None:
            screen.refresh_chrome()

    def _help(self) -> None:
        screen = self._screen()
        if screen is not None:
            self._app.push_screen(later.help.HelpScreen(screen))

    async def _prompt(self) -> None:
        screen = self._screen()
        if screen is not None:
            line = await self._app.push_screen_wait(later.prompt.Prompt(self._app))
            if line:
                await self._app.commands.run(line, screen)

    async def _palette(self) -> None:
        screen = self._screen()
        if screen is not None:
            chosen = await self._app.push_screen_wait(later.palette.PaletteScreen(self._app, screen))
            if chosen:
                await self._app.commands.run(chosen, screen)

    def _back(self) -> Coroutine[Any, Any, None] | None:
        if len(self._app.screen_stack) > 1:
            self._app.pop_screen()
            return None
        if self._app.current_mode not in ("traffic", "first") and self._app.is_mode("traffic"):
            self._app.go_to("traffic")
            return None
        if self._app.typeahead.last_key == "escape" and self._app.coach.close():
            self._refresh()
            return None
        # At the root Esc does nothing; q asks, for it is a habit from pagers.
        return self._ask_to_quit() if self._app.typeahead.last_key == "q" else None

    async def _ask_to_quit(self) -> None:
        if self._app.steer.holds():
            await self._quit_holding()
            return
        entries = [Entry("y", "quit", "quit the UI; proxies and recordings go on")]
        if await self._app.push_screen_wait(
            Menu(
                "Quit mcpscope ui?",
                entries,
                glyphs_of(self._app.screen).keyed("Esc stays; {quit} quits without asking"),
            )
        ):
            self._app.exit(0)

    def _quit(self) -> Coroutine[Any, Any, None] | None:
        if self._app.steer.holds() and not self._app.steer.read_only:
            return self._quit_holding()
        self._app.exit(0)
        return None

    async def _quit_holding(self) -> None:
        """Somebody waits: what becomes of them is asked before the UI goes."""
        screen, holds = self._screen(), self._app.steer.holds()
        waited = [held for held in holds if not held.gave_up]
        lefts = [left for held in waited if (left := held.left(self._app.clock.now_ns())) is not None]
        soon = f" (next in {figures.clock(min(lefts))})" if lefts else ""
        names = [f"{clip(held.name, 24)}{' (gave up)' if held.gave_up else ''}" for held in holds[:MAX_NAMED]]
        more = [f"and {len(holds) - MAX_NAMED} more"] if len(holds) > MAX_NAMED else []
        entries = [
            Entry(
                "c",
                "continue",
                f"continue the {len(waited)} that a client waits for, then quit",
                "" if waited else "every client gave up",
            ),
            Entry("x", "drop", "drop all with an error, then quit"),
            Entry("k", "keep", f"keep them held; each has its deadline and fallback{soon}"),
        ]
        if screen is None:
            return
        title = (
            f"{figures.plural(len(holds), 'message')} held: {', '.join([*names, *more])}. Quit mcpscope ui?"
        )
        chosen = await self._app.push_screen_wait(Menu(title, entries, "Esc stays"))
        if chosen == "continue":
            await Holding(screen, self._app.steer, self._app.clock, lambda: None).continue_all()
        elif chosen == "drop":
            for held in holds:
                try:
                    await self._app.steer.ask(held.link, "scope/holds/drop", id=held.id)
                except ScopeError:
                    pass  # decided in this moment
        if chosen:
            self._app.exit(0)

    def _why(self) -> None:
        """Why the session under the cursor hangs, else the newest in view."""
        screen = self._screen()
        selected = getattr(screen, "selected", None)
        here = selected() if callable(selected) else None
        of = getattr(here, "session_id", None) or (here.id if isinstance(here, SessionRow) else None)
        rows = [row for row in self._app.sessions() if row.id == of] or self._app.scope.rows
        if rows:
            watch = self._app.options.watch
            self._app.push_screen(later.hanging.HangingScreen(self._app.source, rows[0], watch=watch))
        elif screen is not None:
            screen.say("no session is in view")

    async def _servers(self) -> None:
        screen = self._screen()
        if screen is not None:
            await later.servers.show(self._app, screen)

    def _urgent(self) -> None:
        """To the hold that has the least time left."""
        found = self._app.steer.holds()
        if not found:
            screen = self._screen()
            if screen is not None:
                screen.say("nothing is held")
            return
        self._app.go_to("holds")
        self._app.call_after_refresh(self._select, found[0].key)

    def _select(self, key: int) -> None:
        screen = self._screen()
        if isinstance(screen, later.holds.HoldsScreen):
            screen.select(key)

    def _suspend(self) -> None:
        self._app.action_suspend_process()

    async def _again(self, *, redo: bool) -> None:
        screen = self._screen()
        try:
            name = await (self._app.undo.redo() if redo else self._app.undo.undo())
        except ScopeError as error:
            if screen is not None:
                screen.say(reason(error), severity="error")
            return
        if screen is not None:
            word = "redone" if redo else "undone"
            screen.say(f"{word}: {name}" if name else f"nothing to {word.removesuffix('ne')}")

    def page(self, source: bytes) -> None:
        """Show a body in the pager while the UI waits; the proxy is another process and does not."""
        command = os.environ.get("MCPSCOPE_PAGER") or os.environ.get("PAGER") or "less"
        argv = shlex.split(command)
        if not argv or shutil.which(argv[0]) is None:
            screen = self._screen()
            if screen is not None:
                screen.say(f"there is no pager called {command!r}; set PAGER")
            return
        with tempfile.NamedTemporaryFile("wb", suffix=".json", dir=private_dir(runtime_dir())) as file:
            file.write(safe(source.decode("utf-8", "replace"), keep="\n\t").encode())
            file.flush()
            with self._app.suspend():
                subprocess.run([*argv, file.name], check=False)
        self._app.refresh(layout=True)
