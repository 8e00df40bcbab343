"""Breakpoints and the intercept filter: ``b`` on a row's tool, ``B`` with conditions, ``i`` and ``I``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from mcpscope.engine.filter.completion import quote
from mcpscope.errors import ScopeError
from mcpscope.tui.links import Link
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Ask
from mcpscope.tui.steer import Steer, reason
from mcpscope.tui.undoing import Step, Undo

FORM = "FILTER --on request|answer|both --once --skip N --errors"
_ON = ("request", "answer", "both")
Target = tuple[str, Sequence[Link]]
"""A filter, and the proxies it is about."""


class Breaking:
    """``target`` gives the filter for what is under the cursor (empty: none) and the proxies it is about."""

    def __init__(
        self, screen: ScopeScreen, steer: Steer, undo: Undo, target: Callable[[], tuple[str, Sequence[Link]]]
    ) -> None:
        self._screen = screen
        self._steer = steer
        self._undo = undo
        self._target = target

    def acts(self) -> dict[str, Act]:
        """By the id of the action."""
        return {
            "break": Act(partial(self._safely, self._toggle), self._why_not_here),
            "break.edit": Act(partial(self._safely, self._edit), self._why_not),
            "intercept": Act(partial(self._safely, self._intercept), self._why_not),
            "intercept.toggle": Act(partial(self._safely, self._switch), self._why_not),
        }

    def _why_not(self) -> str:
        if self._steer.read_only:
            return "this UI is read-only"
        return "" if self._steer.links else "no proxy runs"

    def _why_not_here(self) -> str:
        why = self._why_not()
        if why:
            return why
        text, links = self._target()
        if not text:
            return "nothing under the cursor can be broken on"
        return "" if links else "the proxy of this row runs no more"

    async def _safely(self, verb: Callable[[], Any]) -> None:
        try:
            await verb()
        except ScopeError as error:
            self._screen.say(reason(error), severity="error")

    async def _toggle(self) -> None:
        await self._switch_all([self._target()])

    async def toggle(self, targets: Sequence[Target]) -> None:
        """Break on all of these, or on none of them any more where all are broken on."""
        await self._safely(partial(self._switch_all, targets))

    async def add(self, targets: Sequence[Target], how: dict[str, Any]) -> None:
        """Break on these as ``breaking_words`` says, in place of what broke on just this before."""
        await self._safely(partial(self._add, targets, how))

    async def _add(self, targets: Sequence[Target], how: dict[str, Any]) -> None:
        wish = {key: value for key, value in how.items() if key != "when"}
        made: list[Target] = [(f"{text} {how.get('when', '')}".strip(), links) for text, links in targets]

        async def put() -> None:
            await self._set(made, on=False)
            for text, links in made:
                for link in links:
                    await self._steer.ask(link, "scope/breakpoints/add", filter=text, **wish)

        await put()
        name = "breakpoint on " + ", ".join(text for text, _ in made)
        self._undo.done(Step(name, partial(self._set, made, on=False), put))
        self._screen.say(name)

    async def _switch_all(self, targets: Sequence[Target]) -> None:
        there = [target for target in targets if any(_rule(link, target[0]) for link in target[1])]
        on = len(there) < len(targets)
        those = [target for target in targets if target not in there] if on else there
        await self._set(those, on=on)
        name = "breakpoint on " + ", ".join(text for text, _ in those)
        self._undo.done(
            Step(name, partial(self._set, those, on=not on), partial(self._set, those, on=on)),
        )
        self._screen.say(f"{name}: the next request is held" if on else f"{name} removed")

    async def _set(self, targets: Sequence[Target], *, on: bool) -> None:
        for text, links in targets:
            for link in links:
                rule = _rule(link, text)
                if on and rule is None:
                    await self._steer.ask(link, "scope/breakpoints/add", filter=text)
                elif not on and rule is not None:
                    await self._steer.ask(link, "scope/breakpoints/remove", name=rule["name"])

    async def _edit(self) -> None:
        text, links = self._target()
        links = links or self._steer.links
        rule = next((found for link in links if (found := _rule(link, text))), None)
        line = await self._screen.app.push_screen_wait(Ask("Breakpoint", _spelled(text, rule), FORM))
        if not line:
            return
        try:
            wish = parsed(line)
        except ValueError as error:
            self._screen.say(f"{error}: {FORM}", severity="error")
            return
        before = {link: _rule(link, text) for link in links} if rule is not None else {}
        await self._exchange(links, before, wish)

        async def back() -> None:
            for link in links:
                new = _rule(link, wish["filter"])
                if new is not None:
                    await self._steer.ask(link, "scope/breakpoints/remove", name=new["name"])
                if (old := before.get(link)) is not None:
                    await self._steer.ask(link, "scope/breakpoints/add", **wish_of(old))

        self._undo.done(Step(f"breakpoint {line}", back, lambda: self._exchange(links, before, wish)))
        self._screen.say(f"breakpoint: {line}")

    async def _exchange(
        self, links: Sequence[Link], before: Mapping[Link, dict[str, Any] | None], wish: dict[str, Any]
    ) -> None:
        """Put a breakpoint in the place of another."""
        for link in links:
            if (old := before.get(link)) is not None:
                await self._steer.ask(link, "scope/breakpoints/remove", name=old["name"])
            await self._steer.ask(link, "scope/breakpoints/add", **wish)

    async def _intercept(self) -> None:
        kept = self._kept()
        hint = "holds everything that matches, both ways; empty switches it off. Enter sets it, Esc leaves"
        dialog = Ask("Intercept filter", kept, hint)
        line = await self._screen.app.push_screen_wait(dialog)
        if not line:
            if kept and dialog.submitted:
                await self._change(enabled=False)
                self._screen.say("intercept is off; I switches it on again")
            return
        await self._change(filter=line, enabled=True)
        self._screen.say(f"intercept: {line}")

    async def set_intercept(self, line: str, screen: ScopeScreen) -> None:
        """Hold what matches ``line``; ``screen`` says what came of it."""
        why = self._why_not()
        try:
            if not why:
                await self._change(filter=line, enabled=True)
        except ScopeError as error:
            why = reason(error)
        screen.say(f"intercept: {why or line}", severity="error" if why else "information")

    async def _switch(self) -> None:
        on = any(link.intercept.get("enabled") for link in self._steer.links)
        if not on and not self._kept():
            self._screen.say(self._screen.keyed("{intercept} sets an intercept filter first"))
            return
        await self._change(**({"enabled": False} if on else {"filter": self._kept(), "enabled": True}))
        self._screen.say("intercept is off" if on else f"intercept: {self._kept()}")

    def _kept(self) -> str:
        return next(
            (str(link.intercept["filter"]) for link in self._steer.links if link.intercept.get("filter")), ""
        )

    async def _change(self, **params: Any) -> None:
        """Set the intercept filter everywhere; it can be undone."""
        before = {link: dict(link.intercept) for link in self._steer.links}
        await self._each(**params)

        async def back() -> None:
            for link, was in before.items():
                await self._steer.ask(link, "scope/intercept/set", **was)

        self._undo.done(Step("intercept filter", back, lambda: self._each(**params)))

    async def _each(self, **params: Any) -> None:
        for link in self._steer.links:
            await self._steer.ask(link, "scope/intercept/set", **params)


def filter_for(tool: str, method: str) -> str:
    """The filter that a breakpoint on a row has."""
    if tool:
        return f"tool:{quote(tool)}"
    return f"method:{quote(method)}" if method else ""


def wish_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of ``scope/breakpoints/add`` that make this breakpoint again."""
    keys = ("errors", "once", "skip", "name", "timeout", "fallback")
    on = {} if rule["on"] == "auto" else {"on": rule["on"]}
    return {"filter": rule["match"], **on, **{key: rule[key] for key in keys}}


