"""A recording as a test writes it: who said what and when, through a journal and the real recorder."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.store.follow import Follower
from mcpscope.store.records import Dir, RecordType
from mcpscope.tui.clock import Clock
from tests.store.journals import START, TestJournal

SECOND = 1_000_000_000
CLOCK = Clock(UTC, START + 90 * SECOND)


class Tape:
    """Writes one journal; ``store`` brings what is written so far into the database."""

    def __init__(self, db: Path, uid: str = "1790000000-1-00000001", **said: Any) -> None:
        self.db = db
        self.journal = TestJournal(db, uid)
        self._follower: Follower | None = None
        self._next = 0
        facts = {
            "label": "fs",
            "command": ["npx", "server-filesystem", "/srv"],
            "pid": 48213,
            "client_transport": "stdio",
        }
        facts |= {"server_transport": "stdio", "record_mode": "best-effort"}
        self.journal.open_session(**{**facts, **said})

    def wait(self, ms: int) -> Tape:
        """Let time pass."""
        self.journal.at += ms * 1_000_000
        return self

    def ask(self, method: str, *, back: bool = False, id: Any = None, **params: Any) -> Any:
        """A request of the client (``back``: of the server); returns its id."""
        if id is None:
            self._next += 1
            id = self._next
        self._line({"jsonrpc": "2.0", "id": id, "method": method, "params": params}, to_server=not back)
        return id

    def tell(self, id: Any, *, ms: int = 5, back: bool = False, **result: Any) -> Tape:
        """The answer to a request, ``ms`` later."""
        self.wait(ms)
        self._line({"jsonrpc": "2.0", "id": id, "result": result}, to_server=back)
        return self

    def fail(self, id: Any, code: int, message: str, *, ms: int = 5) -> Tape:
        """An error in answer to a request."""
        self.wait(ms)
        self._line({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}, to_server=False)
        return self

    def notify(self, method: str, *, back: bool = False, **params: Any) -> Tape:
        """A notification of the client (``back``: of the server)."""
        self._line({"jsonrpc": "2.0", "method": method, "params": params}, to_server=not back)
        return self

    def call(self, tool: str, *, ms: int = 5, **arguments: Any) -> Any:
        """A call that is answered with one text; returns the id."""
        found = self.ask("tools/call", name=tool, arguments=arguments)
        self.tell(found, ms=ms, content=[{"type": "text", "text": f"{tool} done"}])
        return found

    def raw(self, data: bytes, *, to_server: bool = False) -> Tape:
        """Any bytes."""
        (self.journal.c2s if to_server else self.journal.s2c)(data)
        return self

    def stderr(self, text: str) -> Tape:
        """A line on the server's standard error."""
        self.journal.write(RecordType.STDERR, text.encode() + b"\n", Dir.TO_CLIENT)
        return self

    def judged(self, message: dict[str, Any], word: Word, *, to_server: bool = True, **more: Any) -> int:
        """A message that the gate judged; returns its ``at``."""
        data = json.dumps(message).encode()
        at = self.journal.write(RecordType.MESSAGE, data, Dir.TO_SERVER if to_server else Dir.TO_CLIENT)
        outcome = Outcome(at, word, at + 1, more.pop("actor", "rule"), **more)
        self.journal.write(RecordType.OUTCOME, outcome.to_record(), Dir.NONE)
        return at

    def start(self, *, tools: list[dict[str, Any]] | None = None) -> Tape:
        """The handshake of the revision 2025-11-25, and the tools."""
        hello = self.ask(
            "initialize",
            protocolVersion="2025-11-25",
            capabilities={},
            clientInfo={"name": "claude-code", "version": "2.1"},
        )
        self.tell(
            hello,
            ms=41,
            protocolVersion="2025-11-25",
            capabilities={"tools": {"listChanged": True}},
            serverInfo={"name": "fs", "version": "1.4.2"},
        )
        self.notify("notifications/initialized")
        if tools is not None:
            self.tell(self.ask("tools/list"), ms=12, tools=tools)
        return self

    def store(self) -> Tape:
        """Bring in what was written since."""
        if self._follower is None:
            self._follower = Follower(self.journal.folder, self.db)
        while self._follower.step():
            pass
        return self

    def end(self, **said: Any) -> Tape:
        """End the session and bring in everything."""
        self.journal.close_session(**said)
        self.journal.kill()
        self.store()
        assert self._follower is not None
        while not self._follower.finished:
            self._follower.step()
        return self

    def _line(self, message: dict[str, Any], *, to_server: bool) -> None:
        self.raw(json.dumps(message, ensure_ascii=False).encode() + b"\n", to_server=to_server)
