"""What a reader waits for in a database of a million messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from statistics import median
from time import perf_counter

from benchmarks.big_database import BARS_MS, MEASURED, MESSAGES, make
from benchmarks.plan import Plan
from benchmarks.table import Row
from mcpscope.engine.filter.language import parse
from mcpscope.store import schema
from mcpscope.store.fulltext import fill
from mcpscope.store.query import Query

NAMES = {"last page": "last page", "filter": "slowest filter", "full text": "slowest full text"}


def measure(plan: Plan) -> Iterator[Row]:
    """The slowest of each kind of question that has a bar, in a database made for it."""
    path = plan.folder / "readers.db"
    make(path, plan.calls(MESSAGES))
    fill(path)
    slowest: dict[str, float] = defaultdict(float)
    with closing(schema.connect_ro(path)) as connection:
        for what, text in MEASURED:
            if what in BARS_MS:
                times = []
                for _ in range(7):
                    begun = perf_counter()
                    list(Query(connection, parse(text)).newest(limit=100))
                    times.append((perf_counter() - begun) * 1000)
                slowest[what] = max(slowest[what], median(times))
    for what, found in slowest.items():
        yield Row(f"a million messages, {NAMES[what]}", "ms", None, None, found, found)
