"""Exchanges that asked for input, waiting for the retry that brings it (2026-07-28, multi round-trip).

A retry is a request with a new id. It belongs to the exchange whose ``requestState`` it repeats; without one,
to the oldest exchange of the same method and parameters. Where two would fit alike, nobody is chosen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcpscope.engine.exchange import Exchange, Flag

MAX_LEGS = 1024
_OF_A_RETRY = frozenset({"requestState", "inputResponses", "_meta"})


@dataclass(frozen=True, slots=True)
class Leg:
    """An ``input_required`` result: what the retry must repeat."""

    exchange: Exchange
    method: str
    digest: str
    state: str | None
    asked: frozenset[str]


def is_retry(params: dict[str, Any]) -> bool:
    return "requestState" in params or "inputResponses" in params


def digest_of(params: dict[str, Any]) -> str:
    """A digest of the parameters that a retry repeats; key order does not count."""
    kept = {name: value for name, value in params.items() if name not in _OF_A_RETRY}
    try:
        text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        text = repr(sorted(kept))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Legs:
    """The open legs, oldest first; the oldest is forgotten when there are too many."""

    def __init__(self) -> None:
        self._legs: list[Leg] = []

    def __repr__(self) -> str:
        return f"Legs({len(self._legs)})"

    def __iter__(self) -> Iterator[Leg]:
        return iter(self._legs)

    def append(self, leg: Leg) -> Exchange | None:
        """Wait for the retry of a leg; the exchange that is forgotten for it, if there are too many."""
        self._legs.append(leg)
        return self._legs.pop(0).exchange if len(self._legs) > MAX_LEGS else None

    def add(self, exchange: Exchange, digest: str, result: dict[str, Any]) -> Exchange | None:
        """``append`` the leg that ``result`` makes of ``exchange``, whose request had ``digest``."""
        state, asked = result.get("requestState"), result.get("inputRequests")
        return self.append(
            Leg(
                exchange,
                exchange.method,
                digest,
                state if isinstance(state, str) else None,
                frozenset(asked) if isinstance(asked, dict) else frozenset(),
            )
        )

    def claim(self, method: str, params: dict[str, Any]) -> tuple[Exchange | None, str]:
        """The exchange that this request continues, taken out, and a flag for what is odd about it."""
        if not is_retry(params) or not self._legs:
            return None, ""
        state = params.get("requestState")
        same_state = [leg for leg in self._legs if leg.state == state and leg.method == method]
        if isinstance(state, str) and len(same_state) == 1:
            return self._take(same_state[0]), ""
        digest = digest_of(params)
        fitting = [leg for leg in same_state if leg.digest == digest]
        flag = ""
        if not fitting:
            fitting = [leg for leg in self._legs if leg.digest == digest and leg.method == method]
            flag = Flag.STATE_CHANGED
        answers = params.get("inputResponses")
        if len(fitting) > 1 and isinstance(answers, dict):
            fitting = [leg for leg in fitting if leg.asked == answers.keys()] or fitting
        if len(fitting) == 1:
            return self._take(fitting[0]), flag
        return None, Flag.AMBIGUOUS if fitting else ""

    def _take(self, leg: Leg) -> Exchange:
        self._legs.remove(leg)
        return leg.exchange
