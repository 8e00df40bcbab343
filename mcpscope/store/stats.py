"""Calls, errors, times and bytes of recorded exchanges, by tool, method, client, server, session or time."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from mcpscope.store.subjects import Recorded

_ERRORS: Final = frozenset({"rpc-error", "tool-error", "malformed", "lost"})
_ANSWERED: Final = frozenset({"ok", "late", "rpc-error", "tool-error"})
_SECOND_NS: Final = 1_000_000_000


@dataclass(slots=True)
class Stat:
    """One group. ``durations`` (ns) are of what was answered; bytes are of requests and of answers.

    ``first`` and ``last`` are when its exchanges began, ``times`` all of these (unix s).
    """

    key: str
    calls: int = 0
    errors: int = 0
    denied: int = 0
    asked_bytes: int = 0
    answer_bytes: int = 0
    first: int = 0
    last: int = 0
    durations: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))

    def add(self, exchange: Recorded) -> None:
        """Take in one exchange."""
        self.calls += 1
        self.errors += exchange.status in _ERRORS
        self.denied += exchange.status in ("denied", "dropped")
        self.asked_bytes += exchange.req_bytes or 0
        self.answer_bytes += exchange.res_bytes or 0
        self.first = min(self.first or exchange.opened_at, exchange.opened_at)
        self.last = max(self.last, exchange.opened_at)
        self.times.append(exchange.opened_at // _SECOND_NS)
        if exchange.dur_ns is not None and exchange.status in _ANSWERED:
            self.durations.append(exchange.dur_ns)

    def sort(self) -> None:
        """All is taken in: from now on ``percentile`` may be asked."""
        self.durations = array("q", sorted(self.durations))

    def percentile(self, part: float) -> int | None:
        """The duration that ``part`` of the answered do not exceed (nearest rank), in ns."""
        found = self.durations
        return found[max(0, math.ceil(part * len(found)) - 1)] if found else None


def _by_tool(exchange: Recorded) -> str:
    return exchange.tool


def _by_method(exchange: Recorded) -> str:
    return exchange.method


def _by_client(exchange: Recorded) -> str:
    return exchange.client_names[0] if exchange.client_names else "?"


def _by_server(exchange: Recorded) -> str:
    return exchange.server_names[0] if exchange.server_names else "?"


def _by_session(exchange: Recorded) -> str:
    return exchange.session_title


def _by_hour(exchange: Recorded) -> str:
    return f"{datetime.fromtimestamp(exchange.opened_at // _SECOND_NS, UTC):%Y-%m-%d %H:00}"


def _by_day(exchange: Recorded) -> str:
    return f"{datetime.fromtimestamp(exchange.opened_at // _SECOND_NS, UTC):%Y-%m-%d}"


GROUPS: Final[dict[str, Callable[[Recorded], str]]] = {
    "tool": _by_tool,
    "method": _by_method,
    "client": _by_client,
    "server": _by_server,
    "session": _by_session,
    "hour": _by_hour,
    "day": _by_day,
}
"""What exchanges can be counted by; hours and days are UTC's."""


def stats(exchanges: Iterable[Recorded], by: str) -> list[Stat]:
    """The groups in the order of their first exchange; of tools only calls, else requests of either side."""
    found: dict[str, Stat] = {}
    group = GROUPS[by]
    for exchange in exchanges:
        if exchange.kind != "request" or (by == "tool" and not exchange.tool):
            continue
        key = group(exchange)
        stat = found.get(key)
        if stat is None:
            stat = found[key] = Stat(key)
        stat.add(exchange)
    for stat in found.values():
        stat.sort()
    return list(found.values())
