"""A recorder that has fallen behind has a second process write: the same rows, whoever is killed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.store.bodies import BlockReader
from mcpscope.store.follow import Follower
from mcpscope.store.records import Dir, RecordType
from mcpscope.store.schema import connect_ro
from tests.program import ROOT
from tests.store.journals import TestJournal, answer, request
from tests.store.test_kills import bodies, wait_for

TABLES = ("sessions", "messages", "exchanges", "notes", "outcomes", "definitions", "streams")
PLACES = ("body_id", "body_at")  # which bodies lie together depends on where reading began
TOOL = {"name": "t", "description": "says it", "inputSchema": {"type": "object"}}
ODD_LINES = (
    b"not JSON\n",
    b'{"jsonrpc":"2.0","id":"\\ud800","method":"tools/call","params":{"name":"\\udc00"}}\n',
    b'{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}\n',
    b'[{"jsonrpc":"2.0","id":7,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"}]\n',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n',
)


def fill(journal: TestJournal, calls: int, *, only_calls: bool = False) -> None:
    """A session with ``calls`` calls of odd sizes, and whatever else a recorder has to write."""
    random_of = random.Random(calls)
    journal.open_session(client_transport="http")
    if not only_calls:
        journal.c2s(request(-1, "tools/list"))
        journal.s2c(answer(-1, tools=[TOOL]))
    for first in range(0, calls, 50):
        ids = range(first, first + 50)
        text = "y" * random_of.choice((0, 20, 150, 900))
        asked = [request(id, name="t", arguments={"x": text}) for id in ids]
        journal.c2s(b"".join(asked))
        journal.s2c(b"".join(answer(id, content=[{"type": "text", "text": text}]) for id in ids))
        if not only_calls:
            fill_in_between(journal, first, random_of)


def fill_in_between(journal: TestJournal, number: int, random_of: random.Random) -> None:
    stream = number + 1
    head = {"http": "POST", "body": "whole", "headers": [["a", "b\udc80"]]}
    journal.say(RecordType.STREAM_OPEN, head, stream=stream)
    journal.c2s(request(number, name="u"), stream=stream, flags=1)
    journal.say(RecordType.HTTP, {"status": 200, "number": number}, stream=stream)
    journal.say(RecordType.STREAM_CLOSE, {"closed_by": "client"}, stream=stream)
    journal.c2s(random_of.choice(ODD_LINES))
    held = journal.write(RecordType.MESSAGE, request(-number - 2, name="held")[:-1], Dir.TO_SERVER)
    outcome = Outcome(held, Word.EDITED, held + 5, "rule", "a rule", sent=b'{"jsonrpc":"2.0"}')
    journal.write(RecordType.OUTCOME, outcome.to_record(), Dir.TO_SERVER)
    journal.write(RecordType.STDERR, b"a line\nand half of one", Dir.TO_CLIENT)
    journal.say(RecordType.NOTE, {"kind": "switch", "text": "gate"})


def start_recorder(journal: TestJournal, db: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "mcpscope.store.recorder", str(journal.folder), str(db)]
    return subprocess.Popen(argv, stderr=subprocess.PIPE, cwd=ROOT)


def scribes(recorder: subprocess.Popen[bytes]) -> list[int]:
    try:
        return [
            int(pid) for pid in Path(f"/proc/{recorder.pid}/task/{recorder.pid}/children").read_text().split()
        ]
    except OSError:
        return []


def scribe_of(recorder: subprocess.Popen[bytes]) -> int:
    """The second process, as soon as there is one; fails where the recorder ends without."""

    def found() -> list[int]:
        assert recorder.poll() is None, "the recorder never had a scribe"
        return scribes(recorder)

    return wait_for(found)[0]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def everything(db: Path) -> dict[str, list[dict[str, object]]]:
    connection = connect_ro(db)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.row_factory = sqlite3.Row
    reader, found = BlockReader(connection), {}
    for table in TABLES:
        rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
        if table == "messages":
            for row in rows:
                row["body"] = reader.read(*map(row.pop, PLACES), row["size"])
        found[table] = rows
    connection.close()
    return found


@pytest.fixture(autouse=True)
def two_cores() -> Iterator[None]:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("a recorder on one core has no scribe")
    yield


def test_its_rows_are_those_of_one_process(tmp_path: Path) -> None:
    alone, helped = (TestJournal(tmp_path / name / "scope.db") for name in ("alone", "helped"))
    for journal in (alone, helped):
        fill(journal, 8_000)
    recorder = start_recorder(helped, tmp_path / "helped" / "scope.db")
    assert scribe_of(recorder)
    for journal in (alone, helped):
        journal.close()
    assert recorder.wait(60) == 0
    follower = Follower(alone.folder, tmp_path / "alone" / "scope.db")
    while not follower.finished:
        follower.step()
    expected, found = (everything(tmp_path / name / "scope.db") for name in ("alone", "helped"))
    for table in TABLES:
        assert expected[table], f"the test says nothing of {table}"
        assert found[table] == expected[table], table


@pytest.mark.parametrize("victim", ["scribe", "recorder", "both"])
def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, victim: str) -> None:
    db, calls = tmp_path / "scope.db", 12_000
    journal = TestJournal(db)
    fill(journal, calls, only_calls=True)
    journal.close()
    recorder = start_recorder(journal, db)
    scribe = scribe_of(recorder)
    if victim != "recorder":
        os.kill(scribe, signal.SIGKILL)
    if victim != "scribe":
        recorder.kill()
        recorder.wait(60)
        wait_for(lambda: not lives(scribe))
        recorder = start_recorder(journal, db)
    assert recorder.wait(60) == 0
    said = bodies(db, "c2s")
    assert [line.partition(b'"id": ')[2].partition(b",")[0] for line in said] == [
        b"%d" % id for id in range(calls)
    ]
    assert len(bodies(db, "s2c")) == calls
    assert not journal.folder.exists()


def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    db, calls = tmp_path / "scope.db", 12_000
    journal = TestJournal(db)
    fill(journal, calls, only_calls=True)
    journal.close()
    recorder = start_recorder(journal, db)
    assert scribe_of(recorder)
    other = sqlite3.connect(db, isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    before = other.execute("SELECT count(*) FROM messages").fetchone()[0]
    with pytest.raises(subprocess.TimeoutExpired):
        recorder.wait(6)  # longer than it waits at the first time
    assert other.execute("SELECT count(*) FROM messages").fetchone()[0] == before < 2 * calls
    other.execute("ROLLBACK")
    other.close()
    assert recorder.wait(60) == 0
    assert (recorder.stderr.read() if recorder.stderr else None) == b""
    assert len(bodies(db, "c2s")) == calls


def test_it_is_gone_when_the_recorder_has_caught_up(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    fill(journal, 8_000, only_calls=True)
    recorder = start_recorder(journal, db)
    scribe = scribe_of(recorder)
    wait_for(lambda: not lives(scribe) and not scribes(recorder))
    journal.c2s(request(-1, name="later"))
    wait_for(lambda: connect_ro(db).execute("SELECT 1 FROM exchanges WHERE tool = 'later'").fetchone())
    assert not scribes(recorder)
    journal.close()
    assert recorder.wait(60) == 0
