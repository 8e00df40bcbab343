"""The table that ``make bench`` prints: a line a figure, judged against its bar."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """What a figure must reach and where it is going; ``more`` where larger is better."""

    bar: float
    goal: float
    more: bool = False
    unit: str = "x"

    def verdict(self, value: float) -> str:
        def reached(limit: float) -> bool:
            return value >= limit if self.more else value <= limit

        return "goal" if reached(self.goal) else "pass" if reached(self.bar) else "FAIL"


BARS = {
    "round trip 200 B, one core, p50": Bar(2.5, 1.7),
    "round trip 200 B, one core, p99": Bar(8, 3),
    "round trip 1 MB, one core, p50": Bar(3, 1.8),
    "through the gate, 200 B, one core, p50": Bar(6, 4),
    "relayed 200 B, 64 in flight": Bar(0.5, 0.75, more=True),
    "relayed 10 KB, 64 in flight": Bar(0.35, 0.5, more=True),
    "stored and counted, 200 B": Bar(0.08, 0.17, more=True),
    "stored and counted, 10 KB": Bar(0.065, 0.18, more=True),
    "stored and counted, 1 MB": Bar(0.2, 0.55, more=True),
    "gate round trip, 20 breakpoints": Bar(6, 4),
    "gate, others while one is held": Bar(1.1, 1.05),
    "fast lane after the gate was left": Bar(1.1, 1.05),
    "policy of 500 rules, throughput": Bar(0.75, 0.9, more=True),
    "start-up added, to the first answer": Bar(45, 25, unit="ms"),
    "memory after 100,000 messages": Bar(60, 40, unit="MB"),
    "bytes on disk per byte, 400 B": Bar(1.3, 0.55),
    "bytes on disk per byte, 10 KB": Bar(0.5, 0.28),
    "HTTP round trip small, one core": Bar(7, 2.5),
    "HTTP, 32 connections": Bar(0.12, 0.27, more=True),
    "SSE event delay, 1 stream": Bar(2, 1.3),
    "bridge, stdio to HTTP, one core": Bar(16, 5),
    "bridge, HTTP to stdio, one core": Bar(16, 5),
    "call through a gateway, one core": Bar(1.5, 1.2),
    "a million messages, last page": Bar(5, 1, unit="ms"),
    "a million messages, slowest filter": Bar(5, 1, unit="ms"),
    "a million messages, slowest full text": Bar(20, 3, unit="ms"),
    "UI, a million messages, first rows": Bar(1000, 600, unit="ms"),
    "UI, slowest structured filter": Bar(300, 100, unit="ms"),
    "UI, j in half a million rows, p50": Bar(50, 15, unit="ms"),
    "UI, j in half a million rows, worst": Bar(150, 50, unit="ms"),
    "UI, 500 messages/s, redraws a second": Bar(8, 9.5, more=True, unit="1/s"),
    "UI, 500 messages/s, of one core": Bar(40, 20, unit="%"),
    "UI, 500 messages/s, memory more": Bar(50, 10, unit="MB"),
    "UI, 500 messages/s, not recorded": Bar(0, 0, unit=""),
    "UI, latency of the traffic with it": Bar(1.1, 1.05),
    "UI, a 1.5 MB answer, opened": Bar(500, 250, unit="ms"),
    "UI, a 1.5 MB answer, j p50": Bar(100, 30, unit="ms"),
    "UI, a 60 MB answer, memory more": Bar(150, 80, unit="MB"),
}


@dataclass(frozen=True)
class Row:
    """One figure: the three absolute values and what is judged (mostly ours divided by the floor)."""

    name: str
    unit: str
    direct: float | None
    floor: float | None
    ours: float
    judged: float

    @property
    def passed(self) -> bool:
        found = BARS.get(self.name)
        return found is None or found.verdict(self.judged) != "FAIL"


_NAMES = ("direct", "floor", "ours")
HEADER = " ".join(
    [
        f"{'metric':38} {'unit':>8}",
        *(f"{name:>11}" for name in _NAMES),
        f"{'judged':>10} {'bar':>8} {'goal':>8}",
    ]
)


def line(row: Row) -> str:
    """The row as printed."""
    found = BARS.get(row.name)
    cells = [f"{row.name:38} {row.unit:>8}"]
    cells += [f"{_number(value):>11}" for value in (row.direct, row.floor, row.ours)]
    unit = found.unit if found else "x"
    cells.append(f"{_number(row.judged) + ' ' + unit:>10}")
    cells += [f"{found.bar:>8g} {found.goal:>8g}  {found.verdict(row.judged)}"] if found else []
    return " ".join(cells)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 20 else f"{value:.2f}"
