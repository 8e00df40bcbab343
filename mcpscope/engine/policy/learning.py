"""A least-privilege policy from what was seen: what was said is allowed, with values like those."""

from __future__ import annotations

import json
import re
from typing import Any

from mcpscope.engine.policy.shapes import Seen, quoted
from mcpscope.engine.policy.standing import acts
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import Method

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_OF_THE_MOMENT = frozenset({"_meta", "taskId", "requestState", "inputResponses", "cursor"})
"""Parameters that are new each time; that they are there is all that is learned of them."""


class Learner:
    """Takes the messages of sessions and tells the policy that lets them pass."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Direction, str, str], Seen] = {}
        self._extra: dict[tuple[Direction, str, str], set[str]] = {}

    def __repr__(self) -> str:
        return f"<Learner {len(self._seen)} rules>"

    @property
    def rules(self) -> int:
        """How many rules the policy has."""
        return len(self._seen)

    def take(self, message: Message, direction: Direction) -> None:
        """One message that was forwarded."""
        if message.kind is Kind.REQUEST and acts(message.method):
            self._take(message.method, message.params, direction)
        elif message.kind is Kind.RESULT and isinstance(message.result, dict):
            entries = message.result.get("inputRequests")
            for entry in entries.values() if isinstance(entries, dict) else ():
                if isinstance(entry, dict) and isinstance(entry.get("method"), str):
                    params = entry.get("params")
                    self._take(
                        entry["method"], params if isinstance(params, dict) else {}, Direction.TO_CLIENT
                    )

    def policy(self, about: str) -> str:
        """The policy as a file; ``about`` is where it was learned."""
        lines = ["version: 1", f"description: {_text(about)}", "default: deny", "rules:"]
        names: set[str] = set()
        for (direction, method, named), seen in sorted(self._seen.items(), key=lambda item: item[0]):
            name = self._name(direction, method, named, names)
            lines += [
                "",
                f"  # {seen.count} {'time' if seen.count == 1 else 'times'}",
                f"  - name: {_text(name)}",
            ]
            lines.append(f"    match: {_text(_match(direction, method, named))}")
            parts = self._parts(direction, method, named, seen)
            if parts:
                lines.append("    when: |-")
                lines += [f"      {part}{' &&' if part is not parts[-1] else ''}" for part in parts]
            lines.append("    action: allow")
        return "\n".join([*lines, ""]) if self._seen else "\n".join([*lines[:-1], "rules: []", ""])

    def _take(self, method: str, params: dict[str, Any], direction: Direction) -> None:
        named = params.get("name") if method in (Method.TOOLS_CALL, Method.PROMPTS_GET) else ""
        key = (direction, method, named if isinstance(named, str) else "")
        seen = self._seen.setdefault(key, Seen())
        extra = self._extra.setdefault(key, {"_meta"})
        if method == Method.TOOLS_CALL:
            extra |= params.keys() | {"arguments"}
            seen.add(params.get("arguments", {}))
        else:
            extra |= params.keys() & _OF_THE_MOMENT
            seen.add({name: value for name, value in params.items() if name not in _OF_THE_MOMENT})

    def _parts(self, direction: Direction, method: str, named: str, seen: Seen) -> list[str]:
        """What is asked of the parameters; of what a server asks of the client only which it is."""
        parts = [] if _PLAIN.fullmatch(method) else [f"method == {quoted(method)}"]
        if direction is Direction.TO_CLIENT:
            return parts
        extra = sorted(self._extra[direction, method, named])
        if method != Method.TOOLS_CALL:
            return [*parts, *seen.of_members("params", also=extra)]
        parts += [] if _PLAIN.fullmatch(named) else [f"tool == {quoted(named)}"]
        names = ", ".join(map(quoted, extra))
        return [*parts, f"dyn(params).all(k, k in [{names}])", *seen.condition("args")]

    @staticmethod
    def _name(direction: Direction, method: str, named: str, taken: set[str]) -> str:
        plain = named if method == Method.TOOLS_CALL else f"{method} {named}".strip()
        base = f"the server's {plain}" if direction is Direction.TO_CLIENT else plain or method
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base} ({number})"
        taken.add(name)
        return name


def _match(direction: Direction, method: str, named: str) -> str:
    if direction is Direction.TO_SERVER and method == Method.TOOLS_CALL and _PLAIN.fullmatch(named):
        return f"tool:{named}"
    which = f" method:{method}" if _PLAIN.fullmatch(method) else ""
    return f"dir:{direction.value}{which}"


def _text(text: str) -> str:
    """A text as YAML reads it, whatever is in it."""
    return json.dumps(text)
