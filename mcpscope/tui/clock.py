"""The time as the UI shows it; a frozen one makes pictures of it repeatable."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Clock:
    """``zone`` None is the local one. ``frozen_ns`` stops the clock there."""

    zone: tzinfo | None = None
    frozen_ns: int | None = None

    def now_ns(self) -> int:
        """Unix ns."""
        return time.time_ns() if self.frozen_ns is None else self.frozen_ns
