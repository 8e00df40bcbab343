"""An index of the lines that a JSON text has when it is printed prettily, made in one pass over its bytes.

The text itself is never parsed into objects nor printed again: a line is a slice of the source, so
numbers, escapes, duplicate keys and key order are shown as they crossed the wire. What is not JSON becomes
lines cut at its own line ends, so that everything has a view.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field

_LINE = re.compile(
    rb"[\s]*(?:"
    rb"(?P<key>\"[^\"\\]*(?:\\.[^\"\\]*)*\")\s*:\s*)?"
    rb"(?:(?P<open>[\[{])(?:\s*(?P<shut>[\]}]))?|(?P<close>[\]}])"
    rb"|(?P<value>\"[^\"\\]*(?:\\.[^\"\\]*)*\"|[^\s\[\]{},:\"]+))"
    rb"\s*,?",
    re.DOTALL,
)
MAX_DEPTH = 2000


@dataclass(slots=True)
class JsonIndex:
    """Lines of ``source``: where key and value begin and end (byte offsets), how deep, and the partner line.

    ``key_start`` is -1 for a line without a key. ``partner`` of an opening line is its closing line and the
    other way round, -1 for a plain value. ``parent`` is the opening line around a line, -1 at the top.
    ``valid`` is False where the text is not JSON; then lines are pieces of the text.
    """

    source: bytes
    key_start: array[int] = field(default_factory=lambda: array("q"))
    key_end: array[int] = field(default_factory=lambda: array("q"))
    start: array[int] = field(default_factory=lambda: array("q"))
    end: array[int] = field(default_factory=lambda: array("q"))
    depth: array[int] = field(default_factory=lambda: array("i"))
    partner: array[int] = field(default_factory=lambda: array("i"))
    parent: array[int] = field(default_factory=lambda: array("i"))
    size: array[int] = field(default_factory=lambda: array("i"))
    valid: bool = True

    def __len__(self) -> int:
        return len(self.start)

    def key(self, line: int) -> str:
        """The key of a line without its quotes, escapes as they stand; ``""`` where it has none."""
        if self.key_start[line] < 0:
            return ""
        return self.source[self.key_start[line] + 1 : self.key_end[line] - 1].decode("utf-8", "replace")

    def value(self, line: int, limit: int = 1 << 62) -> str:
        """The value of a line as it stands in the source, at most ``limit`` bytes of it."""
        start = self.start[line]
        return self.source[start : min(self.end[line], start + limit)].decode("utf-8", "replace")

    def is_open(self, line: int) -> bool:
        return self.partner[line] > line

    def is_close(self, line: int) -> bool:
        return 0 <= self.partner[line] < line

    def position(self, line: int) -> int:
        """How many elements stand before this line in its container: the index of an array's element."""
        container = self.parent[line]
        found, at = 0, container + 1
        while at < line:
            found += 1
            at = self.partner[at] + 1 if self.is_open(at) else at + 1
        return found

    def in_array(self, line: int) -> bool:
        container = self.parent[line]
        return container >= 0 and self.source[self.start[container] : self.start[container] + 1] == b"["

    def children(self, line: int) -> list[int]:
        """The lines directly inside the container that opens at ``line``."""
        found: list[int] = []
        at = line + 1
        while at < self.partner[line]:
            found.append(at)
            at = self.partner[at] + 1 if self.is_open(at) else at + 1
        return found

    def child(self, line: int, key: str) -> int:
        """The line of ``key`` inside the object that opens at ``line``, or -1."""
        return next((at for at in self.children(line) if self.key(at) == key), -1)

    def path(self, line: int) -> str:
        """``$.params.arguments.items[3]``: where a line stands."""
        parts: list[str] = []
        if self.is_close(line):
            line = self.partner[line]
        while line >= 0 and self.parent[line] >= 0:
            key = self.key(line)
            if self.in_array(line):
                parts.append(f"[{self.position(line)}]")
            elif re.fullmatch(r"[A-Za-z_$][\w$-]*", key):
                parts.append(f".{key}")
            else:
                parts.append(f'["{key}"]')
            line = self.parent[line]
        return "$" + "".join(reversed(parts))

    def fragment(self, line: int) -> bytes:
        """The source of the value that begins at ``line``, containers whole."""
        if self.is_close(line):
            line = self.partner[line]
        stop = self.partner[line] if self.is_open(line) else line
        return self.source[self.start[line] : self.end[stop]]


def index_json(source: bytes, *, partial: bool = False) -> JsonIndex:
    """The lines of ``source``; never fails: what is not JSON is shown as text, line by line.

    ``partial`` is for the beginning of a longer text: what is whole in it has its lines.
    """
    found = JsonIndex(source)
    if not _fill(found) and not (partial and len(found)):
        return index_text(source)
    return found


def index_text(source: bytes, *, piece: int = 4096) -> JsonIndex:
    """The lines of a text that is not JSON, cut at its line ends and at ``piece`` bytes."""
    found = JsonIndex(source, valid=False)
    at = 0
    while at < len(source):
        end = source.find(b"\n", at)
        stop = len(source) if end < 0 else end
        while stop - at > piece:
            _append(found, (-1, -1), (at, at + piece), 0, -1)
            at += piece
        _append(found, (-1, -1), (at, stop), 0, -1)
        at = stop + 1
    return found


def _append(index: JsonIndex, key: tuple[int, int], value: tuple[int, int], depth: int, parent: int) -> None:
    index.key_start.append(key[0])
    index.key_end.append(key[1])
    index.start.append(value[0])
    index.end.append(value[1])
    index.depth.append(depth)
    index.partner.append(-1)
    index.parent.append(parent)
    index.size.append(0)


def _fill(index: JsonIndex) -> bool:
    """Fill ``index`` from its source; False where the text has no JSON structure."""
    source = index.source
    opened: list[int] = []
    at, total = 0, len(source.rstrip())
    scan = _LINE.match
    while at < total:
        hit = scan(source, at)
        if hit is None or hit.end() == at:
            return False
        kind = hit.lastgroup
        if kind == "close":
            if not opened or not _closes(source, index.start[opened[-1]], hit.start("close")):
                return False
            line = opened.pop()
            mine = len(index.start)
            _append(index, (-1, -1), hit.span("close"), len(opened), opened[-1] if opened else -1)
            index.partner[mine] = line
            index.partner[line] = mine
        else:
            parent = opened[-1] if opened else -1
            if parent >= 0:
                index.size[parent] += 1
            elif len(index.start):
                return False  # a second value at the top: text, not JSON
            group = "value" if kind == "value" else "open"
            span = hit.span(group) if kind != "shut" else (hit.start("open"), hit.end("shut"))
            _append(index, hit.span("key"), span, len(opened), parent)
            if kind == "open":
                opened.append(len(index.start) - 1)
                if len(opened) > MAX_DEPTH:
                    return False
        at = hit.end()
    return not opened and len(index.start) > 0 and _plausible(index)


def _closes(source: bytes, start: int, end: int) -> bool:
    return source[start : start + 1] + source[end : end + 1] in (b"{}", b"[]")


def _plausible(index: JsonIndex) -> bool:
    """A lone bare word (a log line) is text; a lone string, number or literal is JSON."""
    if len(index.start) > 1 or index.partner[0] >= 0:
        return True
    first = index.source[index.start[0] : index.start[0] + 1]
    word = index.source[index.start[0] : index.end[0]]
    return (
        first in (b'"', b"{", b"[")
        or word in (b"true", b"false", b"null")
        or bool(re.fullmatch(rb"-?\d[\d.eE+-]*", word))
    )
