"""The control socket's methods about rules: breakpoints, intercept filter, live rules, the policy."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcpscope.control.server import Peer
from mcpscope.engine.rule import Entry, On, Rule
from mcpscope.engine.steering import Steering
from mcpscope.errors import Exit, ScopeError
from mcpscope.session import troubles, wishes
from mcpscope.session.counting import count

if TYPE_CHECKING:
    from mcpscope.session.law import Law

INTERCEPT = "intercept"


class Ruling:
    """What is obeyed in one proxy, for all its sessions; ``law`` are its policy files."""

    def __init__(self, steering: Steering, tell: Callable[[str, int, dict[str, Any]], None]) -> None:
        self.steering = steering
        self.law: Law | None = None
        self._tell = tell
        self._kept: Rule | None = None
        self.methods: dict[str, Callable[[dict[str, Any], Peer], Any]] = {
            "scope/breakpoints/list": lambda params, peer: self._rules("breakpoint"),
            "scope/breakpoints/add": self._add_breakpoint,
            "scope/breakpoints/remove": self._remove_rule,
            "scope/breakpoints/enable": self._enable_rule,
            "scope/intercept/get": lambda params, peer: self.intercept(),
            "scope/intercept/set": self._set_intercept,
            "scope/rules/list": lambda params, peer: self._rules(""),
            "scope/rules/add": self._add_rule,
            "scope/rules/put": self._put_rule,
            "scope/rules/move": self._move_rule,
            "scope/rules/remove": self._remove_rule,
            "scope/rules/enable": self._enable_rule,
            "scope/faults/add": self._add_fault,
            "scope/policy/get": lambda params, peer: self.policy(),
        }

    def __repr__(self) -> str:
        return f"<Ruling {self.steering.rules!r} {self.law!r}>"

    def _rules(self, origin: str) -> list[dict[str, Any]]:
        entries = [entry for entry in self.steering.rules if origin in ("", entry.rule.origin)]
        rules = self.steering.rules
        return [{**wishes.rule_json(entry), "lookalikes": rules.alikes(entry.rule)} for entry in entries]

    def policy(self) -> dict[str, Any]:
        """The policy files in force (none: []), and as ``fault`` why a changed one is not."""
        law = self.law
        if law is None:
            return {"files": [], "digest": "", "fault": "", "shadow": False, "default": "allow", "hide": []}
        return {
            "files": [os.path.abspath(path) for path in law.paths],
            "digest": law.digest,
            "fault": law.fault,
            "shadow": law.shadow,
            "default": "deny" if any(one.default == "deny" for one in law.policies) else "allow",
            "hide": [glob for one in law.policies for glob in one.hide],
        }

    def _add_breakpoint(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        name = self._free(params["name"]) or self.steering.rules.new_name("b")
        return self._added(self.steering.rules.add(wishes.breakpoint(name, params)))

    def _add_rule(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        name = self._free(params["name"]) or self.steering.rules.new_name("r")
        rule = wishes.rule(name, params)
        return self._added(self.steering.rules.add(rule, first=params["first"]))

    def _add_fault(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        name = self._free(params["name"]) or self.steering.rules.new_name("fault")
        return self._added(self.steering.rules.add(troubles.fault(name, params["fault"], params)))

    def _put_rule(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        rule = wishes.rule_spelled(params["rule"], self.steering.rules.new_name)
        self._free(rule.name)
        return self._added(self.steering.rules.add(rule, first=params["first"]))

    def _move_rule(self, params: dict[str, Any], peer: Peer) -> list[dict[str, Any]]:
        self._live(params["name"])
        self.steering.rules.move(params["name"], params["by"])
        self._tell("rules", 0, {"changed": params["name"]})
        return self._rules("")

    def _added(self, entry: Entry) -> dict[str, Any]:
        count(self.steering)
        self._tell("rules", 0, {"changed": entry.rule.name})
        return wishes.rule_json(entry)

    def _remove_rule(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        self._live(params["name"])
        self.steering.rules.remove(params["name"])
        self._tell("rules", 0, {"removed": params["name"]})
        return {"removed": params["name"]}

    def _enable_rule(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        self._live(params["name"])
        self.steering.rules.enable(params["name"], on=params["on"])
        self._tell("rules", 0, {"changed": params["name"]})
        entry = self.steering.rules.get(params["name"])
        assert entry is not None
        return wishes.rule_json(entry)

    def _live(self, name: str) -> None:
        if self.steering.rules.get(name) is None:
            raise refused("no_rule", f"there is no rule {name}", "see: scope/rules/list")
        self._free(name)

    def _free(self, name: str) -> str:
        """``name``, where no rule of the policy has it: what a file says is changed in the file."""
        entry = self.steering.rules.get(name) if name else None
        if entry is not None and entry.rule.origin == "policy":
            raise refused("policy_rule", f"{name} is a rule of the policy file", "change it there")
        return name

    def intercept(self) -> dict[str, Any]:
        entry = self.steering.rules.get(INTERCEPT)
        rule = entry.rule if entry is not None else self._kept
        text = rule.condition.text if rule is not None and rule.condition is not None else ""
        on = rule.on.value if rule is not None else On.BOTH.value
        return {"filter": text, "enabled": entry is not None and entry.rule.enabled, "on": on}

    def _set_intercept(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        """A new filter, or the kept one switched on or off."""
        text = params["filter"] if params["filter"] is not None else self.intercept()["filter"]
        self._kept = wishes.intercept(text, params["on"])
        if params["enabled"]:
            self.steering.rules.add(self._kept)
        else:
            self.steering.rules.remove(INTERCEPT)
        self._tell("rules", 0, {"changed": INTERCEPT})
        return self.intercept()


def refused(code: str, text: str, hint: str = "") -> ScopeError:
    """What is answered to a call that cannot be granted."""
    return ScopeError(text, code=code, exit=Exit.REFUSED, hint=hint)
