"""The UI on a terminal of its own, as a person meets it: keys go in, what is drawn comes out and is timed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

from benchmarks.ends import ROOT

SECONDS = 60.0


class Terminal:
    """``python -m mcpscope --db DB ui …`` on a pty of ``size`` columns and lines."""

    def __init__(self, db: Path, *args: str, size: tuple[int, int] = (120, 40)) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        state = db.parent / "ui-state"
        skipped = "PYTHONDONTWRITEBYTECODE"  # as installed: with bytecode, whatever the shell says
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MCPSCOPE_") and name != skipped
        }
        env |= {
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "TEXTUAL_ANIMATIONS": "none",
            "XDG_STATE_HOME": str(state),
            "MCPSCOPE_RUNTIME_DIR": str(db.parent / "run"),
        }
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mcpscope", "--db", str(db), "ui", *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.drawn = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._master)

    def read(self, seconds: float = 0) -> bytes:
        """What is drawn within ``seconds``; returns at the first of it."""
        if not select.select([self._master], [], [], seconds)[0]:
            return b""
        try:
            found = os.read(self._master, 1 << 20)
        except OSError:
            return b""
        self.drawn += found
        return found

    def drain(self, quiet: float = 0.3) -> None:
        """Read until nothing was drawn for ``quiet`` seconds, or for two seconds."""
        end = time.perf_counter() + 2
        while time.perf_counter() < end and self.read(quiet):
            pass

    def until(self, text: str, *, since: float | None = None) -> float:
        """Milliseconds until ``text`` is drawn, from now on or from ``since``."""
        begun = time.perf_counter() if since is None else since
        start = len(self.drawn)
        end = time.perf_counter() + SECONDS
        while text.encode() not in self.drawn[max(0, start - len(text)) :]:
            self.read(0.05)
            if time.perf_counter() > end or self.process.poll() is not None:
                raise RuntimeError(f"{text!r} was not drawn; last: {self.drawn[-400:]!r}")
        return (time.perf_counter() - begun) * 1000

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def answers(self, key: str) -> float:
        """Milliseconds until the screen changes after ``key``."""
        while self.read(0):
            pass
        begun = time.perf_counter()
        self.press(key)
        if not self.read(5):
            raise RuntimeError(f"nothing changed after {key!r}")
        return (time.perf_counter() - begun) * 1000

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the UI has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mb(self) -> float:
        """Memory that is resident now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6
