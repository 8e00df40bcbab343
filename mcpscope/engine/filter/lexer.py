"""The scanner: takes words, quoted text, operators and regexes off a filter's text, one at a time.

What a piece of text means depends on where it stands (a value may hold what elsewhere is an operator), so
the parser asks for what it wants instead of reading a list of tokens.
"""

from __future__ import annotations

import re

from mcpscope.engine.filter.ast import Op, Word
from mcpscope.engine.filter.errors import FilterError

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[^\s()|\"]+")
_LIST_WORD = re.compile(r"[^\s(),|\"]+")
_BARE_REGEX = re.compile(r"\S+")
_FIELD = re.compile(
    r"([A-Za-z][A-Za-z0-9_-]*)(?=(?:\.[^\s.:=~<>!\"()\[]+|\.\"[^\"]*\"|\[[^\]\s]*\])*(?:!=|[:=~<>]))"
)
_ROOT = re.compile(r"(args|params|result|error|meta|raw)(?=[.\[])", re.IGNORECASE)
_OP = re.compile(r"!=|>=|<=|[:=~<>]")
_KEYWORD = re.compile(r"(and|or|not)(?=[\s()!\"]|$)", re.IGNORECASE)
_SYMBOL = re.compile(r"\|\||&&|\||&(?=\s|$|\()")
_ESCAPE = re.compile(r"\\([\"\\])")


class Lexer:
    """A position in a text; every ``take_*`` returns what stands there and moves behind it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def __repr__(self) -> str:
        return f"Lexer({self.text[: self.at]!r} | {self.text[self.at :]!r})"

    @property
    def at_end(self) -> bool:
        return self.at >= len(self.text)

    @property
    def next(self) -> str:
        """The character that stands here, empty at the end."""
        return self.text[self.at : self.at + 1]

    def skip_space(self) -> None:
        if found := _SPACE.match(self.text, self.at):
            self.at = found.end()

    def take(self, literal: str) -> bool:
        if not self.text.startswith(literal, self.at):
            return False
        self.at += len(literal)
        return True

    def keyword(self) -> str:
        """``and``, ``or``, ``not`` that stands here, also as a symbol; empty if none does. Does not move."""
        if found := _KEYWORD.match(self.text, self.at):
            return found[1].lower()
        if found := _SYMBOL.match(self.text, self.at):
            return "or" if found[0][0] == "|" else "and"
        return ""

    def take_keyword(self) -> None:
        found = _KEYWORD.match(self.text, self.at) or _SYMBOL.match(self.text, self.at)
        if found:
            self.at = found.end()

    def take_field(self) -> str:
        """A field's name if an operator follows it or its path; empty for ``file.txt`` and other words."""
        found = _FIELD.match(self.text, self.at) or _ROOT.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[1]

    def take_root(self) -> str:
        """A root of JSON paths alone, as completion meets it; empty if none stands here."""
        found = _ROOT.match(self.text + ".", self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[1].lower()

    def take_op(self) -> Op | None:
        found = _OP.match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        return Op(found[0])

    def take_word(self, *, in_list: bool = False) -> Word | None:
        """A bare or quoted word; None where neither stands here."""
        if self.next == '"':
            return Word(self.take_quoted(), quoted=True)
        found = (_LIST_WORD if in_list else _WORD).match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        return Word(found[0])

    def take_quoted(self) -> str:
        """Text in double quotes, in which a backslash protects a quote or a backslash."""
        start = self.at
        end = start + 1
        while end < len(self.text) and self.text[end] != '"':
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise FilterError("this quote is never closed", self.text, start)
        self.at = end + 1
        return _ESCAPE.sub(r"\1", self.text[start + 1 : end])

    def take_regex(self) -> str:
        """A regular expression: up to the next space, or in quotes.

        A bracket that closes a group of the filter is left to it: the expression ends before the first
        ``)`` that nothing in the expression opens. Inside quotes only ``\\"`` is an escape of ours.
        """
        if self.next == '"':
            start = self.at
            self.take_quoted()
            return self.text[start + 1 : self.at - 1].replace('\\"', '"')
        found = _BARE_REGEX.match(self.text, self.at)
        if not found:
            return ""
        taken = found[0][: _balanced(found[0])]
        self.at += len(taken)
        return taken


def _balanced(pattern: str) -> int:
    """How many characters stand before the first ``)`` that closes nothing."""
    depth, at, in_class = 0, 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            at += 1 if pattern[at + 1 : at + 2] in ("]", "^") else 0
        elif char == "(":
            depth += 1
        elif char == ")":
            if depth == 0:
                return at
            depth -= 1
        at += 1
    return len(pattern)
