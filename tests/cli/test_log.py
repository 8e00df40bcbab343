"""``mcpscope log`` over exchanges: lines, filters, following."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import pytest

from mcpscope.store.follow import Follower
from mcpscope.store.records import RecordType
from tests.engine.filter.examples import DOCUMENTED
from tests.program import Program, until
from tests.store import made
from tests.store.journals import TestJournal, answer, request

SERVER = """
import json, sys, time
for line in sys.stdin:
    said = json.loads(line)
    if "id" in said:
        print(json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": {"at": time.time_ns()}}), flush=True)
"""


@pytest.fixture
def recorded(program: Program) -> Program:
    journal = TestJournal(program.db)
    journal.open_session(label="srv", record_name="take one")
    for id in range(30):
        journal.c2s(request(id, name=f"tool_{id % 3}", arguments={"n": id, "q": "quota" if id == 7 else "x"}))
        journal.s2c(answer(id))
    journal.c2s(request(99, name="tool_err"))
    journal.s2c(b'{"jsonrpc":"2.0","id":99,"error":{"code":-32602,"message":"no \\u001b[31m such"}}\n')
    journal.write(RecordType.STDERR, b"warning: old\n")
    journal.say(RecordType.SESSION_CLOSE, {"reason": "clean", "exit_code": 0})
    journal.close()
    return program


def test_a_line_tells_what_was_asked_and_how_it_ended(recorded: Program) -> None:
    lines = recorded.run("log", "take one").stdout.decode().splitlines()
    assert len(lines) == 32
    assert " → tool_0 " in lines[0] and "✓ ok" in lines[0] and "1ms" in lines[0]
    assert "✗ -32602" in lines[30] and "! text" in lines[31]
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("filter", "count"),
    [
        ("tool:tool_1", 10),
        ("tool:tool_* args.n>=28", 2),
        ("quota", 1),
        ("is:error", 1),
        ("status:error", 1),
        ("code:-32602", 1),
        ("-tool:*", 1),
        ("-is:ok", 2),
        ("kind:stderr or is:error", 2),
        ("~no.*such", 1),
        ("tool:nothing", 0),
    ],
)
def test_log_and_export_give_what_passes(recorded: Program, filter: str, count: int) -> None:
    shown = recorded.run("log", "take one", filter, "--format", "jsonl")
    ids = [json.loads(line)["id"] for line in shown.stdout.splitlines()]
    assert len(ids) == count, shown.stderr
    exported = recorded.run("export", "take one", filter, "--format", "json")
    assert [one["id"] for one in json.loads(exported.stdout)["exchanges"]] == ids
    alone = recorded.run("log", filter, "--json") if filter != "quota" else None
    assert alone is None or [one["id"] for one in json.loads(alone.stdout)["data"]] == ids


@pytest.mark.timeout(180)
def test_every_documented_example_gives_log_and_export_the_same(program: Program) -> None:
    made.database(program.db, 60, seed=9)
    for text in DOCUMENTED.splitlines():
        shown = program.run("log", "baseline", text, "--json")
        exported = program.run("export", "baseline", text, "--format", "json")
        ids = [one["id"] for one in json.loads(exported.stdout)["exchanges"]]
        assert [one["id"] for one in json.loads(shown.stdout)["data"]] == ids, text


def test_counts_and_frames_go_with_filters(recorded: Program) -> None:
    assert len(recorded.run("log", "-n", "3").stdout.splitlines()) == 3
    last = recorded.run("log", "take one", "tool:tool_1", "-n", "2", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["tool"] for line in last] == ["tool_1", "tool_1"]
    frames = recorded.run("log", "take one", "tool:tool_1", "--frames").stdout.decode().splitlines()
    assert len(frames) == 20 and all("tool_1" in line or "result" in line for line in frames)
    assert len(recorded.run("log", "take one", "tool:tool_1", "--frames", "-n", "5").stdout.splitlines()) == 5


def test_a_wrong_filter_shows_its_place(recorded: Program) -> None:
    done = recorded.run("log", "take one", "tol:search")
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.decode().splitlines() == [
        "error: no field named 'tol'",
        "   at: tol:search",
        "       ^^^",
        "       did you mean tool?",
    ]


def test_a_pipe_that_closes_is_no_error(recorded: Program) -> None:
    process = recorded.popen("log", "take one")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr is not None and process.stderr.read() == b""


@pytest.mark.timeout(90)
def test_following_shows_an_exchange_when_it_ends_and_when_it_waits(program: Program) -> None:
    journal = TestJournal(program.db)
    journal.at = time.time_ns()
    journal.open_session(label="srv")
    journal.c2s(request(1, name="before"))
    follower = Follower(journal.folder, program.db)
    follower.step()
    process = program.popen("log", "-f", "--format", "jsonl")
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    shown = Shown(process.stdout)
    until(lambda: shown.has("before", "waiting"))

    journal.at = time.time_ns()
    journal.c2s(request(2, name="quick"))
    journal.s2c(answer(2))
    journal.c2s(request(3, name="hangs"))
    follower.step()
    until(lambda: shown.has("quick", "ok"))
    until(lambda: shown.has("hangs", "waiting"))
    journal.s2c(answer(3))
    follower.step()
    until(lambda: shown.has("hangs", "ok"))
    journal.say(RecordType.SESSION_CLOSE, {"reason": "clean"})
    follower.step()
    until(lambda: shown.has("before", "lost"))
    assert len(shown.found) == 5
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    journal.close()


@pytest.mark.timeout(90)
def test_following_takes_only_what_passes(program: Program) -> None:
    journal = TestJournal(program.db)
    journal.at = time.time_ns()
    journal.open_session(label="srv")
    follower = Follower(journal.folder, program.db)
    follower.step()
    process = program.popen("log", "srv", "is:error", "-f", "--format", "jsonl")
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    shown = Shown(process.stdout)
    failed = b'{"jsonrpc":"2.0","id":%d,"error":{"code":1,"message":"x"}}\n'
    journal.c2s(request(9, name="t9"))
    journal.s2c(failed % 9)
    follower.step()
    until(lambda: shown.has("t9", "rpc-error"))  # now it follows
    for id in range(5):
        journal.c2s(request(id, name=f"t{id}"))
        journal.s2c(answer(id) if id != 3 else failed % 3)
    follower.step()
    until(lambda: shown.has("t3", "rpc-error"))
    assert len(shown.found) == 2
    process.send_signal(signal.SIGINT)
    process.wait(30)
    journal.close()


@pytest.mark.timeout(90)
def test_a_live_exchange_is_shown_soon_after_it_ended(program: Program) -> None:
    script = program.folder / "server.py"
    script.write_text(SERVER)
    proxy = program.popen("--", sys.executable, str(script))
    assert proxy.stdin is not None and proxy.stdout is not None
    proxy.stdin.write(b'{"jsonrpc":"2.0","id":0,"method":"ping"}\n')
    proxy.stdin.flush()
    proxy.stdout.readline()
    until(lambda: program.run("log", "last").stdout)
    process = program.popen("log", "-f", "--format", "jsonl", "last")
    assert process.stdout is not None
    process.stdout.readline()
    delays = []
    for id in range(1, 12):
        proxy.stdin.write(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % id)
        proxy.stdin.flush()
        answered = json.loads(proxy.stdout.readline())
        assert json.loads(process.stdout.readline())["rpc_id"] == str(id)
        delays.append((time.time_ns() - answered["result"]["at"]) / 1e6)
    # The bar is 200 ms; this machine may be busy with other things.
    assert sorted(delays)[len(delays) // 2] < 600, delays


class Shown:
    """The lines a follower has printed so far."""

    def __init__(self, stream) -> None:
        self._stream = stream
        self._rest = b""
        self.found: list[dict] = []

    def has(self, tool: str, status: str) -> bool:
        self._rest += self._stream.read() or b""
        *lines, self._rest = self._rest.split(b"\n")
        self.found += [json.loads(line) for line in lines]
        return any(one["tool"] == tool and one["status"] == status for one in self.found)
