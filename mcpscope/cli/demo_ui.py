"""``mcpscope demo`` on a terminal: the UI over the demo while it is played in the background."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mcpscope.cli.ui import open_ui
from mcpscope.demo.run import Performance, start
from mcpscope.store.schema import ensure
from mcpscope.tui.app import Options

STOP_SECONDS = 5.0
HELD = ("--break", "tool:transfer")
"""Half way through the tour this call waits for whoever looks on; with nobody there it passes."""


class Stage:
    """Plays performances one after another on a thread until ``close``."""

    def __init__(self, shown: Sequence[Performance], db: Path) -> None:
        self._shown = shown
        self._db = db
        self._closed = threading.Event()
        self._playing: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._play, name="demo", daemon=True)

    def open(self) -> None:
        """Begin to play."""
        ensure(self._db)
        self._thread.start()

    def close(self) -> None:
        """End what is played; the client leaves as clients do, and the proxy lets its server end."""
        self._closed.set()
        if self._playing is not None:
            self._playing.terminate()
        self._thread.join(STOP_SECONDS)

    def _play(self) -> None:
        with open("/dev/null", "wb") as nowhere:  # noqa: PTH123  # the server's lines are in the recording
            for played in self._shown:
                if self._closed.is_set():
                    return
                label = "demo-2026" if played.modern else "demo"
                self._playing = start(
                    played, self._db, label, nowhere.fileno(), HELD if played.script == "tour" else ()
                )
                self._playing.wait()


def show(shown: Sequence[Performance], db: Path, options: Options, config: str | None = None) -> int:
    """Open the UI on ``db`` while the performances are played; returns the exit code."""
    stage = Stage(shown, db)
    stage.open()
    try:
        return open_ui(db, replace(options, coach=any(one.script == "tour" for one in shown)), config)
    finally:
        stage.close()
