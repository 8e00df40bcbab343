"""Text to tree: the grammar of the filter language, by recursive descent."""

from __future__ import annotations

import re

from mcpscope.engine.filter import suggest
from mcpscope.engine.filter.ast import All, And, Contains, Node, Not, Op, Or, Word
from mcpscope.engine.filter.errors import FilterError
from mcpscope.engine.filter.fields import TILDE_OPERATORS
from mcpscope.engine.filter.lexer import Lexer
from mcpscope.engine.filter.regexes import check_regex
from mcpscope.engine.filter.terms import read_term

MAX_TEXT_CHARS = 20_000
MAX_DEPTH = 60
_NEGATIVE = re.compile(r"-\d+(?=[\s)]|$)")


def parse_tree(text: str, now: int | None) -> Node:
    """The tree of ``text``; raises FilterError. ``now`` (unix ns) is what ages and times of day refer to."""
    if len(text) > MAX_TEXT_CHARS:
        raise FilterError(f"a filter has at most {MAX_TEXT_CHARS:,} characters", text[:40], 0)
    parser = _Parser(text, now)
    parser.lexer.skip_space()
    if parser.lexer.at_end:
        return All()
    node = parser.read_or(0)
    if parser.lexer.next:
        raise FilterError("there is no matching (", text, parser.lexer.at)
    return node


class _Parser:
    def __init__(self, text: str, now: int | None) -> None:
        self.text = text
        self.now = now
        self.lexer = Lexer(text)

    def read_or(self, depth: int) -> Node:
        items = [self.read_and(depth)]
        while self.lexer.keyword() == "or":
            start = self.lexer.at
            self.lexer.take_keyword()
            self.require(start, "or")
            items.append(self.read_and(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def read_and(self, depth: int) -> Node:
        items = [self.read_not(depth)]
        while True:
            self.lexer.skip_space()
            if self.lexer.at_end or self.lexer.next == ")" or self.lexer.keyword() == "or":
                return items[0] if len(items) == 1 else And(tuple(items))
            if self.lexer.keyword() == "and":
                start = self.lexer.at
                self.lexer.take_keyword()
                self.require(start, "and")
            items.append(self.read_not(depth))

    def read_not(self, depth: int) -> Node:
        lexer, negate = self.lexer, False
        while True:
            lexer.skip_space()
            start = lexer.at
            if lexer.keyword() == "not":
                lexer.take_keyword()
                self.require(start, "not")
            elif lexer.next in ("!", "-"):
                self.refuse_negative_number(start)
                lexer.at += 1
                self.require(start, lexer.text[start])
            else:
                node = self.read_atom(depth)
                return Not(node) if negate else node
            negate = not negate

    def read_atom(self, depth: int) -> Node:
        lexer, start = self.lexer, self.lexer.at
        if lexer.take("("):
            return self.read_group(start, depth + 1)
        if lexer.next == ")":
            raise FilterError("there is no matching (", self.text, start)
        if keyword := lexer.keyword():
            hint = f'to search for the word itself write "{keyword}"'
            raise FilterError(
                f"nothing stands before this {keyword}", self.text, start, start + len(keyword), hint
            )
        if lexer.take("~"):
            return self.read_text_regex(start)
        name = lexer.take_field()
        if name:
            return read_term(lexer, name, start, self.now)
        word = lexer.take_word()
        if word is None:
            raise FilterError(
                "this means nothing here", self.text, start, hint='quote it to search for it: "…"'
            )
        return Contains("text", Op.MATCH, (word,))

    def read_group(self, start: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise FilterError("brackets are nested too deeply", self.text, start)
        self.lexer.skip_space()
        if self.lexer.next == ")":
            raise FilterError("nothing stands between these", self.text, start, self.lexer.at + 1)
        if self.lexer.at_end:
            raise FilterError("this ( is never closed", self.text, start)
        node = self.read_or(depth)
        if not self.lexer.take(")"):
            raise FilterError("this ( is never closed", self.text, start)
        return node

    def read_text_regex(self, start: int) -> Node:
        lexer, at, quoted = self.lexer, self.lexer.at, self.lexer.next == '"'
        pattern = lexer.take_regex()
        if not pattern:
            raise FilterError(
                "a regular expression is missing after ~", self.text, start, hint="try ~timeout|refused"
            )
        if len(pattern) == 1 and not quoted and pattern.isalpha():
            meant = TILDE_OPERATORS.get(pattern, "")
            hint = f"try {meant}; " if meant else ""
            hint += f'the regular expression is ~"{pattern}"'
            raise FilterError(f"~{pattern} is not an operator here", self.text, start, lexer.at, hint)
        check_regex(pattern, self.text, at, lexer.at)
        return Contains("text", Op.REGEX, (Word(pattern, quoted=True),))

    def require(self, start: int, what: str) -> None:
        """Something must follow an operator."""
        self.lexer.skip_space()
        if self.lexer.at_end or self.lexer.next == ")":
            hint = suggest.quoted(what) if what.isalpha() else ""
            raise FilterError(f"nothing follows this {what}", self.text, start, start + len(what), hint)

    def refuse_negative_number(self, start: int) -> None:
        found = _NEGATIVE.match(self.text, start)
        if found:
            hint = f'try code:{found[0]}, or "{found[0]}" to search for it'
            raise FilterError(
                f"{found[0]} alone means 'not {found[0][1:]}'", self.text, start, found.end(), hint
            )
