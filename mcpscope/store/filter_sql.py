"""The tree of a filter as a WHERE clause over ``exchanges AS e``, exact where SQL can say it.

What SQL cannot say (JSON paths, free text) becomes a condition that lets too much through, never too
little; ``exact`` tells whether the predicate still has to look. Conditions are two-valued under a ``not``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, assert_never

from mcpscope.engine.filter.ast import (
    All,
    And,
    Contains,
    Names,
    Node,
    Not,
    Number,
    Op,
    Or,
    Path,
    Since,
    States,
    Term,
    Word,
)
from mcpscope.engine.filter.fields import STATES, State
from mcpscope.engine.filter.ids import spellings
from mcpscope.engine.filter.language import Filter
from mcpscope.engine.filter.predicate import OPEN_STATUSES

REGEX_FUNCTION = "scope_regex"
"""``scope_regex(pattern, value)``: every connection that runs these clauses has it."""

_COLUMNS = {
    "method": "e.method",
    "tool": "e.tool",
    "name": "e.name",
    "id": "e.rpc_id",
    "dir": "e.dir",
    "status": "e.status",
}
SESSION_COLUMNS = {
    "session": ("CAST(s.id AS TEXT)", "s.name", "s.label", "s.uid"),
    "client": ("s.client_name",),
    "server": ("s.server_name", "s.label"),
}
SIZE = "(ifnull(e.req_bytes, 0) + ifnull(e.res_bytes, 0))"
NUMBER_COLUMNS = {
    "dur": "e.dur_ns",
    "size": SIZE,
    "req": "e.req_bytes",
    "res": "e.res_bytes",
    "code": "e.code",
    "seq": "e.id",
}
_RESOURCE = "(e.method GLOB '*resources/*')"
_MESSAGE_OF_OUTCOME = (
    "e.id IN (SELECT ifnull(m.exchange_id, m.id) FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id"
)
REMARKED = (
    "SELECT json_extract(detail, '$.exchange') FROM notes"
    " WHERE kind = 'remark' AND json_valid(detail) AND json_type(detail, '$.exchange') = 'integer'"
)
"""The exchanges that people wrote about."""

_WAITED = (
    "(SELECT ifnull(m.exchange_id, m.id) AS id, max(o.waited_ns) AS waited FROM outcomes AS o"
    " JOIN messages AS m ON m.id = o.message_id WHERE o.waited_ns > 0 GROUP BY o.message_id)"
)


@dataclass(slots=True)
class Where:
    """A condition with its parameters; ``exact`` if it says neither more nor less than the filter."""

    sql: str
    params: list[Any] = field(default_factory=list)
    exact: bool = True


def to_sql(filter: Filter) -> Where:
    """The condition of a whole filter."""
    return where_of(filter.tree, filter.now)


def where_of(node: Node, now: int | None) -> Where:
    match node:
        case All():
            return Where("1")
        case And(items):
            return _joined(" AND ", [where_of(item, now) for item in items])
        case Or(items):
            return _joined(" OR ", [where_of(item, now) for item in items])
        case Not(item):
            inner = where_of(item, now)
            if not inner.exact:
                return Where("1", exact=False)
            return Where(f"({inner.sql}) IS NOT TRUE", inner.params)
        case _:
            return _term(node, now)


def _joined(word: str, parts: list[Where]) -> Where:
    sql = word.join(f"({part.sql})" for part in parts)
    params = [value for part in parts for value in part.params]
    return Where(sql, params, all(part.exact for part in parts))


def _term(node: Term, now: int | None) -> Where:
    match node:
        case Names():
            return _names(node)
        case Number():
            return _number(node, now)
        case States(words):
            return _joined(" OR ", [_state(STATES[word], now) for word in words])
        case Since(at, later):
            return Where(f"e.opened_at {'>=' if later else '<'} ?", [at])
        case Contains("note"):
            return Where(f"(e.kind IN ('stderr', 'note') OR e.id IN ({REMARKED}))", exact=False)
        case Contains("mime"):
            return Where("(e.request_id IS NOT NULL OR e.answer_id IS NOT NULL)", exact=False)
        case Contains():
            return Where("1", exact=False)
        case Path(root):
            return Where(_has_messages(root), exact=False)
        case _:
            assert_never(node)


def _has_messages(root: str) -> str:
    if root in ("args", "params"):
        return "e.request_id IS NOT NULL"
    if root in ("result", "error"):
        return "e.answer_id IS NOT NULL"
    return "(e.request_id IS NOT NULL OR e.answer_id IS NOT NULL)"


def _names(node: Names) -> Where:
    if node.field == "kind":
        return _kinds(node)
    if node.field == "uri":
        inner = match_column("e.name", node)
        return Where(f"{_RESOURCE} AND ({inner.sql})", inner.params)
    if node.field == "rule":
        inner = match_column("o.rule", node)
        return Where(f"{_MESSAGE_OF_OUTCOME} WHERE {inner.sql})", inner.params)
    if node.field in SESSION_COLUMNS:
        parts = [match_column(column, node) for column in SESSION_COLUMNS[node.field]]
        inner = _joined(" OR ", parts)
        return Where(f"e.session_id IN (SELECT s.id FROM sessions AS s WHERE {inner.sql})", inner.params)
    return match_column(_COLUMNS[node.field], node)


def _kinds(node: Names) -> Where:
    words = [word.text for word in node.values]
    plain = _among("e.kind", [word for word in words if word != "response"])
    if "response" in words:
        return Where(f"({plain.sql} OR e.answer_id IS NOT NULL OR e.kind = 'answer')", plain.params)
    return plain


def match_column(column: str, node: Names) -> Where:
    """One text column against the values of a term; NULL and the empty text match nothing."""
    if node.op is Op.REGEX:
        return Where(f"{REGEX_FUNCTION}(?, {column})", [node.values[0].text])
    words = node.values
    if node.field == "id":
        words = tuple(Word(one, word.quoted) for word in words for one in spellings(word.text))
    exact = [word.text for word in words if node.op is Op.EQUAL or not word.is_glob]
    globs = [] if node.op is Op.EQUAL else [word.text.replace("[", "[[]") for word in words if word.is_glob]
    parts = [_among(column, [text for text in exact if text])]
    parts += [Where(f"{column} GLOB ? AND {column} != ''", [glob]) for glob in globs]
    return _joined(" OR ", parts) if globs else parts[0]


def _among(column: str, values: list[str]) -> Where:
    if not values:
        return Where("0")
    if len(values) == 1:
        return Where(f"{column} = ?", list(values))
    return Where(f"{column} IN ({', '.join('?' * len(values))})", list(values))


def _number(node: Number, now: int | None) -> Where:
    if node.field == "wait":
        inner = compared("sum(waited)", node)
        sql = f"e.id IN (SELECT id FROM {_WAITED} GROUP BY id HAVING {inner.sql})"
        return Where(sql, inner.params)
    if node.field == "dur":
        duration = _duration(now)
        inner = compared(duration.sql, node)
        # Each comparison names the expression once.
        return Where(inner.sql, [one for value in inner.params for one in (*duration.params, value)])
    return compared(NUMBER_COLUMNS[node.field], node)


def _duration(now: int | None) -> Where:
    if now is None:
        return Where("e.dur_ns")
    listed = ", ".join(f"'{word}'" for word in sorted(OPEN_STATUSES))
    return Where(f"ifnull(e.dur_ns, CASE WHEN e.status IN ({listed}) THEN ? - e.opened_at END)", [now])


def compared(column: str, node: Number) -> Where:
    """One column against the values of a term."""
    sign = "=" if node.op in (Op.MATCH, Op.EQUAL) else node.op.value
    sql = " OR ".join(f"{column} {sign} ?" for _ in node.values)
    return Where(f"({sql})", list(node.values))


def _state(state: State, now: int | None) -> Where:
    parts = [_among("e.status", list(state.statuses))] if state.statuses else []
    parts += [has_flag(flag) for flag in state.flags]
    if state.kinds:
        kinds = _among("e.kind", list(state.kinds))
        parts.append(_joined(" AND ", [kinds, Where("e.dir = ?", [state.dir])]) if state.dir else kinds)
    if state.slow_ns:
        duration = _duration(now)
        parts.append(Where(f"{duration.sql} >= ?", [*duration.params, state.slow_ns]))
    if state.big_bytes:
        parts.append(Where(f"{SIZE} >= ?", [state.big_bytes]))
    return _joined(" OR ", parts)


def has_flag(flag: str) -> Where:
    """Whether an exchange has a flag."""
    return Where("instr(' ' || e.flags || ' ', ?) > 0", [f" {flag} "])


def regex_function(searcher: Callable[[str], Callable[[str], bool]]) -> Callable[[str, object], int]:
    """The body of ``scope_regex``; NULL and the empty text match nothing."""

    def matches(pattern: str, value: object) -> int:
        return int(isinstance(value, str) and value != "" and searcher(pattern)(value))

    return matches
