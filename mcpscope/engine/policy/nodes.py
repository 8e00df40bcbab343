"""Typed access to a YAML document that collects every problem with its place instead of raising."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from mcpscope.engine.policy.problems import Problem

_TAG = "tag:yaml.org,2002:"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS_NS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}
MAX_DEPTH = 64
MAX_BYTES = 4 << 20
MAX_NODES = 500_000
MAX_BRACKETS = 1000
_QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*')
_BRACKET = re.compile(r"[\[{\]}]")


class Reader:
    """Reads nodes and gathers problems. Every method returns None (or an empty value) after a problem."""

    def __init__(self, file: str = "") -> None:
        self.file = file
        self.problems: list[Problem] = []

    def document(self, text: str) -> MappingNode | None:
        """The one mapping that ``text`` is."""
        if len(text) > MAX_BYTES:
            self._add(1, 1, f"is larger than {MAX_BYTES >> 20} MiB")
            return None
        hopeless = _hopeless(text)
        if hopeless is not None:
            self._add(*hopeless, f"is nested deeper than {MAX_DEPTH} levels")
            return None
        try:
            node = YAML(typ="safe", pure=True).compose(text)
        except ReaderError as error:
            before = text[: error.position]
            column = len(before.rpartition("\n")[2]) + 1
            self._add(
                before.count("\n") + 1, column, f"the character U+{_point(error)} is not allowed in YAML"
            )
            return None
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = error.problem or error.context or "is not YAML"
            self._add(mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, what)
            return None
        except (YAMLError, ValueError, RecursionError) as error:
            self._add(1, 1, f"is not YAML: {str(error).splitlines()[0]}")
            return None
        if node is None:
            self._add(1, 1, "is empty")
            return None
        too_deep = _too_deep(node)
        if too_deep is not None:
            self.problem(too_deep, f"is nested deeper than {MAX_DEPTH} levels, or an alias repeats too much")
            return None
        if not isinstance(node, MappingNode):
            self.problem(node, "must be a mapping of keys")
            return None
        return node

    def problem(self, node: Node, text: str) -> None:
        """Note a problem at the place of ``node``."""
        mark = node.start_mark
        self._add(mark.line + 1, mark.column + 1, text)

    def members(self, node: Node, known: Collection[str], what: str) -> dict[str, Node]:
        """The members of a mapping; unknown and repeated keys are problems, with the nearest known one."""
        found: dict[str, Node] = {}
        if not isinstance(node, MappingNode):
            self.problem(node, f"{what} must be a mapping of keys")
            return found
        for key, value in self._pairs(node):
            if key in found:
                self.problem(value, f"the key {key!r} is there twice")
            elif known and key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f", did you mean {near[0]!r}?" if near else f" (known: {', '.join(known)})"
                self.problem(value, f"{what} has no key {key!r}{hint}")
            else:
                found[key] = value
        return found

    def named(self, node: Node, what: str) -> dict[str, Node]:
        """The members of a mapping whose keys are the user's own names."""
        return self.members(node, (), what)

    def text(self, node: Node, what: str) -> str | None:
        """A string; a number or a truth value is not taken for one."""
        value = self.plain(node)
        if isinstance(value, str):
            return value
        self.problem(node, f"{what} must be a text, not {_kind(value)}; put it in quotes")
        return None

    def word(self, node: Node, what: str, words: Collection[str]) -> str | None:
        """One of a closed list of words."""
        value = self.plain(node)
        if isinstance(value, str) and value in words:
            return value
        near = difflib.get_close_matches(str(value), words, 1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        self.problem(node, f"{what} must be one of {', '.join(words)}, not {value!r}{hint}")
        return None

    def truth(self, node: Node, what: str) -> bool | None:
        value = self.plain(node)
        if isinstance(value, bool):
            return value
        self.problem(node, f"{what} must be true or false")
        return None

    def number(self, node: Node, what: str, *, low: float = 0, high: float = float("inf")) -> float | None:
        """A number from ``low`` to ``high``."""
        value = self.plain(node)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return value
        limit = f" from {low:g} to {high:g}" if high != float("inf") else f" of at least {low:g}"
        self.problem(node, f"{what} must be a number{limit}")
        return None

    def duration(self, node: Node, what: str) -> int | None:
        """``500ms``, ``2s``, ``5m`` or ``1h`` in nanoseconds; a plain number counts seconds."""
        value = self.plain(node)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return int(value * 10**9)
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found:
            return int(float(found[1]) * _UNITS_NS[found[2]])
        self.problem(node, f"{what} must be a duration such as 500ms, 2s or 5m, not {value!r}")
        return None

    def texts(self, node: Node, what: str) -> list[tuple[str, Node]]:
        """A list of strings, or one string for a list of one; each with its node."""
        items = node.value if isinstance(node, SequenceNode) else [node]
        found = [(self.text(item, what), item) for item in items]
        return [(text, item) for text, item in found if text is not None]

    def items(self, node: Node, what: str) -> list[Node]:
        """The nodes of a list."""
        if isinstance(node, SequenceNode):
            return list(node.value)
        self.problem(node, f"{what} must be a list")
        return []

    def plain(self, node: Node) -> Any:
        """The node as JSON-like data; numbers that are no finite numbers are problems."""
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode):
            return [self.plain(item) for item in node.value]
        assert isinstance(node, MappingNode)
        return {key: self.plain(value) for key, value in self._pairs(node)}

    def _pairs(self, node: MappingNode) -> Iterator[tuple[str, Node]]:
        for key, value in node.value:
            name = self._scalar(key) if isinstance(key, ScalarNode) else None
            if isinstance(name, str):
                yield name, value
            else:
                self.problem(key, "a key must be a text")

    def _scalar(self, node: ScalarNode) -> Any:
        tag, text = str(node.tag), node.value
        if not tag.startswith(_TAG):
            self.problem(node, f"the tag {tag} is not allowed")
            return None
        try:
            match tag[len(_TAG) :]:
                case "null":
                    return None
                case "bool":
                    return text.lower() in ("true", "yes", "on")
                case "int":
                    return int(text.replace("_", ""), 0)
                case "float":
                    return self._float(node, float(text.replace("_", "")))
                case "binary":
                    self.problem(node, "bytes are not allowed here")
                    return None
                case _:
                    return text
        except ValueError:
            self.problem(node, f"{text!r} is no number that JSON has")
            return None

    def _float(self, node: ScalarNode, value: float) -> float | None:
        if value - value == 0:
            return value
        self.problem(node, "must be a finite number")
        return None

    def _add(self, line: int, column: int, text: str) -> None:
        self.problems.append(Problem(line, column, text, self.file))


