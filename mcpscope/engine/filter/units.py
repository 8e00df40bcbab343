"""Values with units: durations, sizes, whole numbers and instants, from their text."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?|-?\.\d+)([a-z]*)", re.IGNORECASE)
_NS = 1_000_000_000
_DURATIONS = {"": 1_000_000, "ms": 1_000_000, "s": _NS, "m": 60 * _NS, "h": 3600 * _NS}
_SIZES = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20}
_AGES = {"ms": 1_000_000, "s": _NS, "m": 60 * _NS, "h": 3600 * _NS, "d": 86_400 * _NS}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def duration(text: str) -> int | None:
    """Nanoseconds of ``500ms``, ``2s``, ``1.5m``, ``1h``; a bare number is milliseconds."""
    return _scaled(text, _DURATIONS)


def size(text: str) -> int | None:
    """Bytes of ``500``, ``10k``, ``2mb`` (k is 1,024, as in the lists)."""
    return _scaled(text, _SIZES)


def integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[-+]?\d{1,18}", text, re.ASCII) else None


def number(text: str) -> int | float | None:
    """A JSON number, exact where it is whole."""
    if re.fullmatch(r"-?\d{1,400}", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d{1,3})?", text, re.ASCII):
        return float(text)
    return None


def instant(text: str, now: int) -> tuple[int, int] | None:
    """First and last-but-one nanosecond of what ``text`` names: an age, a time of day or a date.

    A time of day is the latest that is not after ``now`` (unix ns), in local time.
    """
    found = _NUMBER.fullmatch(text)
    if found and found[2].lower() in _AGES:
        age = round(float(found[1]) * _AGES[found[2].lower()])
        return (now - age, now - age) if age >= 0 else None
    try:
        return _calendar(text, datetime.fromtimestamp(now / 1e9).astimezone())
    except (ValueError, OverflowError):
        return None


def _calendar(text: str, now: datetime) -> tuple[int, int] | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        day = midnight if text == "today" else _local(midnight - timedelta(days=1))
        return _unix_ns(day), _unix_ns(_local(day + timedelta(days=1)))
    if clock := _CLOCK.fullmatch(text):
        hour, minute, second, fraction = clock.groups()
        micro = int((fraction or "0").ljust(6, "0"))
        at = _local(
            midnight.replace(hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=micro)
        )
        return _point(at if at <= now else _local(at - timedelta(days=1)))
    if not _DATE.match(text):
        return None
    at = datetime.fromisoformat(text)
    if _DATE.fullmatch(text):
        return _unix_ns(_local(at)), _unix_ns(_local(at + timedelta(days=1)))
    return _point(_local(at) if at.tzinfo is None else at)


def _local(at: datetime) -> datetime:
    """The same wall clock reading in the local zone of that day."""
    return at.replace(tzinfo=None).astimezone()


def _point(at: datetime) -> tuple[int, int]:
    return _unix_ns(at), _unix_ns(at)


def _unix_ns(at: datetime) -> int:
    return int(at.replace(microsecond=0).timestamp()) * _NS + at.microsecond * 1000


def _scaled(text: str, units: dict[str, int]) -> int | None:
    found = _NUMBER.fullmatch(text)
    if not found or found[2].lower() not in units:
        return None
    return round(float(found[1]) * units[found[2].lower()])