def parsed(line: str) -> dict[str, Any]:
    """A line of ``FORM`` as parameters of ``scope/breakpoints/add``; raises ValueError."""
    text, dashes, rest = line.partition(" --")
    found: dict[str, Any] = {"filter": text.strip()}
    words = shlex.split(dashes.strip() + rest)
    while words:
        word = words.pop(0)
        if word in ("--once", "--errors"):
            found[word[2:]] = True
        elif word == "--on" and words and words[0] in _ON:
            found["on"] = words.pop(0)
        elif word == "--skip" and words and words[0].isdecimal():
            found["skip"] = int(words.pop(0))
        else:
            raise ValueError(f"{word!r} is not understood")
    return found


def breaking_words(words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """``search* response once when args.limit>50`` as names, and the rest as breakpoints take it."""
    names: list[str] = []
    how: dict[str, Any] = {}
    for at, word in enumerate(words):
        if word == "when":
            how["when"] = " ".join(words[at + 1 :])
            break
        if word in ("request", "response", "both") and names:
            how["on"] = "answer" if word == "response" else word
        elif word == "once" and names:
            how["once"] = True
        else:
            names.append(word)
    return names, how


def _rule(link: Link, text: str) -> dict[str, Any] | None:
    return next((rule for rule in link.breakpoints if rule["match"] == text), None)


def _spelled(text: str, rule: dict[str, Any] | None) -> str:
    if rule is None:
        return text
    words = [text, f"--on {rule['on']}"]
    words += [f"--{word}" for word in ("once", "errors") if rule[word]]
    words += [f"--skip {rule['skip']}"] if rule["skip"] else []
    return " ".join(words)
