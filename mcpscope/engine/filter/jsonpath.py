"""Paths into a message's JSON: reading them from text, and walking them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mcpscope.engine.filter.errors import FilterError
from mcpscope.engine.filter.lexer import Lexer

Step = str | int | None  # a key, an index from either end, or None for every element

MAX_STEPS = 64
_KEY = re.compile(r"[^\s.\[\]()\"|:=!~<>,]+")
_INDEX = re.compile(r"\[(-?\d{1,9}|\*)\]")


def read_steps(lexer: Lexer) -> tuple[Step, ...]:
    """The steps behind a root, up to the operator."""
    steps: list[Step] = []
    while True:
        start = lexer.at
        if lexer.take("."):
            steps.append(_key(lexer, start))
        elif lexer.next == "[":
            found = _INDEX.match(lexer.text, lexer.at)
            if not found:
                raise FilterError(
                    "this is not an index", lexer.text, start, _end_of(lexer, start), "try [0], [-1] or [*]"
                )
            lexer.at = found.end()
            steps.append(None if found[1] == "*" else int(found[1]))
        else:
            return tuple(steps)
        if len(steps) > MAX_STEPS:
            raise FilterError("this path is too long", lexer.text, start)


def walk(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    """Every value that the steps lead to, nothing where they lead nowhere."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step is None:
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for item in items:
            yield from walk(item, rest)
    elif isinstance(step, str):
        if isinstance(value, dict) and step in value:
            yield from walk(value[step], rest)
    elif isinstance(value, list) and -len(value) <= step < len(value):
        yield from walk(value[step], rest)


def scalars(value: Any) -> Iterator[Any]:
    """The strings, numbers, booleans and nulls inside a value; iterative: the peer chooses the depth."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(reversed(item.values()))
        elif isinstance(item, list):
            pending.extend(reversed(item))
        else:
            yield item


def _key(lexer: Lexer, start: int) -> Step:
    if lexer.next == '"':
        return lexer.take_quoted()
    found = _KEY.match(lexer.text, lexer.at)
    if not found:
        raise FilterError(
            "a key is missing after the dot", lexer.text, start, hint='try args.path or args."a key"'
        )
    lexer.at = found.end()
    return None if found[0] == "*" else found[0]


def _end_of(lexer: Lexer, start: int) -> int:
    closing = lexer.text.find("]", start)
    return closing + 1 if closing >= 0 else len(lexer.text)
