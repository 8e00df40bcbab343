"""The verbs of rules: on and off, new, edit, order, delete, save into the policy file, the difference to it.

A rule of a policy file is changed in the file, which its proxy follows; one made live over the socket.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mcpscope.engine.policy import saving
from mcpscope.engine.policy.load import load
from mcpscope.errors import Exit, ScopeError
from mcpscope.session.policy_file import read_text, write_text
from mcpscope.tui.links import Link
from mcpscope.tui.present.rules import home_of
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.breaking import wish_of
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.screens.rule import RuleScreen
from mcpscope.tui.screens.text import TextScreen
from mcpscope.tui.steer import Steer, reason
from mcpscope.tui.undoing import Step, Undo

FILE_NAME = "policy.yaml"
FRESH = {"match": "tool:NAME", "action": "deny", "message": "not allowed here"}
Rule = dict[str, Any]


class Ruling:
    """``link`` gives the proxy, ``chosen`` the rule under the cursor."""

    def __init__(
        self,
        screen: ScopeScreen,
        steer: Steer,
        undo: Undo,
        link: Callable[[], Link | None],
        chosen: Callable[[], Rule | None],
    ) -> None:
        self._screen = screen
        self._steer = steer
        self._undo = undo
        self._link = link
        self._chosen = chosen
        self._filed: set[str] = set()

    def acts(self) -> dict[str, Act]:
        """By the id of the action."""
        verbs: dict[str, Callable[[Link, Rule], Any]] = {
            "rule.toggle": self._toggle,
            "rule.edit": self._edit,
            "rule.up": partial(self._move, by=-1),
            "rule.down": partial(self._move, by=1),
            "rule.delete": self._delete,
        }
        found = {name: Act(partial(self._with, verb), self._why_not_here) for name, verb in verbs.items()}
        found["rule.new"] = Act(self._new, self._why_not)
        found["rule.save"] = Act(partial(self._safely, self._save), self._why_not_save)
        found["rule.diff"] = Act(partial(self._safely, self._diff), self._why_not_save)
        return found

    def look(self) -> None:
        """Look which rules the file has that is saved to."""
        path = self.path()
        try:
            self._filed = {rule.name for rule in load(read_text(path)).rules} if path else set()
        except ScopeError:
            self._filed = set()

    def unsaved(self) -> list[Rule]:
        """The rules made live that the file has not."""
        link = self._link()
        rules = link.rules if link is not None else ()
        return [rule for rule in rules if rule["origin"] == "live" and rule["name"] not in self._filed]

    def path(self) -> Path | None:
        """The policy file of the proxy; where it has none, the one that was saved to."""
        link = self._link()
        files = link.policy.get("files") if link is not None else None
        if files:
            return Path(files[-1])
        return self._steer.policy_file

    def _why_not(self) -> str:
        if self._steer.read_only:
            return "this UI is read-only"
        return "" if self._link() is not None else "no proxy runs"

    def _why_not_here(self) -> str:
        return self._why_not() or ("" if self._chosen() is not None else "there are no rules")

    def _why_not_save(self) -> str:
        return self._why_not() or ("" if self.unsaved() else "nothing is unsaved: every rule is in its file")

    async def _with(self, verb: Callable[[Link, Rule], Any]) -> None:
        link, rule = self._link(), self._chosen()
        if rule is not None and rule.get("foreign"):
            self._screen.say("it is in Intercept's format: change it in its file, which is followed")
        elif link is not None and rule is not None:
            await self._safely(partial(verb, link, rule))

    async def _safely(self, verb: Callable[[], Any]) -> None:
        try:
            await verb()
        except ScopeError as error:
            self._screen.say(reason(error).partition("\n")[0], severity="error")

    async def _toggle(self, link: Link, rule: Rule) -> None:
        on = not rule["enabled"]
        await self._switch(link, rule, on=on)
        word = "on" if on else "off"
        steps = (partial(self._switch, link, rule, on=not on), partial(self._switch, link, rule, on=on))
        self._undo.done(Step(f"{rule['name']} {word}", *steps))
        self._screen.say(f"{rule['name']} is {word}{_where(link, rule)}  (u undoes)")

    async def _switch(self, link: Link, rule: Rule, *, on: bool) -> None:
        if rule["origin"] == "policy":
            await self._in_file(link, rule, lambda text: saving.switched(text, rule["name"], on=on))
        else:
            await self._steer.ask(link, "scope/rules/enable", name=rule["name"], on=on)

    async def _move(self, link: Link, rule: Rule, *, by: int) -> None:
        if rule["origin"] in ("breakpoint", "intercept"):
            self._screen.say("breakpoints and the intercept filter come before all rules")
            return
        await self._put_at(link, rule, by)
        steps = (partial(self._put_at, link, rule, -by), partial(self._put_at, link, rule, by))
        self._undo.done(Step(f"order of {rule['name']}", *steps))

    async def _put_at(self, link: Link, rule: Rule, by: int) -> None:
        if rule["origin"] == "policy":
            await self._in_file(link, rule, lambda text: saving.moved(text, rule["name"], by))
        else:
            await self._steer.ask(link, "scope/rules/move", name=rule["name"], by=by)

    async def _delete(self, link: Link, rule: Rule) -> None:
        where = "and its comments from the file" if rule["origin"] == "policy" else "from this proxy"
        entry = Entry("y", "delete", f"delete it {where}")
        if not await self._screen.app.push_screen_wait(Menu(f"Delete the rule {rule['name']}?", [entry])):
            return
        if rule["origin"] == "policy":
            change = await self._in_file(link, rule, lambda text: saving.without(text, rule["name"]))
            self._undo.done(change)
        else:
            await self._remove(link, rule)
            steps = (partial(self._again, link, rule), partial(self._remove, link, rule))
            self._undo.done(Step(f"delete {rule['name']}", *steps))
        self._screen.say(f"{rule['name']} deleted  (u undoes)")

    async def _remove(self, link: Link, rule: Rule) -> None:
        if rule["origin"] == "intercept":
            await self._steer.ask(link, "scope/intercept/set", enabled=False)
        else:
            await self._steer.ask(link, "scope/rules/remove", name=rule["name"])

    async def _again(self, link: Link, rule: Rule) -> None:
        if rule["origin"] == "intercept":
            await self._steer.ask(link, "scope/intercept/set", enabled=True)
        elif rule["origin"] == "breakpoint":
            await self._steer.ask(link, "scope/breakpoints/add", **wish_of(rule))
        else:
            await self._steer.ask(link, "scope/rules/put", rule=rule["spelled"])

    async def _in_file(self, link: Link, rule: Rule, change: Callable[[str], str]) -> Step:
        """Change the file that has the rule; the step takes it back as long as nobody else wrote there."""
        path = await asyncio.to_thread(_file_of, link, rule["name"])
        before = await asyncio.to_thread(read_text, path)
        after = change(before)
        await asyncio.to_thread(write_text, path, after)
        self.look()
        return Step(
            rule["name"], partial(_rewrite, path, after, before), partial(_rewrite, path, before, after)
        )

    # new, edited, saved

    def _new(self) -> None:
        self.begin(self._link(), dict(FRESH))

    def begin(self, link: Link | None, rule: Rule, *, first: bool = False) -> None:
        """Open the editor on a rule that is not there yet."""
        self._screen.app.push_screen(
            RuleScreen(rule, lambda made: self._put(link, made, first=first), title="NEW RULE")
        )

    async def _put(self, link: Link | None, rule: Rule, *, first: bool) -> str:
        """Put a rule into force; what to say of it."""
        if link is None:
            raise ScopeError("no proxy runs", code="gone", exit=Exit.UPSTREAM)
        made = await self._steer.ask(link, "scope/rules/put", rule=rule, first=first)
        steps = (partial(self._remove, link, made), partial(self._again, link, made))
        self._undo.done(Step(f"rule {made['name']}", *steps))
        return f"{made['name']} is in force; on Rules ^s saves it into the policy file"

    async def _edit(self, link: Link, rule: Rule) -> None:
        if rule["origin"] not in ("policy", "live"):
            self._screen.say("only rules of the file and live ones are edited here; B changes a breakpoint")
            return
        if rule["origin"] == "policy":
            await asyncio.to_thread(_file_of, link, rule["name"])  # the default rule is in no file
        self._screen.app.push_screen(
            RuleScreen(dict(rule["spelled"]), lambda made: self._edited(link, rule, made), title="EDIT RULE")
        )

    async def _edited(self, link: Link, rule: Rule, made: Rule) -> str:
        named = {"name": rule["name"], **made}
        if rule["origin"] == "policy":
            change = await self._in_file(link, rule, lambda text: saving.replaced(text, rule["name"], named))
            self._undo.done(change)
            return f"{named['name']} is changed in the file  (u undoes)"
        if named["name"] != rule["name"]:
            await self._remove(link, rule)
        await self._steer.ask(link, "scope/rules/put", rule=named)

        async def back() -> None:
            if named["name"] != rule["name"]:
                await self._steer.ask(link, "scope/rules/remove", name=named["name"])
            await self._again(link, rule)

        async def again() -> None:
            await self._edited(link, rule, made)

        self._undo.done(Step(f"rule {rule['name']}", back, again))
        return f"{named['name']} is changed and in force"

    async def _save(self) -> None:
        """Add what is live to the file; the proxy that follows it takes it over from there."""
        link, path = self._link(), self.path()
        if path is None:
            hint = "a file that is not there is made; --policy FILE enforces it. Enter saves, Esc leaves"
            line = await self._screen.app.push_screen_wait(Ask("Save rules to", FILE_NAME, hint))
            if not line:
                return
            path = Path(line).expanduser().absolute()
        before = await asyncio.to_thread(read_text, path)
        rules = self.unsaved()
        after = _with_rules(before, rules, link, str(path))
        await asyncio.to_thread(write_text, path, after)
        self._steer.policy_file = path
        self._undo.done(
            Step(
                f"saving to {path.name}",
                partial(_rewrite, path, after, before),
                partial(_rewrite, path, before, after),
            )
        )
        self.look()
        names = ", ".join(rule["name"] for rule in rules)
        follows = bool(link is not None and link.policy.get("files"))
        more = "" if follows else f"; mcpscope --policy {path.name} enforces it with nobody attached"
        self._screen.say(f"saved to {home_of(str(path))}: {names}{more}")

    async def _diff(self) -> None:
        link, path = self._link(), self.path()
        before = await asyncio.to_thread(read_text, path) if path else saving.EMPTY
        after = _with_rules(before, self.unsaved(), link, str(path or ""))
        name = path.name if path else FILE_NAME
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), name, f"{name} with what is live", lineterm=""
        )
        self._screen.app.push_screen(TextScreen("diff", "\n".join(lines), self._screen.heading))


def _with_rules(text: str, rules: list[Rule], link: Link | None, file: str) -> str:
    """``text`` with ``rules``, those before the file's own that stand before them in force."""
    order = [rule["name"] for rule in link.rules] if link is not None else []
    filed = [order.index(rule["name"]) for rule in link.rules if rule["origin"] == "policy"] if link else []
    first = min(filed, default=-1)
    ahead = [rule for rule in rules if filed and order.index(rule["name"]) < first]
    for rule in reversed(ahead):
        text = saving.with_rule(text, rule["spelled"], file, first=True)
    for rule in rules:
        if rule not in ahead:
            text = saving.with_rule(text, rule["spelled"], file)
    return text


def _file_of(link: Link, name: str) -> Path:
    """The file that has the rule; raises ScopeError."""
    for path in link.policy.get("files") or ():
        if any(rule.name == name for rule in load(read_text(Path(path)), path).rules):
            return Path(path)
    raise ScopeError(f"{name} stands in no file as a rule of its own", code="no_rule", exit=Exit.POLICY)


async def _rewrite(path: Path, expected: str, text: str) -> None:
    if await asyncio.to_thread(read_text, path) != expected:
        raise ScopeError(
            f"{path.name} has changed since; nothing was undone", code="changed", exit=Exit.POLICY
        )
    await asyncio.to_thread(write_text, path, text)


def _where(link: Link, rule: Rule) -> str:
    return f" in {Path(link.policy['files'][-1]).name}" if rule["origin"] == "policy" else ""
