"""Where secrets stand in messages: the places that a policy names, found in a message's bytes.

``$.params.arguments.password`` names a place in the whole message, ``login:$.result.token`` one in the calls
and answers of tools called ``login`` (a glob), ``args.password`` and ``result.token`` are short for the
first, ``header:x-api-key`` a field of an HTTP head, and a bare word a member of that name anywhere, in
whatever case it is spelled. Names may be globs; ``..name`` looks at every depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import translate

SCHEMAS = ("inputSchema", "outputSchema", "requestedSchema")
MAX_NESTED = 4
"""How deep JSON texts in texts are looked into."""

_HEADER = re.compile(r"header:([A-Za-z0-9!#$%&'*+.^_`|~-]+)", re.IGNORECASE)
_SHORT = re.compile(r"(args|params|result|error)((?:\.|\[).+)")
_SHORTS = {"args": "$.params.arguments", "params": "$.params", "result": "$.result", "error": "$.error"}
_KEY = re.compile(r"[\w.*-]+")
_STEP = re.compile(
    r'(?P<deep>\.\.)?(?:(?<!\.)\.)?(?P<name>[\w*?-]+)|\[(?:(?P<index>\d+)|(?P<star>\*)|"(?P<quoted>[^"]*)")\]'
)
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.S)
_PLACEHOLDER = re.compile(r"\[redacted:[0-9a-f]{8}\]")
_LITERAL = re.compile(r"[^*?]+")


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


class BadPlace(ValueError):
    """The text names no place."""


class Places:
    """All places of a policy. ``shown`` gives what stands in the place of a value."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        """Raises BadPlace."""
        read = [read_place(text) for text in texts]
        self.headers = frozenset(item for item in read if isinstance(item, str))
        self._places = tuple(item for item in read if isinstance(item, Place))
        self.scoped = any(place.tool is not None for place in self._places)
        hints = [place.hint for place in self._places]
        self._hint = (
            re.compile("|".join(map(re.escape, hints)).encode() + rb"|\\u", re.IGNORECASE)
            if hints and all(hints)
            else None
        )

    def __repr__(self) -> str:
        return f"<Places {len(self._places)} headers={sorted(self.headers)}>"

    def __bool__(self) -> bool:
        return bool(self._places)

    def is_hidden_header(self, name: str) -> bool:
        """Whether a field of an HTTP head is named, or may repeat what stands at a place of the body."""
        lower = name.lower()
        if lower in self.headers:
            return True
        if not self._places:
            return False
        if lower == "mcp-name":
            return any(place.steps[-1].fits("name") or place.steps[-1].fits("uri") for place in self._places)
        return lower.startswith("mcp-param-")

    def find(self, raw: bytes, tools: Collection[str] | None, shown: Callable[[str], str]) -> Found:
        """Everything at the places in ``raw``, valid JSON. ``tools`` are those it may concern (None: all)."""
        found = Found()
        if self._hint is not None and not self._hint.search(raw):
            return found
        states = tuple(
            (place, 0)
            for place in self._places
            if place.tool is None or tools is None or any(place.tool.fullmatch(tool) for tool in tools)
        )
        if states:
            _Walk(raw, states, shown, found).run()
        return found


def read_place(text: str) -> Place | str:
    """A place, or the lower-case name of a header; raises BadPlace."""
    header = _HEADER.fullmatch(text)
    if header:
        return header[1].lower()
    short = _SHORT.fullmatch(text)
    if short:
        return _path(_SHORTS[short[1]] + short[2], None)
    tool, dollar, path = text.partition("$")
    if dollar:
        if tool and not tool.endswith(":"):
            raise BadPlace("a tool's name ends in a colon before the $")
        return _path("$" + path, re.compile(translate(tool[:-1])) if tool else None)
    if not _KEY.fullmatch(text):
        raise BadPlace("it is header:NAME, a path such as $.params.arguments.password, or a key")
    literal = max(_LITERAL.findall(text), key=len, default="")
    name = re.compile(translate(text), re.IGNORECASE)
    return Place((Step(name, deep=True),), None, literal)


def _path(text: str, tool: re.Pattern[str] | None) -> Place:
    steps: list[Step] = []
    at, hint = 1, ""
    while at < len(text):
        found = _STEP.match(text, at)
        if not found or (text[at] not in ".["):
            raise BadPlace(f"{text[at:]!r} is no step of a path")
        at = found.end()
        deep = found["deep"] is not None
        if found["index"] is not None:
            steps.append(Step(index=int(found["index"])))
            continue
        if found["star"] is not None:
            steps.append(Step())
            continue
        name = found["name"] if found["quoted"] is None else found["quoted"]
        if found["quoted"] is None and name == "*":
            steps.append(Step(deep=deep))
            continue
        is_glob = found["quoted"] is None and ("*" in name or "?" in name)
        steps.append(Step(re.compile(translate(name)) if is_glob else name, deep=deep))
        hint = max(_LITERAL.findall(name), key=len, default="") if is_glob else name
        hint = "" if json.dumps(hint)[1:-1] != hint else hint
    if not steps:
        raise BadPlace("$ alone is the whole message")
    return Place(tuple(steps), tool, hint)


class _Frame:
    """One open container: what may still be found below it."""

    __slots__ = ("index", "is_object", "key", "states")

    def __init__(self, states: States, *, is_object: bool) -> None:
        self.states = states
        self.is_object = is_object
        self.index = 0
        self.key: str | None = None


class _Walk:
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
        _Walk(data, inner, self._shown, found, self._depth + 1).run()
        if found.spans:
            self._found.values.extend(found.values)
            changed = splice(data, found.spans).decode("utf-8", "surrogatepass")
            self._found.spans.append((start, end, json.dumps(changed).encode()))


def splice(raw: bytes, spans: Iterable[tuple[int, int, bytes]]) -> bytes:
    """``raw`` with each span replaced; all else stays as it was."""
    parts: list[bytes] = []
    at = 0
    for start, end, data in spans:
        parts += (raw[at:start], data)
        at = end
    parts.append(raw[at:])
    return b"".join(parts)


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
