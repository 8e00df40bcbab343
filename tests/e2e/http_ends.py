"""Servers and proxies with HTTP as processes, for the tests that need both ends real."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.program import ROOT, Program, until

SERVERS = ROOT / "fixtures" / "servers"
CLIENTS = Path(__file__).parent / "clients"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex(("127.0.0.1", port)) == 0


class HttpEnds:
    """Starts what a test needs and ends it; ``db`` is read only after what wrote it has ended."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._servers: list[subprocess.Popen[bytes]] = []
        self._proxies: list[subprocess.Popen[bytes]] = []
        self.logs: list[Path] = []

    def server(self, *argv: str, kind: str = "http") -> str:
        """Start ``argv KIND PORT`` and return its URL."""
        port = free_port()
        log = (self.program.folder / f"server-{port}.log").open("wb")
        self._servers.append(subprocess.Popen([*argv, kind, str(port)], stdout=log, stderr=log))
        until(lambda: listens(port))
        return f"http://127.0.0.1:{port}/{'sse' if kind == 'sse' else 'mcp'}"

    def proxy(self, *args: str) -> str:
        """Start ``mcpscope proxy --port 0 ARGS`` and return the URL it listens on."""
        log = self.program.folder / f"proxy-{len(self._proxies)}.log"
        self.logs.append(log)
        with log.open("wb") as out:
            started = self.program.popen("proxy", "--port", "0", *args, stdout=out, stderr=out)
        self._proxies.append(started)

        def said() -> re.Match[str] | None:
            assert started.poll() is None, log.read_text()
            return re.search(r"listening on (\S+)", log.read_text())

        return until(said)[1]

    def client(self, python: str, name: str, *target: str, timeout: float = 60) -> list[str]:
        """Run a client of this folder to its end; the lines it printed."""
        done = subprocess.run(
            [python, str(CLIENTS / name), *target], env=self.program.env, capture_output=True, timeout=timeout
        )
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return done.stdout.decode().splitlines()

    def stop_proxies(self) -> None:
        for proxy in self._proxies:
            proxy.terminate()
        for proxy in self._proxies:
            proxy.wait(20)

    def close(self) -> None:
        self.stop_proxies()
        for server in self._servers:
            server.kill()
            server.wait(10)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What the database holds, once every session in it has ended and is brought in."""
        self.stop_proxies()
        until(lambda: self.program.db.exists())
        until(lambda: self._ask("SELECT 1 FROM sqlite_master WHERE name = 'v_outcomes'"))  # made in one go
        until(
            lambda: not self._ask("SELECT 1 FROM sessions WHERE ended_at IS NULL") and self.program.drained()
        )
        return self._ask(query, values)

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self.program.db}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()
