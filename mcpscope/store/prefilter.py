"""What the text of one message must contain for a term to match: the question for the full-text index."""

from __future__ import annotations

from collections.abc import Callable

from mcpscope.engine.filter import units
from mcpscope.engine.filter.ast import And, Contains, Node, Op, Or, Path, Word
from mcpscope.engine.filter.globs import literal_parts

Parts = list[str]
"""Folded stretches of text that one message contains, all of them."""

TRIGRAM = 3
_MEMBERS = {"args": "arguments", "error": "error", "meta": "_meta", "params": "params", "result": "result"}
_LITERALS = frozenset({"true", "false", "null"})


def alternatives(node: Contains | Path) -> list[Parts] | None:
    """One of these lists of parts is in a message of every match; None if nothing of use is known."""
    if isinstance(node, Path):
        return _of_path(node)
    if node.field == "note" or node.op is Op.REGEX:
        return None
    found = [_useful(literal_parts(word)) for word in node.values]
    return found if all(found) else None


def expression_of(node: Node, is_common: Callable[[str], bool] = lambda gram: False) -> str:
    """The FTS5 query for exchanges that may match a tree; empty if every exchange may.

    A text is asked for by trigrams side by side, wherever they stand: a little too much gets through. One of
    which ``is_common`` says that most messages have it costs more than it saves, and is asked for only where
    there is no other.
    """
    return _expression(node, lambda gram: not is_common(gram)) or _expression(node, lambda gram: True)


def _expression(node: Node, asks_for: Callable[[str], bool]) -> str:
    match node:
        case And(items):
            return " AND ".join(part for item in items if (part := _expression(item, asks_for)))
        case Or(items):
            parts = [_expression(item, asks_for) for item in items]
            return _any_of(parts) if all(parts) else ""
        case Contains() | Path():
            found = [_all_of(parts, asks_for) for parts in alternatives(node) or ()]
            return _any_of(found) if found and all(found) else ""
        case _:
            return ""


def _any_of(parts: list[str]) -> str:
    return "(" + " OR ".join(f"({part})" for part in parts) + ")"


def _all_of(parts: Parts, asks_for: Callable[[str], bool]) -> str:
    grams = dict.fromkeys(gram for part in parts for gram in _trigrams(part))
    return " AND ".join(quoted(gram) for gram in grams if asks_for(gram))


def _of_path(node: Path) -> list[Parts] | None:
    if node.root == "raw" and not node.steps:
        return None
    steps = [step.casefold() for step in node.steps if isinstance(step, str)]
    keys = _useful([_MEMBERS.get(node.root, ""), *steps])
    values: list[Parts] = [[]]
    if node.op in (Op.MATCH, Op.EQUAL) and all(_is_text(word) for word in node.values):
        values = [
            [word.text.casefold()] if node.op is Op.EQUAL else literal_parts(word) for word in node.values
        ]
    found = [keys + _useful(parts) for parts in values]
    return found if all(found) else None


def _is_text(word: Word) -> bool:
    """Whether the value stands in the message as it is written here; numbers have many spellings."""
    if word.quoted:
        return True
    return units.number(word.text) is None and word.text not in _LITERALS and any(map(str.isalpha, word.text))


def _useful(parts: list[str]) -> Parts:
    return [part for part in parts if len(part) >= TRIGRAM and part.isprintable() and "\ufffd" not in part]


def _trigrams(part: str) -> list[str]:
    """Trigrams that cover ``part``; overlapping ones would cost more than they save."""
    starts = list(range(0, len(part) - TRIGRAM + 1, TRIGRAM))
    if starts[-1] != len(part) - TRIGRAM:
        starts.append(len(part) - TRIGRAM)
    return [part[at : at + TRIGRAM] for at in starts]


def quoted(gram: str) -> str:
    """One trigram as a phrase of FTS5."""
    return '"' + gram.replace('"', '""') + '"'
