"""A real proxy, server and client for pictures of what is held; times are set, so that pictures repeat."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcpscope.control.registry import running
from mcpscope.tui.app import Options, ScopeApp
from mcpscope.tui.clock import Clock
from mcpscope.tui.start import make_app

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "fixtures" / "servers" / "handbook.py"
SECOND_NS = 1_000_000_000
NOON_NS = int(datetime(2026, 11, 22, 12, 4, 31, tzinfo=UTC).timestamp()) * SECOND_NS
CLOCK = Clock(UTC, NOON_NS)
SHOWN = ("npx", "-y", "handbook-server", "/srv/handbook")
PID = 48213


class Stage:
    """``folder`` holds all it writes; ``says`` is the client's voice. Close it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.db = folder / "scope.db"
        os.environ["MCPSCOPE_RUNTIME_DIR"] = str(folder / "run")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
        proxy = [sys.executable, "-m", "mcpscope", "--db", str(self.db), "--label", "fs", *options]
        self._process = subprocess.Popen(
            [*proxy, "--", sys.executable, str(SERVER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        self._number = 0
        info = {"name": "claude-code", "version": "2.1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
        self.asks("initialize", **params)
        self.says("notifications/initialized")
        self.asks("tools/list")

    def says(self, method: str, *, id: int | None = None, **params: Any) -> None:
        """Send a request (with an ``id``) or a notification."""
        body = {
            "jsonrpc": "2.0",
            **({"id": id} if id is not None else {}),
            "method": method,
            "params": params,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(body).encode() + b"\n")
        self._process.stdin.flush()

    def asks(self, method: str, **params: Any) -> None:
        """Send a request and wait for its answer."""
        self._number += 1
        self.says(method, id=self._number, **params)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def calls(self, tool: str, **arguments: Any) -> None:
        """Call a tool that is held."""
        self._number += 1
        self.says("tools/call", id=self._number, name=tool, arguments=arguments)

    def gives_up(self) -> None:
        """Cancel the last call."""
        self.says("notifications/cancelled", requestId=self._number, reason="timed out")

    def settle(self, exchanges: int) -> None:
        """Wait until so much is stored, and give the session a command and a pid that are always the same."""
        count = "SELECT count(*) FROM exchanges WHERE ended_at IS NOT NULL"
        until(lambda: self._sql(count) == [(exchanges,)])
        until(lambda: bool(running()))
        self._sql("UPDATE sessions SET pid = ?, command = ?", PID, json.dumps(SHOWN))

    def _sql(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        if not self.db.exists():
            return []
        with sqlite3.connect(self.db, timeout=10) as connection:
            try:
                return connection.execute(text, values).fetchall()
            except sqlite3.OperationalError:
                return []

    def app(self, **how: Any) -> ScopeApp:
        """A UI over it; the clock stands at noon."""
        return make_app(self.db, options=Options(theme="mcpscope-dark", **how), clock=CLOCK)

    def close(self) -> None:
        """The client leaves; what is held is dropped with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def until(check: Callable[[], object]) -> None:
    """Wait until ``check`` holds."""
    end = time.monotonic() + 30
    while not check():
        assert time.monotonic() < end, check
        time.sleep(0.05)


async def soon(check: Callable[[], object]) -> None:
    """The same while the UI runs."""
    end = time.monotonic() + 30
    while not check():
        assert time.monotonic() < end, check
        await asyncio.sleep(0.05)


def set_times(app: ScopeApp, *waited: float) -> None:
    """Let the holds have waited so many seconds, in the order of their ids, whatever they have really."""
    for link in app.steer.links:
        found = {}
        for (id, hold), seconds in zip(sorted(link.holds.items()), waited, strict=True):
            lived = hold["deadline"] - hold["held_at"]
            held_at = NOON_NS - int(seconds * SECOND_NS)
            clock = {"clock_ns": 60 * SECOND_NS, "clock_source": "assumed"}
            found[id] = {**hold, **clock, "held_at": held_at, "at": held_at, "deadline": held_at + lived}
        link.holds = found
    app.heeding.heed([])
