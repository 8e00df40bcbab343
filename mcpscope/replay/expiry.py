"""Until when a recording may be trusted: a date in its header, after which it says that it is old."""

from __future__ import annotations

import datetime
import re

from mcpscope.errors import Exit, ScopeError

_AGE = re.compile(r"(\d{1,5})\s*(d|w|h)")
_HOURS = {"h": 1, "d": 24, "w": 168}
NS = 1_000_000_000


def expiry(text: str, now: int) -> str:
    """``30d``, ``12h``, ``8w`` from ``now`` (unix ns) or a date as it is; ScopeError where it is neither."""
    found = _AGE.fullmatch(text.strip())
    if found:
        moment = _moment(now) + datetime.timedelta(hours=int(found[1]) * _HOURS[found[2]])
        return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    if _read(text) is None:
        raise ScopeError(
            f"{text!r} is neither an age nor a date",
            code="usage",
            exit=Exit.USAGE,
            hint="write 30d, 8w or 2027-01-31",
        )
    return text.strip()


def is_over(text: str, now: int) -> bool:
    """Whether ``now`` (unix ns) is behind such a date."""
    until = _read(text)
    return until is not None and _moment(now) > until


def _moment(now: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(now / NS, datetime.UTC)


def _read(text: str) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)
