"""``log`` and ``sessions`` over a database that a journal was brought into."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from mcpscope.store.follow import Follower
from mcpscope.store.records import Dir, RecordType
from tests.program import Program
from tests.store.journals import TestJournal, answer, request

HOSTILE = "\x1b]52;c;aGk=\x07\x9b2J\u202e"


@pytest.fixture
def recorded(program: Program) -> Program:
    """A session that was killed, with a hostile label, and one that runs."""
    journal = TestJournal(program.db)
    journal.open_session(label="srv" + HOSTILE)
    for id in range(150):
        journal.c2s(request(id, name="t", arguments={"x": HOSTILE}))
        journal.s2c(answer(id))
    journal.write(RecordType.STDERR, f"oops {HOSTILE}\n".encode())
    journal.c2s(b"\xff\x1b[2J not json\n")
    journal.say(RecordType.GAP, {"messages": 2, "bytes": 90, "reason": "no space"}, dir=Dir.TO_SERVER)
    journal.kill()
    return program


def test_log_shows_frames_safely_and_takes_in_what_a_crash_left(recorded: Program) -> None:
    done = recorded.run("log", "--frames", "last")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert len(text.splitlines()) == 303
    assert not set(text) & set("\x1b\x07\x9b\u202e")
    assert "→ tools/call 149  {" in text
    assert "· stderr  oops \\u{1b}]52" in text
    assert "← result 149 [unconfirmed]" in text
    assert "→ malformed [not-utf8 not-json]  \\xff\\u{1b}[2J" in text
    assert len(recorded.run("log", "--frames").stdout.splitlines()) == 100
    assert len(recorded.run("log", "--frames", "-n", "7").stdout.splitlines()) == 7


def test_json_is_one_document_that_holds_the_bytes(recorded: Program) -> None:
    done = recorded.run("--json", "log", "--frames", "last")
    said = json.loads(done.stdout)
    assert said["ok"] is True
    assert len(said["data"]) == 303
    assert said["data"][0]["body"] == request(0, name="t", arguments={"x": HOSTILE}).decode()[:-1]
    assert [frame["dir"] for frame in said["data"][:2]] == ["c2s", "s2c"]
    assert "body_base64" in said["data"][-2]
    ids = [frame["id"] for frame in said["data"]]
    assert ids == sorted(ids)


def test_sessions_tell_how_they_ended_and_what_was_lost(recorded: Program) -> None:
    listed = recorded.run("sessions", "list").stdout.decode()
    assert "killed: found at next start" in listed
    assert "LOST 2 messages" in listed
    assert "\x1b" not in listed
    shown = recorded.run("sessions", "show", "last").stdout.decode()
    assert "2 messages, 90 B in 1 gaps" in shown
    assert "unconfirmed 1 messages" in shown
    said = json.loads(recorded.run("--json", "sessions", "show", "1").stdout)["data"]
    assert (said["lost_messages"], said["end_reason"], said["command"]) == (2, "killed", ["srv", "-x"])


@pytest.mark.parametrize("word", ["1", "#1", "last", "1790000000-1-00000001.1", "179000"])
def test_a_session_is_found_by_what_people_call_it(recorded: Program, word: str) -> None:
    assert recorded.run("sessions", "show", word).returncode == 0


def test_following_shows_what_comes(program: Program) -> None:
    journal = TestJournal(program.db)
    journal.open_session(label="live")
    journal.c2s(request(1))
    follower = Follower(journal.folder, program.db)
    follower.step()
    log = program.popen("log", "live", "--frames", "-f")
    assert log.stdout is not None
    assert b"tools/call 1" in log.stdout.readline()
    for id in (2, 3):
        journal.c2s(request(id))
        follower.step()
        assert b"tools/call %d" % id in log.stdout.readline()
    log.kill()
    follower.close()
    journal.kill()


def test_wrong_inputs_give_one_line_and_their_exit_code(program: Program, tmp_path: Path) -> None:
    missing = program.run("log", "--frames")
    assert (missing.returncode, missing.stdout) == (5, b"")
    assert missing.stderr.startswith(b"error: there is no database")
    journal = TestJournal(program.db)
    journal.open_session(label="search")
    journal.kill()
    unknown = program.run("sessions", "show", "serch")
    assert unknown.returncode == 5
    assert b"did you mean search?" in unknown.stderr
    foreign = tmp_path / "foreign.db"
    other = sqlite3.connect(foreign)
    other.execute("CREATE TABLE birds (name)")
    other.close()
    newer = tmp_path / "newer.db"
    newer.write_bytes(program.db.read_bytes())
    other = sqlite3.connect(newer)
    other.execute("PRAGMA user_version = 9000")
    other.close()
    noise = tmp_path / "noise.db"
    noise.write_bytes(b"noise" * 1000)
    for path, words in ((foreign, b"another program"), (newer, b"newer mcpscope"), (noise, b"is damaged")):
        for command in (("log", "--frames"), ("sessions", "list")):
            before = path.read_bytes()
            done = program.run("--db", str(path), *command)
            assert (done.returncode, done.stdout) == (5, b""), done
            assert words in done.stderr
            assert done.stderr.count(b"\n") <= 2
            assert path.read_bytes() == before


def test_status_shows_the_proxies_that_run(program: Program) -> None:
    nobody = program.run("status")
    assert (nobody.returncode, nobody.stdout, nobody.stderr) == (0, b"", b"no proxy runs\n")
    proxy = program.popen("--label", "my " + HOSTILE, "--", "cat")
    assert proxy.stdin is not None
    assert proxy.stdout is not None
    proxy.stdin.write(request(1))
    proxy.stdin.flush()
    proxy.stdout.readline()
    deadline = time.monotonic() + 20
    found: list[dict[str, Any]] = []
    while not (found and found[0]["sessions"] and found[0]["sessions"][0]["messages"] == 2):
        assert time.monotonic() < deadline, found
        found = json.loads(program.run("--json", "status").stdout)["data"]
    assert [(one["pid"], one["command"]) for one in found] == [(proxy.pid, ["cat"])]
    text = program.run("status").stdout.decode()
    assert str(proxy.pid) in text
    assert not set(text) & set("\x1b\x07\x9b\u202e")
    proxy.stdin.close()
    assert proxy.wait(20) == 0
    assert program.run("status").stdout == b""
