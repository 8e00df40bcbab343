"""What clients may see, changed from the Tools screen: hide, show, only these, accept, and taking it back."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from mcpscope.engine.filter.globs import glob
from mcpscope.engine.hints import WORDS, hints
from mcpscope.errors import ScopeError
from mcpscope.store import pins
from mcpscope.store.reading import writing
from mcpscope.tui.links import Link
from mcpscope.tui.offers import Thing
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Steer, reason
from mcpscope.tui.undoing import Step, Undo

SHOWN_NAMES = 4


class Toggling:
    """``targets`` are the marked rows, else the one under the cursor; ``done`` looks at everything anew."""

    def __init__(
        self,
        screen: ScopeScreen,
        source: Source,
        steer: Steer,
        undo: Undo,
        targets: Callable[[], Sequence[Thing]],
        done: Callable[[], Awaitable[None]],
    ) -> None:
        self._screen = screen
        self._source = source
        self._steer = steer
        self._undo = undo
        self._targets = targets
        self._done = done

    def acts(self) -> dict[str, Act]:
        """By the id of the action."""
        return {
            "tool.visible": Act(self._toggle, self.why_not),
            "tool.accept": Act(self._accept, self._undrifted),
        }

    def why_not(self) -> str:
        """Why nothing under the cursor can be changed now."""
        if self._steer.read_only:
            return "this UI is read-only"
        if not self._targets():
            return "nothing is listed"
        if not any(thing.links for thing in self._targets()):
            return "the proxy of this session runs no more"
        return ""

    def _undrifted(self) -> str:
        if self._steer.read_only:
            return "this UI is read-only"
        differs = any(thing.drift for thing in self._targets())
        return "" if differs else "it is as it was accepted, or first seen"

    async def _toggle(self) -> None:
        """Hide all of them if any is visible, else show all."""
        things = [thing for thing in self._targets() if thing.links]
        seen = [thing for thing in things if not thing.hidden_by]
        await self.set(seen or things, shown=not seen)

    async def set(self, things: Sequence[Thing], *, shown: bool) -> None:
        """Hide or show these, as one step that can be taken back."""
        word = "show" if shown else "hide"
        name = f"{word} {_names(things)}"
        if await self._safely(self._wish(things, shown=shown)):
            back, again = (partial(self._again, things, shown=one) for one in (not shown, shown))
            self._undo.done(Step(name, back, again))
            still = await self._still_hidden(things) if shown else ""
            said = f"{'shown' if shown else 'hidden'}: {_names(things)}  (u takes it back)"
            self._screen.say(still or said, severity="error" if still else "information")

    async def only(self, things: Sequence[Thing], all: Sequence[Thing]) -> None:
        """Let clients see no tools but these."""
        kept = {thing.key for thing in things}
        hidden = [
            thing for thing in all if thing.kind == "tool" and thing.key not in kept and not thing.hidden_by
        ]
        shown = [thing for thing in things if thing.hidden_by]
        if not await self._safely(self._swap(hidden, shown)):
            return
        name = f"only {_names(things)}"
        self._undo.done(Step(name, lambda: self._swap(shown, hidden), lambda: self._swap(hidden, shown)))
        self._screen.say(f"{name}: {len(hidden)} hidden  (u takes it back)")

    async def command(self, verb: str, words: Sequence[str], things: Sequence[Thing]) -> None:
        """``hide``, ``show``, ``only`` or ``accept`` what the words name of ``things``."""
        found = chosen(things, words, "tool")
        if verb == "accept":
            found = [thing for thing in (found if words else things) if thing.drift]
        if why := self.why_not_these(found, verb, words):
            self._screen.say(why)
        elif verb == "accept":
            await self.accept(found)
        elif verb == "only":
            await self.only(found, things)
        else:
            await self.set(found, shown=verb == "show")

    def why_not_these(self, found: Sequence[Thing], verb: str, words: Sequence[str]) -> str:
        """Why a command about ``found`` cannot be done."""
        if self._steer.read_only:
            return "this UI is read-only"
        if not found:
            return "nothing differs" if verb == "accept" else f"nothing is called {' '.join(words) or 'so'}"
        if verb != "accept" and not any(thing.links for thing in found):
            return "the proxy of this session runs no more"
        return ""

    async def _swap(self, hidden: Sequence[Thing], shown: Sequence[Thing]) -> None:
        await self._wish(hidden, shown=False)
        await self._wish(shown, shown=True)
        await self._done()

    async def _still_hidden(self, things: Sequence[Thing]) -> str:
        """What hides one of them whatever is wished: a policy, or that it was not accepted."""
        for (link, kind), names in _by_link(things).items():
            told = await self._steer.ask(link, "scope/tools/list", kind=kind, names=names)
            for item in told["items"]:
                if why := item["hidden_by"]:
                    more = "; a accepts it" if why == "not accepted" else ", which no key can change"
                    return f"{item['name']} stays hidden: {why}{more}"
        return ""

    async def _again(self, things: Sequence[Thing], *, shown: bool) -> None:
        await self._wish(things, shown=shown)
        await self._done()

    async def _wish(self, things: Sequence[Thing], *, shown: bool) -> None:
        """One call for each proxy and kind, so that a client hears of it once."""
        method = "scope/tools/unhide" if shown else "scope/tools/hide"
        for (link, kind), names in _by_link(things).items():
            await self._steer.ask(link, method, globs=names, kind=kind)

    async def _accept(self) -> None:
        await self.accept([thing for thing in self._targets() if thing.drift])

    async def accept(self, things: Sequence[Thing]) -> None:
        """Accept tools as they are listed now, for this proxy and for every later session of this server."""
        if await self._safely(self._write(things)):
            self._screen.say(f"accepted: {_names(things)}")

    async def _write(self, things: Sequence[Thing]) -> None:
        for label in dict.fromkeys(thing.label for thing in things):
            mine = [thing for thing in things if thing.label == label]
            known = {thing.name: thing.offered.body for thing in mine}
            await self._source.write(partial(self._pin, label, known))
            for link in mine[0].links:
                await self._steer.ask(link, "scope/tools/accept", names=list(known))

    def _pin(self, label: str, known: dict[str, dict[str, Any]]) -> None:
        with writing(self._source.path) as connection:
            pins.accept(connection, label, known, list(known), time.time_ns())

    async def _safely(self, what: Awaitable[None]) -> bool:
        try:
            await what
        except ScopeError as error:
            self._screen.say(reason(error), severity="error")
            return False
        finally:
            await self._done()
        return True


def chosen(things: Iterable[Thing], words: Sequence[str], kind: str) -> list[Thing]:
    """What words name: globs (``prompt:`` or ``resource:`` before them), or words of annotations."""
    found: dict[tuple[str, str, str], Thing] = {}
    for thing in things:
        for word in words:
            of, colon, rest = word.partition(":")
            about, pattern = (of, rest) if colon and of in ("tool", "prompt", "resource") else (kind, word)
            if thing.kind == about and (glob(pattern)(thing.name) or _says(thing, word)):
                found[thing.key] = thing
    return list(found.values())


def _says(thing: Thing, word: str) -> bool:
    known = {one.lower() for one in WORDS}
    said = {one.lower() for one in hints(thing.offered.body)} if thing.kind == "tool" else set()
    return word.lower() in known and word.lower() in said


def _by_link(things: Sequence[Thing]) -> dict[tuple[Link, str], list[str]]:
    found: dict[tuple[Link, str], list[str]] = {}
    for thing in things:
        for link in thing.links:
            found.setdefault((link, thing.kind), []).append(thing.name)
    return found


def _names(things: Sequence[Thing]) -> str:
    names = [thing.name for thing in things]
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more
