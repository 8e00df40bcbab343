"""Real clients that do what a test tells them, before a real server, with somebody at the control socket."""

from __future__ import annotations

import json
import queue
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mcpscope.control.client import Control
from mcpscope.control.registry import running
from tests.e2e.http_ends import CLIENTS, SERVERS, HttpEnds
from tests.e2e.runs import node_script
from tests.peers.found import Peers
from tests.program import until

WAYS = ("stdio", "http", "stdio-http", "http-stdio")
"""How the proxy is built: one transport on both sides, or the server's on one and the client's on the other
(``stdio-http``: a process behind HTTP).
"""
KINDS = ("sdk1", "sdk2-legacy", "sdk2-auto", "ts-v1", "ts-legacy", "ts-auto")
"""The clients: Python SDK 1.x and 2.x, TypeScript SDK 1.x and 2.x; those of 2.x in both eras."""
SAMPLE = (
    ("sdk1", "stdio"),
    ("sdk2-auto", "stdio-http"),
    ("ts-v1", "http-stdio"),
    ("ts-auto", "http"),
)
PAIRS = [
    pytest.param(kind, way, marks=[] if (kind, way) in SAMPLE else [pytest.mark.soak])
    for kind in KINDS
    for way in WAYS
]
"""Every client on every way; a sample of them outside ``make soak``."""
ADD = 'call add {"a":1,"b":2}'


class Viewer:
    """A client that does what it is told, and says what it got."""

    def __init__(self, argv: list[str], env: dict[str, str], log: Path) -> None:
        pipes: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "text": True,
            "bufsize": 1,
        }
        self.process = subprocess.Popen(argv, env=env, stderr=log.open("w"), **pipes)
        self.log = log
        self.took = 0.0
        """Seconds until the last answer."""
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def hears(self, word: str, seconds: float = 60) -> list[Any]:
        """The next line that begins with ``word``, or tells of a failure."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                line = ""
            assert line, f"nothing came: {self.log.read_text()[-2000:]}"
            said = json.loads(line)
            if said[0] in (word, "error", "timeout"):
                return list(said)

    def hears_of(self, *kinds: str) -> None:
        """Wait until it was told that these lists have changed."""
        missing = set(kinds)
        while missing:
            missing.discard(self.hears("changed")[1])

    def does(self, what: str, word: str = "") -> list[Any]:
        """Tell it what to do (see clients/sees1.py) and wait for the answer."""
        assert self.process.stdin
        begun = time.monotonic()
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        word = word or {"list": "list", "call": "called", "quit": "bye"}.get(what.split()[0], "got")
        said = self.hears(word)
        self.took = time.monotonic() - begun
        return said

    def names(self, kind: str = "tools") -> list[str]:
        """What it sees listed."""
        return list(self.does(f"list {kind}")[1])

    def leaves(self) -> None:
        """End it as a client ends."""
        self.does("quit")
        self.process.wait(30)


class Ends(HttpEnds):
    """Starts viewers; what they leave running is ended with the test."""

    def __init__(self, program: Any) -> None:
        super().__init__(program)
        self._viewers: list[Viewer] = []
        self._owned: list[subprocess.Popen[bytes]] = []

    def owns(self, process: subprocess.Popen[bytes]) -> None:
        """End ``process`` with the test, if it has not."""
        self._owned.append(process)

    def server_argv(self, peers: Peers, name: str = "sdk2_server") -> list[str]:
        python = peers.sdk1_python if name.startswith("sdk1") else peers.sdk2_python
        return [python, str(SERVERS / f"{name}.py")]

    def view(
        self,
        peers: Peers,
        kind: str,
        way: str,
        *options: str,
        server: list[str] | None = None,
        env: dict[str, str] | None = None,
    ) -> tuple[Viewer, Control]:
        """A client of ``kind`` that is connected over ``way``, and the control socket of its proxy."""
        command = server or self.server_argv(peers)
        if way == "stdio":
            target = ["--", *self.program.bare_argv("proxy", *options, "--", *command)]
        elif way == "http-stdio":
            target = ["--", *self.program.bare_argv("proxy", *options, "--stdio", self.server(*command))]
        elif way == "http":
            target = [self.proxy(*options, self.server(*command))]
        else:
            target = [self.proxy(*options, "--", *command)]
        argv = self._argv(peers, kind, target)
        log = self.program.folder / f"viewer-{len(self._viewers)}.log"
        viewer = Viewer(argv, {**self.program.env, **(env or {})}, log)
        self._viewers.append(viewer)
        viewer.hears("ready")  # a client that probes has ended its first proxy by now
        return viewer, self.control()

    def control(self) -> Control:
        """Somebody at the control socket of the proxy that runs."""
        runtime = Path(self.program.env["MCPSCOPE_RUNTIME_DIR"])
        entry = until(lambda: next((one for one in running(runtime) if one.socket), None))
        return Control(entry.socket, "tester", timeout=30)

    def _argv(self, peers: Peers, kind: str, target: list[str]) -> list[str]:
        client, _, mode = kind.partition("-")
        if client != "ts":
            script = str(CLIENTS / f"sees{client[-1]}.py")
            return [peers.python(client), script, *([mode] if mode else []), *target]
        script = node_script(peers, "sees.mjs", self.program.folder)
        return [*script, mode, *(target[1:] if target[0] == "--" else target)]

    def close(self) -> None:
        for viewer in self._viewers:
            if viewer.process.poll() is None:
                viewer.process.kill()
            viewer.process.wait(10)
        for process in self._owned:
            process.terminate()
            process.wait(20)
        super().close()

    def now(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds so far; nothing while it is being made."""
        try:
            return self._ask(query) if self.program.db.exists() else []
        except sqlite3.OperationalError:
            return []

    def notes(self, kind: str = "visibility") -> list[str]:
        """The notes of one kind in the recording."""
        found = self.rows("SELECT text FROM notes WHERE kind = ? ORDER BY id", [kind])
        return [text if isinstance(text, str) else text.decode() for (text,) in found]
