"""How far a long command is: a bar with counts on a terminal, a line each tenth elsewhere; on stderr."""

from __future__ import annotations

import sys
import time

import click

from mcpscope.replay.report import summary
from mcpscope.replay.verdicts import Row

WIDTH = 30
REDRAW_SECONDS = 0.1


class Progress:
    """Told of each row; draws at most ten times a second."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        self._total = max(total, 1)
        self._rows: list[Row] = []
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._started = self._drawn = time.monotonic()
        self._tenth = 0

    def tell(self, row: Row) -> None:
        """Count one finished row and show it where it is time."""
        self._rows.append(row)
        if self._quiet:
            return
        if self._terminal:
            now = time.monotonic()
            if now - self._drawn >= REDRAW_SECONDS:
                self._drawn = now
                click.echo(f"\r\x1b[K{self._bar()}", err=True, nl=False)
            return
        tenth = len(self._rows) * 10 // self._total
        if tenth > self._tenth:
            self._tenth = tenth
            click.echo(
                f"{min(tenth, 10) * 10} %  {len(self._rows)}/{self._total}  {summary(self._rows)}", err=True
            )

    def close(self) -> None:
        """Leave the line clean."""
        if self._terminal and not self._quiet:
            click.echo("\r\x1b[K", err=True, nl=False)

    def _bar(self) -> str:
        done = len(self._rows)
        share = min(done / self._total, 1.0)
        elapsed = time.monotonic() - self._started
        left = elapsed / share - elapsed if share else 0.0
        bar = "█" * int(share * WIDTH) + "░" * (WIDTH - int(share * WIDTH))
        clock = f"{_clock(elapsed)} elapsed  ~{_clock(left)} left"
        return f"{bar} {done}/{self._total}  {summary(self._rows)}  {clock}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
