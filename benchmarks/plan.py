"""How much is measured, and with which payloads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.payloads import write_payloads

KB, MB = 1_000, 1_000_000


@dataclass(frozen=True)
class Plan:
    """How much is measured: calls are multiplied by ``scale``, everything is done ``rounds`` times."""

    folder: Path
    rounds: int
    scale: float

    def calls(self, usual: int) -> int:
        return max(20, int(usual * self.scale))

    def payloads(self, size: int, count: int, seed: int = 1) -> Path:
        path = self.folder / f"{size}-{count}-{seed}"
        return path if path.exists() else write_payloads(path, size, count, seed)
