"""A row of small bars: how often something happened in equal parts of a span of time."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
BARS_ASCII = "._-=+*#@"
_NS_PER_S = 1_000_000_000


def spark(times: Sequence[int], begin: int, end: int, width: int, *, ascii: bool = False) -> str:
    """``times`` (unix s) between ``begin`` and ``end`` (unix ns) as ``width`` bars; nothing is a blank."""
    first, span = begin // _NS_PER_S, max(1, end // _NS_PER_S - begin // _NS_PER_S)
    counts = [0] * width
    for at in times:
        counts[max(0, min(width - 1, (at - first) * width // span))] += 1
    most, bars = max(counts), BARS_ASCII if ascii else BARS
    return "".join(bars[(count * (len(bars) - 1) + most - 1) // most] if count else " " for count in counts)
