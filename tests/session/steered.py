"""A proxy in front of plain_server.py, its client's pipes, and somebody at its control socket."""

from __future__ import annotations

import json
import select
import sqlite3
import sys
import time
from pathlib import Path

from mcpscope.control.client import Control
from mcpscope.control.registry import Running, running
from tests.program import Program, until

SERVER = Path(__file__).with_name("plain_server.py")


def call(id, tool="echo", meta=None, **arguments):
    params = {"name": tool, "arguments": arguments}
    if meta:
        params["_meta"] = meta
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


class Steered:
    """``says`` and ``hears`` are the client; ``reached`` is what the server read, line by line."""

    def __init__(
        self, program: Program, *options: str, initialize: bool = True, server: Path = SERVER
    ) -> None:
        self.program = program
        self.log = program.folder / "server.log"
        self.log.touch()
        self.process = program.popen(*options, "--", sys.executable, str(server), str(self.log))
        self._pending = b""
        if initialize:
            info = {"name": "tester", "version": "1"}
            params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
            self.says({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": params})
            assert self.hears()["id"] == "init"

    def says(self, body) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        assert self.process.stdin
        self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()

    def line(self, timeout: float = 20) -> bytes | None:
        """The next line from the proxy, None if none came in time or it has ended."""
        assert self.process.stdout
        fd = self.process.stdout.fileno()
        end = time.monotonic() + timeout
        while b"\n" not in self._pending:
            ready, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
            chunk = self.process.stdout.read1(1 << 20) if ready else b""
            if not chunk:
                return None
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def hears(self, timeout: float = 20):
        line = self.line(timeout)
        assert line is not None, "nothing came"
        return json.loads(line)

    def is_silent(self, seconds: float = 0.3) -> bool:
        return self.line(seconds) is None

    def reached(self) -> list[bytes]:
        return self.log.read_bytes().splitlines()

    def reached_calls(self) -> list[int]:
        """The ids of the tool calls that the server has read."""
        found = [json.loads(line) for line in self.reached()]
        return [message["id"] for message in found if message.get("method") == "tools/call"]

    def entry(self) -> Running:
        folder = Path(self.program.env["MCPSCOPE_RUNTIME_DIR"])
        mine = self.process.pid
        return until(lambda: next((one for one in running(folder) if one.pid == mine and one.socket), None))

    def dial(self, name: str = "tester", *, attach: bool = True, read_only: bool = False) -> Control:
        control = Control(self.entry().socket, name, timeout=30)
        if attach:
            control.call("scope/subscribe", read_only=read_only)
        return control

    def closes(self) -> int:
        """The client leaves; the exit code, as soon as everything that was recorded is in the database."""
        assert self.process.stdin
        self.process.stdin.close()
        code = self.process.wait(30)
        until(lambda: not any(self._journals.glob(f"*-{self.process.pid}-*/*.seg")), timeout=60)
        return code

    @property
    def _journals(self) -> Path:
        return Path(f"{self.program.db}.journal")

    def rows(self, sql: str, *values) -> list[tuple]:
        """What the database has, waiting for nothing."""
        if not self.program.db.exists():
            return []
        connection = sqlite3.connect(f"file:{self.program.db}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()


def held(control: Control, count: int = 1) -> list[dict]:
    """The holds, as soon as there are ``count``."""

    def look():
        found = control.call("scope/holds/list")
        return found if len(found) >= count else None

    return until(look)
