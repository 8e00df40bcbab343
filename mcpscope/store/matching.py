"""How many of the recorded exchanges rules would have matched."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from mcpscope.engine.filter.language import parse
from mcpscope.engine.policy.matching import JUDGED, LAST_EXCHANGES, would_match
from mcpscope.engine.rule import Rule
from mcpscope.store.query import Query


def matches(
    connection: sqlite3.Connection, rules: Sequence[Rule], sessions: Sequence[int]
) -> tuple[int, dict[str, int]]:
    """How many of the last exchanges rules see, and how many of them each would match, as the UI counts."""
    seen, found = 0, dict.fromkeys([rule.name for rule in rules], 0)
    for one in Query(connection, parse(""), sessions=sessions).newest(limit=LAST_EXCHANGES):
        seen += not JUDGED.isdisjoint(one.kinds)
        for rule in rules:
            found[rule.name] += would_match(rule, one)
    return seen, found
