"""How many of the recorded exchanges rules would have matched."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence

from mcpscope.engine.filter.language import parse
from mcpscope.engine.policy.matching import JUDGED, LAST_EXCHANGES, would_match
from mcpscope.engine.rule import Rule
from mcpscope.store.pages import Pages
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


def matched(pages: Pages, rule: Rule, sessions: Sequence[int] | None, count: int) -> tuple[array[int], int]:
    """Which of the last ``count`` exchanges ``rule`` would have matched, and how many it would see."""
    found, seen = array("q"), 0
    for one in pages.last(sessions, count):
        seen += not JUDGED.isdisjoint(one.kinds)
        if would_match(rule, one):
            found.append(one.seq)
    found.reverse()
    return found, seen
