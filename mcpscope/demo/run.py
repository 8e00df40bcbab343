"""Runs the demonstration: the folder it lives in, the client that starts the proxy that starts the server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcpscope import paths


@dataclass(frozen=True, slots=True)
class Performance:
    """What is played: ``script`` is ``tour`` or ``load``; ``rate`` and ``seconds`` are for the load."""

    script: str = "tour"
    modern: bool = False
    pace: float = 1.0
    rate: float = 50.0
    seconds: float = 0.0
    seed: int = 1

    def client_options(self) -> list[str]:
        """The options of ``mcpscope.demo.client``."""
        numbers = (("--pace", self.pace), ("--rate", self.rate), ("--seconds", self.seconds))
        options = [word for flag, value in numbers for word in (flag, str(value))]
        return [
            "--script",
            self.script,
            *options,
            "--seed",
            str(self.seed),
            *(["--modern"] if self.modern else []),
        ]


def start(
    played: Performance, db: Path, label: str, stderr: int, options: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Start the client, which starts a real proxy process, which starts the demo server.

    The server's standard error, passed on by the proxy, goes to descriptor ``stderr``.
    ``options`` are the proxy's.
    """
    python = [sys.executable, "-P", "-m"]
    server = [*python, "mcpscope.demo.server", "--seed", str(played.seed)]
    proxy = [*python, "mcpscope", "--db", str(db), "--label", label, *options, "--", *server]
    client = [*python, "mcpscope.demo.client", *played.client_options(), "--", *proxy]
    return subprocess.Popen(client, stdin=subprocess.DEVNULL, stderr=stderr)


def demo_db() -> Path:
    """A database of this process's own in the state folder; those of demos that have ended are removed.

    It stays after the demo, so that what was recorded can be looked at, until the next one begins.
    """
    folder = paths.private_dir(paths.state_dir() / "demo")
    for left in folder.glob("demo-*"):
        if not _alive(left.name.removeprefix("demo-").split(".")[0]):
            _remove(left)
    return folder / f"demo-{os.getpid()}.db"


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True  # somebody else's process has this number now; the next demo will clean up
    return True


def _remove(left: Path) -> None:
    if left.is_dir():
        for inside in left.iterdir():
            _remove(inside)
        left.rmdir()
    else:
        left.unlink(missing_ok=True)
