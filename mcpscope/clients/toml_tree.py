"""TOML with the place of each value: tables, arrays of tables and inline tables, wherever they stand."""

from __future__ import annotations

import re
import tomllib

from mcpscope.clients.tree import ARRAY, OBJECT, SCALAR, Node, NotReadable

_BLANK = re.compile(r"(?:[ \t\r\n\ufeff]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRINGS = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WORD = re.compile(r"[^,\]}#\r\n]*[^,\]}#\r\n \t]")


def read(text: str) -> Node:
    """The tree of ``text``; raises NotReadable."""
    try:
        tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise NotReadable(str(error)) from None
    reader = _Reader(text)
    try:
        return reader.document()
    except (IndexError, AttributeError, TypeError):
        raise NotReadable("a form of TOML that is not edited here") from None


class _Reader:
    """Reads a text that ``tomllib`` has accepted, so that only places are to be found."""

    def __init__(self, text: str) -> None:
        self._text = text

    def document(self) -> Node:
        text = self._text
        root = Node(OBJECT, 0, len(text), insert=0)
        table, at = root, self._blank(0)
        while at < len(text):
            if text[at] == "[":
                double = text.startswith("[[", at)
                path, end = self._path(at + 1 + double)
                end = text.index("]", end) + 1 + double
                table = _table(root, path, double=double)
                table.start, table.end, table.insert = at, end, end
            else:
                at, end = at, self._member(table, at)
                table.end = table.insert = max(table.end, end) if table is not root else len(text)
            at = self._blank(end)
        return root

    def _member(self, table: Node, at: int) -> int:
        """One ``key = value``; where it ends."""
        path, end = self._path(at)
        value = self._value(self._space(self._text.index("=", end) + 1))
        for name in path[:-1]:
            table = table.members.setdefault(name, Node(OBJECT, at, value.end))
            table.end = value.end
        table.members[path[-1]] = value
        table.keys[path[-1]] = at
        return value.end

    def _path(self, at: int) -> tuple[list[str], int]:
        """A dotted name; its parts and where it ends."""
        parts = []
        while True:
            at = self._space(at)
            quoted = self._text[at] in "\"'"
            found = (_STRINGS if quoted else _BARE).match(self._text, at)
            assert found is not None
            parts.append(str(_decoded(found[0])) if quoted else found[0])
            at = self._space(found.end())
            if self._text[at : at + 1] != ".":
                return parts, at
            at += 1

    def _value(self, at: int) -> Node:
        char = self._text[at]
        if char == "[":
            return self._array(at)
        if char == "{":
            return self._inline(at)
        found = (_STRINGS if char in "\"'" else _WORD).match(self._text, at)
        assert found is not None
        return Node(SCALAR, at, found.end(), _decoded(found[0].replace("\r\n", "\n")))

    def _array(self, at: int) -> Node:
        node = Node(ARRAY, at, at)
        at = self._blank(at + 1)
        while self._text[at] != "]":
            item = self._value(at)
            node.items.append(item)
            at = self._blank(item.end)
            if self._text[at] == ",":
                at = self._blank(at + 1)
        node.end = at + 1
        return node

    def _inline(self, at: int) -> Node:
        node = Node(OBJECT, at, at)
        at = self._blank(at + 1)
        while self._text[at] != "}":
            at = self._blank(self._member(node, at))
            if self._text[at] == ",":
                at = self._blank(at + 1)
        node.end = at + 1
        return node

    def _blank(self, at: int) -> int:
        found = _BLANK.match(self._text, at)
        return found.end() if found else at

    def _space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at


def _table(root: Node, path: list[str], *, double: bool) -> Node:
    """The table that a header opens; in arrays of tables the last one, or a new one."""
    node = root
    for place, name in enumerate(path):
        found = node.members.get(name)
        last = place == len(path) - 1
        if double and last:
            if found is None:
                found = node.members[name] = Node(ARRAY, 0, 0)
            found.items.append(Node(OBJECT, 0, 0))
        elif found is None:
            found = node.members[name] = Node(OBJECT, 0, 0)
        node = found.items[-1] if found.kind == ARRAY else found
    return node


def _decoded(text: str) -> object:
    return tomllib.loads(f"value = {text}")["value"]