def _kind(value: Any) -> str:
    names = {type(None): "nothing", bool: "a truth value", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "a mapping")


def _hopeless(text: str) -> tuple[int, int] | None:
    """Line and column where brackets nest so deep that the parser would need seconds to give up."""
    if text.count("[") + text.count("{") < MAX_BRACKETS:
        return None
    plain = _QUOTED.sub(lambda found: " " * len(found[0]), text)
    depth = 0
    for found in _BRACKET.finditer(plain):
        depth = depth + 1 if found[0] in "[{" else max(0, depth - 1)
        if depth >= MAX_BRACKETS:
            before = text[: found.start()]
            return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
    return None


def _point(error: ReaderError) -> str:
    found = error.character
    return f"{ord(found) if isinstance(found, str) else int(found):04X}"


def _too_deep(node: Node) -> Node | None:
    """Where it nests too deep or grows too large by its aliases; an alias inside itself does so."""
    stack = [(node, 1)]
    seen = 0
    while stack:
        current, level = stack.pop()
        seen += 1
        if level > MAX_DEPTH or seen > MAX_NODES:
            return current
        if isinstance(current, SequenceNode):
            stack.extend((item, level + 1) for item in current.value)
        elif isinstance(current, MappingNode):
            for key, value in current.value:
                stack.append((key, level + 1))
                stack.append((value, level + 1))
    return None
