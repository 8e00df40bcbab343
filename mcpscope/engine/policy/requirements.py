"""What a rule in Intercept's format asks of a call: requirements, each of which has to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcpscope.engine.filter.regexes import searcher
from mcpscope.engine.policy.standing import acts
from mcpscope.protocol.message import Direction
from mcpscope.protocol.methods import Method

ABSENT = object()
_CALL = str(Method.TOOLS_CALL)


@dataclass(frozen=True, slots=True)
class Requirement:
    """``op`` between what is at ``path`` (steps into the arguments) and ``value``."""

    path: tuple[str, ...]
    op: str
    value: Any

    @property
    def text(self) -> str:
        """The requirement in one line."""
        return f"{'.'.join(('args', *self.path))} {self.op} {self.value!r}"

    def holds(self, args: Any) -> bool:
        """Whether the arguments meet it; what is absent meets nothing but ``exists: false``."""
        return compare(self.op, self.of(args), self.value)

    def of(self, args: Any) -> Any:
        """What is there, or ABSENT."""
        for step in self.path:
            if not isinstance(args, dict) or step not in args:
                return ABSENT
            args = args[step]
        return args


def compare(op: str, found: Any, value: Any) -> bool:
    """One of the eleven operators between two JSON values; what does not fit its types does not hold."""
    if op == "exists":
        return (found is not ABSENT and found is not None) is value
    return found is not ABSENT and _OPERATORS[op](found, value)


def _equal(one: Any, other: Any) -> bool:
    """Numbers as numbers, all else by how it is written: ``true`` is ``"true"``."""
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    return _written(one) == _written(other)


def _written(value: Any) -> str:
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case list():
            return f"[{' '.join(map(_written, value))}]"
        case dict():
            return f"map[{' '.join(f'{key}:{_written(value[key])}' for key in sorted(value))}]"
        case _:
            return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, value: _is_number(found) and _is_number(value) and test(found, value)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    return isinstance(found, list) and any(_equal(item, value) for item in found)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _equal,
    "neq": lambda found, value: not _equal(found, value),
    "in": lambda found, value: any(_equal(found, item) for item in value),
    "not_in": lambda found, value: not any(_equal(found, item) for item in value),
    "lt": _ordered(lambda found, value: found < value),
    "lte": _ordered(lambda found, value: found <= value),
    "gt": _ordered(lambda found, value: found > value),
    "gte": _ordered(lambda found, value: found >= value),
    "regex": lambda found, value: isinstance(found, str) and searcher(value)(found),
    "contains": _contains,
}
OPERATORS = (*_OPERATORS, "exists")


class CallOf:
    """Matches calls of ``tool`` ("" for any): all of them, or those that fail one of ``required``."""

    looks_at_answer = False

    def __init__(self, tool: str, required: Sequence[Requirement] | None = None) -> None:
        self._tool = tool
        self._required = required
        which = f"tool:{tool}" if tool else f"method:{_CALL}"
        self.text = (
            which if required is None else f"{which} unless {' and '.join(one.text for one in required)}"
        )
        members = {step for one in required or () for step in one.path}
        self.words = frozenset({tool} - {""}) | members

    def __repr__(self) -> str:
        return f"<CallOf {self.text!r}>"

    def names_method(self, method: str) -> bool:
        return False

    def could(self, direction: Direction, method: str, tool: str) -> bool:
        return direction is Direction.TO_SERVER and method == _CALL and self._tool in ("", tool)

    def seen(self, subject: Any) -> dict[str, Any]:
        """The tool, and what the requirements look at."""
        args = _arguments(subject)
        found = {".".join(("args", *one.path)): one.of(args) for one in self._required or ()}
        return {"tool": subject.tool} | {name: value for name, value in found.items() if value is not ABSENT}

    @property
    def test(self) -> Callable[[Any], bool | None]:
        return self._test

    def narrowed(self, direction: Direction, method: str, tool: str) -> Callable[[Any], bool | None]:
        return self._test

    def _test(self, subject: Any) -> bool:
        if subject.method != _CALL or self._tool not in ("", subject.tool):
            return False
        if self._required is None:
            return True
        args = _arguments(subject)
        return not all(one.holds(args) for one in self._required)


class NotListed:
    """Matches whatever acts and is no call of one of ``tools``."""

    looks_at_answer = False

    def __init__(self, tools: frozenset[str]) -> None:
        self._tools = tools
        self.text = "(whatever is not listed under tools)"
        self.words = tools

    def __repr__(self) -> str:
        return f"<NotListed {sorted(self._tools)}>"

    def names_method(self, method: str) -> bool:
        return False

    def could(self, direction: Direction, method: str, tool: str) -> bool:
        return acts(method) and not (method == _CALL and tool in self._tools)

    def seen(self, subject: Any) -> dict[str, Any]:
        """The method, and the tool where there is one."""
        return {"method": subject.method, **({"tool": subject.tool} if subject.tool else {})}

    @property
    def test(self) -> Callable[[Any], bool | None]:
        return self._test

    def narrowed(self, direction: Direction, method: str, tool: str) -> Callable[[Any], bool | None]:
        return self._test

    def _test(self, subject: Any) -> bool:
        return self.could(Direction.TO_SERVER, subject.method, subject.tool)


def _arguments(subject: Any) -> Any:
    request = subject.request
    return request.params.get("arguments", {}) if request is not None else {}
