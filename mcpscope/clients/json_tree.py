"""JSON as editors and clients write it: with comments, trailing commas and a byte order mark."""

from __future__ import annotations

import json
import re

from mcpscope.clients.tree import ARRAY, OBJECT, SCALAR, Node, NotReadable

_BLANK = re.compile(r"(?:[ \t\r\n\ufeff]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x08\x0a-\x1f]|\\.)*"')
_WORD = re.compile(r"[-+.0-9A-Za-z]+")
_MAX_DEPTH = 200


def read(text: str) -> Node:
    """The tree of ``text``; raises NotReadable."""
    reader = _Reader(text)
    at = reader.blank(0)
    if at == len(text):
        return Node(OBJECT, at, at)
    root = reader.value(at, 0)
    if reader.blank(root.end) != len(text):
        raise reader.wrong(root.end, "something follows the value")
    return root


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def wrong(self, at: int, what: str) -> NotReadable:
        line = self._text.count("\n", 0, at) + 1
        return NotReadable(f"line {line}: {what}")

    def blank(self, at: int) -> int:
        found = _BLANK.match(self._text, at)
        return found.end() if found else at

    def value(self, at: int, depth: int) -> Node:
        char = self._text[at : at + 1]
        if depth > _MAX_DEPTH:
            raise self.wrong(at, "nested too deeply")
        if char == "{":
            return self._object(at, depth)
        if char == "[":
            return self._array(at, depth)
        return self._scalar(at)

    def _scalar(self, at: int) -> Node:
        found = (_STRING if self._text[at : at + 1] == '"' else _WORD).match(self._text, at)
        if found is None:
            raise self.wrong(at, "a value is missing")
        try:
            return Node(SCALAR, at, found.end(), json.loads(found[0].replace("\t", "\\t")))
        except ValueError:
            raise self.wrong(at, f"{found[0][:20]!r} is no value") from None

    def _object(self, at: int, depth: int) -> Node:
        node = Node(OBJECT, at, at)
        at = self.blank(at + 1)
        while self._text[at : at + 1] != "}":
            if self._text[at : at + 1] != '"':
                raise self.wrong(at, 'a name in quotes or "}" is missing')
            name = self._scalar(at)
            colon = self.blank(name.end)
            if self._text[colon : colon + 1] != ":":
                raise self.wrong(colon, 'a ":" is missing')
            value = self.value(self.blank(colon + 1), depth + 1)
            node.members[name.value] = value
            node.keys[name.value] = at
            at = self._next(value.end, "}")
        node.end = at + 1
        return node

    def _array(self, at: int, depth: int) -> Node:
        node = Node(ARRAY, at, at)
        at = self.blank(at + 1)
        while self._text[at : at + 1] != "]":
            item = self.value(at, depth + 1)
            node.items.append(item)
            at = self._next(item.end, "]")
        node.end = at + 1
        return node

    def _next(self, at: int, end: str) -> int:
        at = self.blank(at)
        if self._text[at : at + 1] == ",":
            return self.blank(at + 1)
        if self._text[at : at + 1] != end:
            raise self.wrong(at, f'a "," or "{end}" is missing')
        return at
