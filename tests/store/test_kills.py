"""kill -9 of the proxy, of the recorder and of both in mid-traffic: what was forwarded is held, and once."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mcpscope.store.bodies import BlockReader
from mcpscope.store.schema import connect_ro
from tests.program import Program

T = TypeVar("T")

SERVER = """
import os, sys
seen = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
while data := os.read(0, 4096):
    os.write(seen, data)
    while data:
        data = data[os.write(1, data):]
"""
LINE = b'{"jsonrpc":"2.0","id":%d,"method":"ping","params":{"x":"%s"}}\n'
MODES = ("proxy", "recorder", "both")


class Busy:
    """A client that says numbered requests of odd sizes through a proxy as fast as they are taken."""

    def __init__(self, program: Program, seed: int) -> None:
        self.seen = program.folder / "seen"
        self.program = program
        self.proxy = program.popen("--", sys.executable, "-c", SERVER, str(self.seen))
        self.heard = b""
        self.text = b""  # what was given to the proxy, or to a pipe that nobody reads any more
        self._sizes = random.Random(seed)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._say), threading.Thread(target=self._hear)]
        for thread in self._threads:
            thread.start()

    def recorders(self) -> list[int]:
        """The pids of the recorders at this test's journals."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (folder / "cmdline").read_bytes()
                    if b"store.recorder" in words and os.fsencode(str(self.program.db)) in words:
                        found.append(int(folder.name))
        return found

    def finish(self) -> None:
        """The client hangs up; wait for both ends."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert self.proxy.wait(60) is not None

    def _say(self) -> None:
        assert self.proxy.stdin is not None
        said: list[bytes] = []
        with contextlib.suppress(BrokenPipeError):
            for id in itertools.count():
                if self._stop.wait(0.001 if id % 8 == 0 else 0):
                    break
                said.append(LINE % (id, b"y" * self._sizes.choice(SIZES)))
                self.proxy.stdin.write(said[-1])
                self.proxy.stdin.flush()
        self.text = b"".join(said)
        with contextlib.suppress(BrokenPipeError):
            self.proxy.stdin.close()

    def _hear(self) -> None:
        assert self.proxy.stdout is not None
        parts = []
        while data := os.read(self.proxy.stdout.fileno(), 65536):
            parts.append(data)
        self.heard = b"".join(parts)


SIZES = (0, 20, 20, 150, 150, 900, 9000)


def bodies(db: Path, dir: str) -> list[bytes]:
    connection = connect_ro(db)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    reader = BlockReader(connection)
    select = "SELECT body_id, body_at, size FROM messages WHERE dir = ? ORDER BY id"
    found = [reader.read(*row) for row in connection.execute(select, (dir,)).fetchall()]
    connection.close()
    return found


def journals(db: Path) -> list[Path]:
    return [path for path in Path(f"{db}.journal").iterdir() if path.is_dir()]


def ended_session(program: Program) -> dict[str, Any] | None:
    """The one session as a reader finds it, who takes in what is left; None while it is unfinished."""
    listed = program.run("--json", "sessions", "list")
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)["data"]
    assert len(found) <= 1
    return found[0] if found and found[0]["ended_at"] and not journals(program.db) else None


def kills(soak: bool) -> Iterator[tuple[str, int]]:
    for seed in range(34 if soak else 2):
        for mode in MODES:
            yield mode, seed


@pytest.mark.timeout(600)
def test_a_kill_loses_nothing_that_was_forwarded_and_doubles_nothing(
    program: Program, soak: bool, tmp_path: Path
) -> None:
    for mode, seed in kills(soak):
        program.db = tmp_path / f"{mode}-{seed}" / "scope.db"
        program.env["MCPSCOPE_DB"] = str(program.db)
        kill_in_mid_traffic(program, mode, seed)


def kill_in_mid_traffic(program: Program, mode: str, seed: int) -> None:
    random_of = random.Random(f"{mode}{seed}")
    (program.folder / "seen").unlink(missing_ok=True)
    busy = Busy(program, seed)
    wait_for(lambda: busy.seen.exists() and busy.seen.stat().st_size > 0)
    for _ in range(3 if mode == "recorder" else 1):
        time.sleep(random_of.random() * 0.4)  # the moment is what the test is about
        victims = busy.recorders() if mode != "proxy" else []
        if mode != "recorder":
            victims.append(busy.proxy.pid)
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    busy.finish()
    session = wait_for(lambda: ended_session(program), 120)
    assert session["ending"] == ("clean" if mode == "recorder" else "killed: found at next start")
    said, seen = bodies(program.db, "c2s"), busy.seen.read_bytes()
    text = b"".join(body + b"\n" for body in said)
    assert text.startswith(seen), f"{mode} {seed}: what the server got is not all in the database"
    assert (busy.text + b"\n").startswith(text[:-1]), f"{mode} {seed}: the database holds what nobody said"
    back = b"".join(body + b"\n" for body in bodies(program.db, "s2c"))
    assert back.startswith(busy.heard)
    assert (seen + b"\n").startswith(back[:-1])
    assert session["messages"] == len(said) + len(bodies(program.db, "s2c"))
    if mode == "recorder":
        assert seen == busy.heard == busy.text == text


def test_three_proxies_write_one_database(program: Program) -> None:
    lines = [LINE % (id, b"y" * 50) for id in range(4000)]
    proxies = [program.popen("--label", f"p{n}", "--", "cat") for n in range(3)]
    results: list[bytes] = [b"", b"", b""]

    def talk(number: int) -> None:
        out, _ = proxies[number].communicate(b"".join(lines), timeout=60)
        results[number] = out

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [b"".join(lines)] * 3
    wait_for(lambda: not journals(program.db))
    found = json.loads(program.run("--json", "sessions", "list").stdout)["data"]
    assert sorted((session["label"], session["messages"]) for session in found) == [
        ("p0", 8000),
        ("p1", 8000),
        ("p2", 8000),
    ]
    connection = connect_ro(program.db)
    assert connection.execute("SELECT count(*), count(DISTINCT id) FROM messages").fetchone() == (
        24000,
        24000,
    )
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def wait_for(condition: Callable[[], T], seconds: float = 60) -> T:
    """Look every 20 ms until ``condition()`` is true of something; returns that."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found
