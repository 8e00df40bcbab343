"""The program under test as a process, started the way a client or a shell starts it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from mcpscope.control.registry import running
from tests.warm import runs_warm, warm

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")


class Program:
    """Starts ``python -m mcpscope`` in an environment that shares nothing with the user's own files.

    ``db`` is the database it writes; ``env`` may be added to before a start. Whatever was started and still
    runs at the end of the test is killed with its process group.
    """

    def __init__(self, folder: Path, runtime: Path) -> None:
        self.folder = folder
        self.db = folder / "state" / "mcpscope.db"
        self.env = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("MCPSCOPE_", "XDG_"))
            },
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "MCPSCOPE_DB": str(self.db),
            "MCPSCOPE_RUNTIME_DIR": str(runtime),
            "XDG_STATE_HOME": str(folder / "xdg-state"),
            "XDG_CONFIG_HOME": str(folder / "xdg-config"),
        }
        self._started: list[subprocess.Popen[bytes]] = []

    def __repr__(self) -> str:
        return f"<Program db={self.db} started={[process.pid for process in self._started]}>"

    def argv(self, *args: str) -> list[str]:
        """The command line, for a client library that starts the program itself (give it ``env``, too)."""
        return [sys.executable, "-m", "mcpscope", *args]

    def bare_argv(self, *args: str) -> list[str]:
        """The same for a client that starts its servers with six variables only: what we need is in it."""
        ours = [f"{name}={self.env[name]}" for name in ("PYTHONPATH", "MCPSCOPE_DB", "MCPSCOPE_RUNTIME_DIR")]
        return ["/usr/bin/env", *ours, *self.argv(*args)]

    def run(self, *args: str, input: bytes = b"", timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
        """Run to its end and return exit code, stdout and stderr."""
        if runs_warm(args, self.env):
            self._be_known()
            return warm().run(
                ["-m", "mcpscope", *args], input=input, env=self.env, cwd=self.folder, timeout=timeout
            )
        return subprocess.run(
            self.argv(*args), input=input, capture_output=True, env=self.env, cwd=self.folder, timeout=timeout
        )

    def _be_known(self) -> None:
        """Let proxies that have just been started be found by a command that starts at once.

        They take a moment to register, and their recorder to make its database; an interpreter that has to be
        started takes longer. What never registers or records is not waited for.
        """
        alive = {process.pid for process in self._started if process.poll() is None}
        folder, end = Path(self.env["MCPSCOPE_RUNTIME_DIR"]), time.monotonic() + 2
        while time.monotonic() < end:
            found = running(folder)
            records = any(one.db == str(self.db) for one in found)
            if alive <= {one.pid for one in found} and (not records or _has_sessions(self.db)):
                return
            time.sleep(0.02)

    def drained(self) -> bool:
        """Whether no journal waits to be brought into the database."""
        try:
            return not any(Path(f"{self.db}.journal").glob("*/*.seg"))
        except FileNotFoundError:
            return False  # one was deleted while this looked

    def popen(self, *args: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start with pipes on all three descriptors, in a process group of its own."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        settings: dict[str, Any] = {
            **pipes,
            "env": self.env,
            "cwd": self.folder,
            "start_new_session": True,
            **options,
        }
        process: subprocess.Popen[bytes] = subprocess.Popen(self.argv(*args), **settings)
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill what a failed test left behind."""
        for process in self._started:
            if process.poll() is None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it ended between the two lines
                process.wait(10)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe and not pipe.closed:
                    try:
                        pipe.close()
                    except BrokenPipeError:
                        pass  # bytes that nobody reads any more


def files_in(folder: Path) -> dict[Path, bytes]:
    """All that is written below ``folder``, but for what a recorder deletes while this looks."""
    found: dict[Path, bytes] = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                found[path] = path.read_bytes()
    return found


def until(condition: Callable[[], T], *, timeout: float = 60, every: float = 0.02) -> T:
    """Wait for ``condition`` to give something true and return it; fails after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not true after {timeout} s: {condition}")
        time.sleep(every)


def _has_sessions(db: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM sessions LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return False
