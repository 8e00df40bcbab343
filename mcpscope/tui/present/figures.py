"""Numbers as people read them: sizes, durations, counts, times of day."""

from __future__ import annotations

from datetime import datetime, tzinfo

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000


def size(count: int | None) -> str:
    """``44b``, ``2.1k``, ``1.6M``, ``2.0G``; ``-`` for what does not exist. At most five characters."""
    if count is None:
        return "-"
    if count < 1000:
        return f"{count}b"
    value = float(count)
    for unit in ("k", "M", "G", "T"):
        value /= 1024
        if value < 9.95:
            return f"{value:.1f}{unit}"
        if value < 1000:
            return f"{value:.0f}{unit}"
    return f"{value:.0f}T"


def long_size(count: int) -> str:
    """``1.2 MB``: a size in running text."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    units = iter(("KB", "MB", "GB", "TB"))
    unit = ""
    while value >= 1000 or not unit:
        value, unit = value / 1024, next(units)
    return f"{value:.1f} {unit}" if value < 99.5 else f"{value:.0f} {unit}"


def duration(ns: int | None) -> str:
    """``0ms``, ``210ms``, ``1.20s``, ``61.4s``, ``12m04``, ``3h20``; ``-`` for what has none."""
    if ns is None:
        return "-"
    ms = max(0, ns) / _NS_PER_MS
    if ms < 999.5:
        return f"{ms:.0f}ms"
    seconds = ms / 1000
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 99.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}"


def clock(seconds: float) -> str:
    """``0:38``: the clock of a hold."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}"


def count(number: int) -> str:
    """``1,284``."""
    return f"{number:,}"


def time_of_day(ns: int, zone: tzinfo | None, *, digits: int = 3) -> str:
    """``12:03:58.112`` in ``zone`` (None is the local one), cut after ``digits``."""
    moment = datetime.fromtimestamp(ns // _NS_PER_S, zone)
    text = moment.strftime("%H:%M:%S")
    if digits:
        text += f".{ns % _NS_PER_S:09d}"[: digits + 1]
    return text


def day(ns: int, now_ns: int, zone: tzinfo | None) -> str:
    """``today 12:03`` or ``Nov 20 17:40``, with the year where it is another one."""
    moment = datetime.fromtimestamp(ns // _NS_PER_S, zone)
    today = datetime.fromtimestamp(now_ns // _NS_PER_S, zone)
    if moment.date() == today.date():
        return moment.strftime("today %H:%M")
    if moment.year == today.year:
        return moment.strftime("%b %d %H:%M")
    return moment.strftime("%b %d %Y")


def plural(number: int, one: str, many: str = "") -> str:
    """``1 error``, ``2 errors``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
