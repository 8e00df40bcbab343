"""Rows as aligned text: columns as wide as the first rows ask for, one line a row, all of it safe."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain, islice

import click

from mcpscope.text import safe

ROWS_MEASURED = 200
MAX_CELL = 80
GAP = "  "


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> None:
    """Print a head and ``rows``; columns in ``right`` are aligned to the right. Long cells end in ``…``."""
    stream = iter(rows)
    first = [[_cell(text) for text in row] for row in islice(stream, ROWS_MEASURED)]
    head = [safe(name) for name in columns]
    widths = [max(map(width, cells)) for cells in zip(head, *first, strict=True)]
    for row in chain([head], first, ([_cell(text) for text in row] for row in stream)):
        click.echo(GAP.join(_padded(row, widths, right)).rstrip())


def width(text: str) -> int:
    """How many columns of a terminal ``text`` takes; it must be safe already."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def clip(text: str, columns: int) -> str:
    """``text``, cut with ``…`` to at most ``columns``."""
    if width(text) <= columns:
        return text
    taken, used = [], 0
    for char in text:
        used += _char_width(char)
        if used > columns - 1:
            break
        taken.append(char)
    return "".join(taken) + "…"


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cell(text: str) -> str:
    return clip(safe(text), MAX_CELL)


def _padded(row: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> list[str]:
    return [
        " " * (columns - width(cell)) + cell if at in right else cell + " " * (columns - width(cell))
        for at, (cell, columns) in enumerate(zip(row, widths, strict=True))
    ]
