"""Which trace a span belongs to: the caller's own where it said so, else one for each recorded session."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_VENDORS = 512  # characters of a tracestate that every vendor must pass on
IS_REMOTE = 0x100 | 0x200  # span flags of OTLP: whether the parent is remote is known, and it is


@dataclass(frozen=True, slots=True)
class Parent:
    """A caller's span as W3C trace context spells it; ids in hexadecimal."""

    trace_id: str
    span_id: str
    flags: int
    state: str = ""


def parent_of(traceparent: Any, tracestate: Any = "") -> Parent | None:
    """The span that a ``traceparent`` names; None for anything that the standard says to ignore."""
    found = _TRACEPARENT.fullmatch(traceparent.strip()) if isinstance(traceparent, str) else None
    if found is None or found[1] == "ff" or not found[2].strip("0") or not found[3].strip("0"):
        return None
    if found[1] == "00" and len(traceparent.strip()) != 55:
        return None
    state = tracestate.strip() if isinstance(tracestate, str) else ""
    plain = state.isascii() and state.isprintable() and len(state) <= _VENDORS
    return Parent(found[2], found[3], int(found[4], 16), state if plain else "")


def session_trace(uid: str) -> str:
    """The trace of a session whose calls name none: always the same for the same session."""
    return hashlib.blake2b(f"trace {uid}".encode(), digest_size=16).hexdigest()


def span_id(uid: str, exchange: int) -> str:
    """Always the same for the same exchange, so that what is sent again is not a second span."""
    return hashlib.blake2b(f"span {uid} {exchange}".encode(), digest_size=8).hexdigest()
