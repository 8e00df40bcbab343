"""Trouble on purpose for what is under the cursor: faults set and cleared from a menu."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from mcpscope.errors import ScopeError
from mcpscope.tui.offers import Thing
from mcpscope.tui.present.tools import fault_words
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.steer import Steer, reason
from mcpscope.tui.undoing import Step, Undo

FORM = "--jitter 1s --probability 0.5 --after 3 --once --seed 7, all optional"
_FAULTS = (
    ("1", "delay", "each answer waits", "2s"),
    ("2", "error", "an error in the server's place", ""),
    ("3", "timeout", "no answer ever comes", ""),
    ("4", "disconnect", "the connection ends", ""),
    ("5", "truncate", "half an answer", ""),
    ("6", "corrupt", "an answer that is not JSON", ""),
    ("7", "empty", "an empty result", ""),
    ("8", "rate-limit", "an error beyond so many in a time", "20/minute"),
)
_OPTIONS = ("jitter", "probability", "after", "seed")


class Faulting:
    """``targets`` are the marked rows, else the one under the cursor."""

    def __init__(
        self,
        screen: ScopeScreen,
        steer: Steer,
        undo: Undo,
        targets: Callable[[], Sequence[Thing]],
        done: Callable[[], Awaitable[None]],
    ) -> None:
        self._screen = screen
        self._steer = steer
        self._undo = undo
        self._targets = targets
        self._done = done

    async def menu(self) -> None:
        """Ask which fault, and how often; what is set can be cleared."""
        things = [thing for thing in self._targets() if thing.links]
        there = [rule for thing in things for rule in thing.faults if rule["origin"] != "policy"]
        entries = [Entry(key, word, f"{word:<11} {say}") for key, word, say, _ in _FAULTS]
        clear = ", ".join(f"{rule['name']} ({fault_words(rule)})" for rule in there)
        entries.append(Entry("c", "clear", f"clear {clear}"[:56], "" if there else "there is no fault"))
        title = f"Make trouble for {things[0].name if len(things) == 1 else f'{len(things)} rows'}"
        chosen = await self._screen.app.push_screen_wait(Menu(title, entries))
        try:
            if chosen == "clear":
                await self._clear(things, {str(rule["name"]) for rule in there})
            elif chosen:
                await self._set(things, chosen)
        except ScopeError as error:
            self._screen.say(reason(error), severity="error")
        await self._done()

    async def _set(self, things: Sequence[Thing], word: str) -> None:
        given = next(value for _, name, _, value in _FAULTS if name == word)
        dialog = Ask(f"{word}: " + ("how much, then " if given else "") + "options", given, FORM)
        line = await self._screen.app.push_screen_wait(dialog)
        if not dialog.submitted:
            return
        try:
            wish = parsed(line)
        except ValueError as error:
            self._screen.say(f"{error}; the options are {FORM}", severity="error")
            return
        wishes = [(thing, {**wish, "fault": word, "match": thing.filter}) for thing in things]
        made: list[tuple[Any, str]] = []
        await self._add(wishes, made)
        name = f"fault {word} on {things[0].name}" + (" and others" if len(things) > 1 else "")
        self._undo.done(Step(name, partial(self._remove, made), partial(self._add, wishes, made)))
        self._screen.say(f"{name}  (u takes it back)")

    async def _add(self, wishes: Sequence[tuple[Thing, dict[str, Any]]], made: list[tuple[Any, str]]) -> None:
        made.clear()
        for thing, wish in wishes:
            for link in thing.links:
                rule = await self._steer.ask(link, "scope/faults/add", **wish)
                made.append((link, str(rule["name"])))
        await self._done()

    async def _remove(self, made: Sequence[tuple[Any, str]]) -> None:
        for link, name in made:
            await self._steer.ask(link, "scope/rules/remove", name=name)
        await self._done()

    async def _clear(self, things: Sequence[Thing], names: set[str]) -> None:
        for link in {link for thing in things for link in thing.links}:
            for rule in await self._steer.ask(link, "scope/rules/list"):
                if rule["name"] in names and rule["fault"] is not None:
                    await self._steer.ask(link, "scope/rules/remove", name=rule["name"])
        self._screen.say("cleared: " + ", ".join(sorted(names)))


def parsed(line: str) -> dict[str, Any]:
    """``2s --jitter 1s --once`` as parameters of ``scope/faults/add``; raises ValueError."""
    words = shlex.split(line)
    found: dict[str, Any] = {}
    if words and not words[0].startswith("--"):
        found["value"] = words.pop(0)
    while words:
        word = words.pop(0)
        option = word.removeprefix("--")
        if word == "--once":
            found["once"] = True
        elif word.startswith("--") and option in _OPTIONS and words:
            value = words.pop(0)
            if option == "jitter":
                found[option] = value
            else:
                found[option] = float(value) if option == "probability" else int(value)
        else:
            raise ValueError(f"{word!r} is not understood")
    return found
