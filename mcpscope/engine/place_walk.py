"""One pass over the tokens of a JSON text that finds what lies at places, and texts in it that are JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

SCHEMAS = ("inputSchema", "outputSchema", "requestedSchema")
MAX_NESTED = 4
"""How deep JSON texts in texts are looked into."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.S)
_PLACEHOLDER = re.compile(r"\[redacted:[0-9a-f]{8}\]")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a member's name (a pattern where it is a glob), an index, or anything."""

    name: str | re.Pattern[str] | None = None
    index: int | None = None
    deep: bool = False

    def fits(self, key: str | int) -> bool:
        if isinstance(key, int):
            return key == self.index if self.index is not None else self.name is None
        if self.index is not None:
            return False
        if isinstance(self.name, str):
            return key == self.name
        return self.name is None or self.name.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """A path, and the tools it holds for (None: any message). ``hint`` is in every message that has it."""

    steps: tuple[Step, ...]
    tool: re.Pattern[str] | None = None
    hint: str = ""


State = tuple[Place, int]
States = tuple[State, ...]


@dataclass(slots=True)
class Found:
    """What lies at places: byte spans with what takes their place, and the values that were there."""

    spans: list[tuple[int, int, bytes]] = field(default_factory=list)
    values: list[str] = field(default_factory=list)


def splice(raw: bytes, spans: Iterable[tuple[int, int, bytes]]) -> bytes:
    """``raw`` with each span replaced; all else stays as it was."""
    parts: list[bytes] = []
    at = 0
    for start, end, data in spans:
        parts += (raw[at:start], data)
        at = end
    parts.append(raw[at:])
    return b"".join(parts)


class _Frame:
    """One open container: what may still be found below it."""

    __slots__ = ("index", "is_object", "key", "states")

    def __init__(self, states: States, *, is_object: bool) -> None:
        self.states = states
        self.is_object = is_object
        self.index = 0
        self.key: str | None = None


class Walk:
    """One pass over the tokens of a JSON text."""

    def __init__(
        self, raw: bytes, states: States, shown: Callable[[str], str], found: Found, depth: int = 0
    ) -> None:
        self._raw = raw
        self._root = states
        self._shown = shown
        self._found = found
        self._depth = depth
        self._stack: list[_Frame] = []
        self._hit = (-1, -1)  # where a value at a place begins, and how deep

    def run(self) -> None:
        for token in _TOKEN.finditer(self._raw):
            sign = self._raw[token.start() : token.start() + 1]
            if sign in b"{[":
                self._open(token.start(), is_object=sign == b"{")
            elif sign in b"}]":
                self._close(token.end())
            elif sign == b",":
                self._next()
            elif sign != b":":
                self._scalar(token.start(), token.end())

    def _open(self, start: int, *, is_object: bool) -> None:
        hit, states = self._into()
        if hit and self._hit[0] < 0:
            self._hit = (start, len(self._stack))
        self._stack.append(_Frame(states, is_object=is_object))

    def _close(self, end: int) -> None:
        self._stack.pop()
        start, depth = self._hit
        if start >= 0 and depth == len(self._stack):
            self._hit = (-1, -1)
            self._redact(start, end)

    def _next(self) -> None:
        top = self._stack[-1]
        top.key = None
        top.index += 1

    def _scalar(self, start: int, end: int) -> None:
        if self._stack and self._stack[-1].is_object and self._stack[-1].key is None:
            self._stack[-1].key = _decoded(self._raw[start:end])
            return
        if self._hit[0] >= 0:
            return
        hit, states = self._into()
        if hit:
            self._redact(start, end)
        elif self._raw[start : start + 1] == b'"':
            self._nested(start, end, states)

    def _into(self) -> tuple[bool, States]:
        """Whether the value that begins stands at a place, and what may be found in it."""
        if not self._stack:
            return False, self._root
        top = self._stack[-1]
        if not top.is_object and len(self._stack) == 1:
            return False, self._root  # an element of a batch is a message
        if not top.states:
            return False, ()
        key = top.key if top.is_object and top.key is not None else top.index
        hit, below = False, []
        for state in top.states:
            place, at = state
            step = place.steps[at]
            if step.fits(key):
                if at + 1 == len(place.steps):
                    hit = True
                else:
                    below.append((place, at + 1))
            if step.deep and not (key in SCHEMAS and self._describes()):
                below.append(state)
        return hit, tuple(below)

    def _describes(self) -> bool:
        """Whether the member that begins is a schema of a tool or of a question, which holds no values."""
        keys = self._keys()
        if len(keys) == 4 and keys[:2] == ["result", "tools"]:
            return keys[3] in SCHEMAS[:2]
        return keys[-2:] == ["params", "requestedSchema"]

    def _keys(self) -> list[str | int | None]:
        """The path of the value that begins, within its message."""
        keys = [frame.key if frame.is_object else frame.index for frame in self._stack]
        return keys[1:] if self._stack and not self._stack[0].is_object else keys

    def _redact(self, start: int, end: int) -> None:
        text = self._raw[start:end]
        if text == b"null":
            return
        value = _decoded(text)
        if _PLACEHOLDER.fullmatch(value):
            return
        self._found.values.extend(_leaves(text))
        self._found.spans.append((start, end, json.dumps(self._shown(value)).encode()))

    def _nested(self, start: int, end: int, states: States) -> None:
        """A text that is JSON itself: servers say their structured result once more in a text."""
        if self._depth >= MAX_NESTED or end - start < 4:
            return
        inner = tuple(state for state in states if state[0].steps[state[1]].deep)
        if self._keys()[:2] == ["result", "content"]:
            inner += tuple((place, 2) for place, _ in self._root if _is_structured(place))
        if not inner:
            return
        text = _decoded(self._raw[start:end]).strip()
        if text[:1] not in ("{", "[") or not _is_json(text):
            return
        data = text.encode("utf-8", "surrogatepass")
        found = Found()
        Walk(data, inner, self._shown, found, self._depth + 1).run()
        if found.spans:
            self._found.values.extend(found.values)
            changed = splice(data, found.spans).decode("utf-8", "surrogatepass")
            self._found.spans.append((start, end, json.dumps(changed).encode()))


def _is_structured(place: Place) -> bool:
    steps = place.steps
    return len(steps) > 2 and steps[0].name == "result" and steps[1].name == "structuredContent"


def _decoded(text: bytes) -> str:
    """A string as the text it spells, anything else as it is spelled, without white space."""
    if text[:1] == b'"':
        return str(json.loads(text.decode("utf-8", "surrogateescape"), strict=False))
    if text[:1] in b"{[":
        return json.dumps(json.loads(text.decode("utf-8", "surrogateescape"), strict=False), sort_keys=True)
    return text.decode("utf-8", "replace")


def _leaves(text: bytes) -> Iterator[str]:
    """The strings and numbers of a value, without the names of its members."""
    tokens = [token[0] for token in _TOKEN.finditer(text)]
    for token, following in zip(tokens, [*tokens[1:], b""], strict=True):
        if token[:1] not in b"{}[],:" and following != b":":
            yield _decoded(token)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True
