"""How a replay is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcpscope.errors import Exit, ScopeError
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.steps import Step
from mcpscope.replay.verdicts import Strictness

MIN_TIMEOUT_SECONDS = 10.0
TIMEOUT_FACTOR = 3
START_SECONDS = 20.0
"""How much longer the first answer is waited for: the upstream and its proxy are being started."""


@dataclass(frozen=True, slots=True)
class Options:
    """``speed`` is None for "as fast as causes allow", 1.0 for the recorded pace.

    ``other_transport``: the upstream is reached in another way than the recorded one.
    """

    strictness: Strictness = Strictness.SEMANTIC
    masks: Sequence[Mask] = ()
    speed: float | None = None
    timeout: float | None = None
    fail_fast: bool = False
    allow_destructive: bool = False
    other_transport: bool = False

    def patience(self, step: Step, *, starting: bool = False) -> float:
        """How many seconds the answer to a step is waited for; of a poll, the end of its task."""
        if self.timeout is not None:
            return self.timeout
        start = START_SECONDS if starting else 0.0
        return start + max(MIN_TIMEOUT_SECONDS, TIMEOUT_FACTOR * max(step.took_ns, step.polled_ns) / 1e9)


def speed_of(text: str) -> float | None:
    """``1``, ``2x`` or ``max`` as a factor of the recorded pace, None for "at once"; ScopeError for more."""
    if text == "max":
        return None
    try:
        speed = float(text.rstrip("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ScopeError(
            f"--speed takes a number or max, not {text!r}", code="usage", exit=Exit.USAGE, hint="--speed 2"
        )
    return speed
