"""What may stand at the cursor of a filter that is being typed: fields, then values with counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mcpscope.engine.filter.fields import FIELDS, STATES, Field, Type

Values = Callable[[str, str], Iterable[tuple[str, int]]]
"""``(field, prefix)`` to real values with their counts; for ``args.`` and so on to keys."""

_TOKEN = re.compile(
    r"[\s()!]*-?([A-Za-z][A-Za-z-]*)((?:\.[^\s.:=~<>!\"()]*|\[[^\]\s]*\])*)(!=|>=|<=|[:=~<>])?"
)
_NEEDS_QUOTES = re.compile(r"[\s()|,\"*?]")
MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Completion:
    """Replace ``start:end`` of the text by ``insert``; ``label`` and ``detail`` are for the list."""

    start: int
    end: int
    insert: str
    label: str
    detail: str


def complete(text: str, cursor: int, values: Values) -> list[Completion]:
    """What fits the word that ends at ``cursor``, best first; empty where nothing is known."""
    start = _token_start(text, cursor)
    token = text[start:cursor]
    found = _TOKEN.match(token)
    if found is None or found[0].strip("()!-") == "":
        return [] if token.strip("()!- ") else _fields(start + len(token), cursor, "")
    name, path, op = found[1], found[2], found[3]
    at = start + found.start(1)
    if op is None:
        return _keys(name, path, at, cursor, values) if path else _fields(at, cursor, name)
    field = FIELDS.get(name.lower())
    if field is None:
        return []
    where = start + found.end()
    if op != "~" and text[where : where + 1] == "(":
        where = max(where + 1, text.rfind(",", where, cursor) + 1)
        where += len(text[where:cursor]) - len(text[where:cursor].lstrip())
    return _values(field, name + path, where, cursor, text[where:cursor], values)


def _token_start(text: str, cursor: int) -> int:
    """Where the term under the cursor begins: behind a space that stands neither in quotes nor in a list."""
    start, quoted, listed = 0, False, False
    for at, char in enumerate(text[:cursor]):
        if char == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(" and text[at - 1 : at] in (":", "="):
            listed = True
        elif char == ")":
            listed = False
            start = at + 1
        elif not listed and (char.isspace() or char in "(|"):
            start = at + 1
    return start


def _fields(at: int, cursor: int, prefix: str) -> list[Completion]:
    found = []
    for field in FIELDS.values():
        if field.name.startswith(prefix.lower()):
            insert = field.name + ("." if field.type is Type.JSON else "" if _is_number(field) else ":")
            found.append(Completion(at, cursor, insert, field.name, field.help))
    return found


def _keys(name: str, path: str, at: int, cursor: int, values: Values) -> list[Completion]:
    field = FIELDS.get(name.lower())
    if field is None or field.type is not Type.JSON:
        return []
    parent, _, prefix = path.rpartition(".")
    base = f"{name}{parent}."
    return [
        Completion(at, cursor, base + _key(key), key, f"{count:,}" if count else "")
        for key, count in _shown(values(base, prefix), prefix)
    ]


def _values(field: Field, place: str, at: int, cursor: int, prefix: str, values: Values) -> list[Completion]:
    prefix = prefix.lstrip('"')
    if field.type is Type.STATE:
        offered: list[tuple[str, str]] = [(word, state.help) for word, state in STATES.items()]
        return [Completion(at, cursor, w, w, help) for w, help in offered if w.startswith(prefix)]
    known = dict(values(place, prefix))
    for word in field.words:
        known.setdefault(word, 0)
    return [
        Completion(at, cursor, quote(value), value, f"{count:,}" if count else "")
        for value, count in _shown(known.items(), prefix)
    ]


def quote(value: str) -> str:
    """``value`` as it must be written to mean exactly itself."""
    if value and not _NEEDS_QUOTES.search(value) and value[0] not in "~!-":
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _shown(found: Iterable[tuple[str, int]], prefix: str) -> list[tuple[str, int]]:
    fitting = [one for one in found if one[0].startswith(prefix)]
    return sorted(fitting, key=lambda one: (-one[1], one[0]))[:MAX_SHOWN]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w$/@-]+", key) else quote(key) if '"' in quote(key) else f'"{key}"'


def _is_number(field: Field) -> bool:
    return field.type in (Type.DURATION, Type.SIZE, Type.INTEGER)
