"""Indexes of what is rare among exchanges: slow and big ones, codes, flags, what no client asked.

Each is partial, so that the usual exchange, quick, small and ok, costs the recorder no entry. A reader gives
the condition word for word, for SQLite takes a partial index only where it sees its condition.
"""

from __future__ import annotations

from dataclasses import dataclass

SLOW_NS = 100_000_000
BIG_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class RareIndex:
    """A partial index over ``exchanges``: its columns, and the condition under which it has a row."""

    name: str
    columns: str
    condition: str

    @property
    def statement(self) -> str:
        return f"CREATE INDEX {self.name} ON exchanges({self.columns}) WHERE {self.condition}"


SLOW = RareIndex("exchanges_slow", "dur_ns", f"dur_ns >= {SLOW_NS}")
BIG = RareIndex(
    "exchanges_big", "req_bytes, res_bytes", f"ifnull(req_bytes, 0) + ifnull(res_bytes, 0) >= {BIG_BYTES}"
)
CODE = RareIndex("exchanges_code", "code", "code IS NOT NULL")
FLAGS = RareIndex("exchanges_flags", "flags", "flags != ''")
UNASKED = RareIndex("exchanges_unasked", "kind, dir", "(kind != 'request' OR dir = 's2c')")

INDEXES = (SLOW, BIG, CODE, FLAGS, UNASKED)
