"""Terms that mean "contains": bare words, text, note and mime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mcpscope.engine.filter.ast import Contains, Op
from mcpscope.engine.filter.globs import inside
from mcpscope.engine.filter.readable import readable
from mcpscope.engine.filter.regexes import searcher
from mcpscope.engine.filter.subject import Subject


def contains_test(node: Contains) -> Callable[[Subject], bool]:
    """Whether one of the texts that the field names has one of the values."""
    texts = _TEXTS[node.field]
    if node.op is Op.REGEX:
        search = searcher(node.values[0].text)
        return lambda subject: any(map(search, texts(subject)))
    tests = [inside(word) for word in node.values]

    def contains(subject: Subject) -> bool:
        for text in texts(subject):
            folded = text.casefold()
            if any(test(folded) for test in tests):
                return True
        return False

    return contains


def mime_types(body: Any) -> Iterator[str]:
    """Every ``mimeType`` in a message; iterative: the peer chooses the depth."""
    pending = [body]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            found = item.get("mimeType")
            if isinstance(found, str):
                yield found
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _texts(subject: Subject) -> Iterator[str]:
    yield from subject.notes
    for raw in subject.bodies:
        yield readable(raw)


def _notes(subject: Subject) -> Iterator[str]:
    yield from subject.notes


def _mimes(subject: Subject) -> Iterator[str]:
    for message in (subject.request, subject.answer):
        if message is not None and b"mimeType" in message.raw:
            yield from mime_types(message.body)


_TEXTS: dict[str, Callable[[Subject], Iterator[str]]] = {"text": _texts, "note": _notes, "mime": _mimes}
