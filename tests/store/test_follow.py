"""A journal into the database: nothing lost, nothing twice, however often it is begun again."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import pytest

from mcpscope.store.bodies import BlockReader
from mcpscope.store.checkpoint import read_checkpoint
from mcpscope.store.follow import Follower
from mcpscope.store.records import Dir, RecordType
from mcpscope.store.schema import connect_ro, ensure
from tests.store.journals import TestJournal, answer, request

COUNTERS = "SELECT messages, exchanges, bytes, lost_messages, gaps, end_reason FROM sessions"


def drain(journal: TestJournal, db: Path) -> None:
    follower = Follower(journal.folder, db)
    while follower.step():
        pass
    follower.close()


def finish(journal: TestJournal, db: Path) -> None:
    follower = Follower(journal.folder, db)
    while not follower.finished:
        follower.step()


def rows(db: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    connection = connect_ro(db)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def bodies(db: Path, dir: str) -> list[bytes]:
    connection = connect_ro(db)
    reader = BlockReader(connection)
    found = connection.execute(
        "SELECT body_id, body_at, coalesce(kept, size) FROM messages WHERE dir = ? ORDER BY id", (dir,)
    ).fetchall()
    result = [reader.read(*row) for row in found]
    connection.close()
    return result


def test_a_whole_session_becomes_rows(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session(label="srv", pid=12, record_mode="best-effort")
    asked, answered = request(1, name="search", arguments={"q": "x"}), answer(1, content=[])
    journal.c2s(asked)
    journal.write(RecordType.STDERR, b"starting\nup", Dir.TO_CLIENT)
    journal.s2c(answered)
    journal.write(RecordType.STDERR, b" now\n", Dir.TO_CLIENT)
    journal.say(RecordType.NOTE, {"kind": "switch", "text": "gate"})
    journal.close()
    finish(journal, db)
    assert bodies(db, "c2s") == [asked[:-1]]
    assert bodies(db, "s2c") == [answered[:-1]]
    assert rows(db, "SELECT kind, text FROM v_notes ORDER BY id") == [
        ("stderr", "starting"),
        ("stderr", "up now"),
        ("switch", "gate"),
    ]
    (session,) = rows(
        db,
        "SELECT label, command, pid, end_reason, exit_code, messages, exchanges, lost_messages FROM sessions",
    )
    assert session == ("srv", '["srv","-x"]', 12, "clean", 0, 2, 4, 0)
    (exchange,) = rows(
        db, "SELECT method, tool, status, request_id, answer_id FROM exchanges WHERE kind = 'request'"
    )
    assert exchange[:3] == ("tools/call", "search", "ok")
    assert [exchange[3:]] == [(rows(db, "SELECT min(id), max(id) FROM messages")[0])]
    assert not journal.folder.exists()


def test_ids_follow_the_order_of_the_journal(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    journal.c2s(request(1))
    journal.write(RecordType.STDERR, b"note\n")
    journal.s2c(answer(1))
    drain(journal, db)
    found = rows(db, "SELECT id, 'message' FROM messages UNION SELECT id, 'note' FROM notes ORDER BY 1")
    assert found == [(1, "message"), (2, "note"), (3, "message")]
    journal.kill()


@pytest.mark.parametrize("seed", range(6))
def test_begun_again_at_every_step_it_gives_the_same_rows(tmp_path: Path, seed: int) -> None:
    random_of = random.Random(seed)
    db, calm_db = tmp_path / "scope.db", tmp_path / "calm.db"
    journal, calm = TestJournal(db, segment_bytes=4096), TestJournal(calm_db)
    lines: dict[Dir, list[bytes]] = {Dir.TO_SERVER: [], Dir.TO_CLIENT: []}
    for id in range(150):
        size = random_of.choice((0, 30, 200, 9000))
        lines[Dir.TO_SERVER].append(request(id, name="t", arguments={"x": "y" * size}))
        lines[Dir.TO_CLIENT].append(answer(id, content="z" * size))
    left = {dir: b"".join(parts) for dir, parts in lines.items()}
    follower = Follower(journal.folder, db)
    for written in (journal, calm):
        written.open_session()
    while any(left.values()):
        dir = random_of.choice([dir for dir, bytes_left in left.items() if bytes_left])
        cut = random_of.choice((1, 7, 100, 1500, 3000))
        for written in (journal, calm):
            written.write(RecordType.CHUNK, left[dir][:cut], dir)
        left[dir] = left[dir][cut:]
        if random_of.random() < 0.3:
            follower.step()
        if random_of.random() < 0.2:
            follower.close()
            follower = Follower(journal.folder, db)
    for written in (journal, calm):
        written.close()
    while not follower.finished:
        follower.step()
        follower.close()
    finish(calm, calm_db)
    assert bodies(db, "c2s") == [line[:-1] for line in lines[Dir.TO_SERVER]]
    assert bodies(db, "s2c") == [line[:-1] for line in lines[Dir.TO_CLIENT]]
    for table in ("v_messages", "v_exchanges"):
        assert rows(db, f"SELECT * FROM {table}") == rows(calm_db, f"SELECT * FROM {table}")
    assert rows(db, COUNTERS) == rows(calm_db, COUNTERS)
    assert rows(db, "SELECT count(*) FROM partials") == [(0,)]
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]


def test_an_endless_line_keeps_no_old_segment_alive(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db, segment_bytes=8192)
    journal.open_session()
    whole = b'{"jsonrpc":"2.0","method":"' + b"n" * 60_000 + b'"}'
    for at in range(0, len(whole), 1000):
        journal.s2c(whole[at : at + 1000])
        journal.c2s(request(at, "ping"))
        drain(journal, db)
        assert len(list(journal.folder.glob("*.seg"))) <= 2
    journal.s2c(b"\n")
    journal.close()
    finish(journal, db)
    assert bodies(db, "s2c") == [whole]
    assert len(bodies(db, "c2s")) == 61
    assert rows(db, "SELECT count(*) FROM partials") == [(0,)]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_long_line_after_one_that_a_gap_cut_off_is_kept(tmp_path: Path, restarted: bool) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db, segment_bytes=4096)
    journal.open_session()
    follower = Follower(journal.folder, db)
    for letter in (b"a", b"b"):
        for _ in range(6):
            journal.c2s(letter * 3000)
            while follower.step():
                pass
            if restarted:
                follower.close()
        if letter == b"a":
            journal.say(RecordType.GAP, {"messages": 1, "bytes": 9, "reason": "full"}, dir=Dir.TO_SERVER)
    journal.c2s(b"\n")
    journal.close()
    while not follower.finished:
        follower.step()
    assert bodies(db, "c2s") == [b"a" * 18000, b"b" * 18000]
    assert rows(db, "SELECT count(*) FROM partials") == [(0,)]


def test_what_had_begun_before_another_message_is_whole_after_a_restart(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    journal.c2s(b"the beginning, ")
    journal.write(RecordType.MESSAGE, b'{"jsonrpc":"2.0","id":1,"method":"ping"}', Dir.TO_SERVER, flags=1)
    drain(journal, db)  # by a recorder that knows of it only what the database says
    journal.c2s(b"the end\n")
    journal.close()
    finish(journal, db)
    assert bodies(db, "c2s")[-1] == b"the beginning, the end"


def test_a_long_line_leaves_no_room_behind_it(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db, segment_bytes=1 << 20)
    journal.open_session()
    whole = b'"' + b"many words " * 2_000_000 + b'"'
    for at in range(0, len(whole), 1 << 19):
        journal.s2c(whole[at : at + (1 << 19)])
        drain(journal, db)
    journal.s2c(b"\n")
    journal.close()
    finish(journal, db)
    assert bodies(db, "s2c") == [whole]
    assert rows(db, "PRAGMA freelist_count")[0] < (2001,)
    assert db.stat().st_size < len(whole) / 2


def test_a_killed_sessions_last_chunks_are_unconfirmed_and_its_torn_record_is_not_kept(
    tmp_path: Path,
) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    journal.c2s(request(1) + request(2))
    journal.s2c(answer(1))
    journal.c2s(request(3) + b'{"jsonrpc"')
    drain(journal, db)
    journal.s2c(answer(2))
    whole = journal.offset
    journal.c2s(b"never forwarded\n")
    with journal.path.open("r+b") as file:
        file.seek(whole + 30)
        file.write(b"\0" * 500)
    journal.kill()
    finish(journal, db)
    assert rows(
        db, "SELECT dir, rpc_id, coalesce(fate, '-'), coalesce(marks, '') FROM messages ORDER BY id"
    ) == [
        ("c2s", "1", "-", ""),
        ("c2s", "2", "-", ""),
        ("s2c", "1", "-", ""),
        ("c2s", "3", "unconfirmed", ""),
        ("s2c", "2", "unconfirmed", ""),
        ("c2s", None, "unconfirmed", "not-json partial"),
    ]
    assert rows(db, "SELECT end_reason, gaps FROM sessions") == [("killed", 0)]
    assert rows(db, "SELECT status FROM exchanges WHERE rpc_id = '3'") == [("lost",)]


def test_bytes_that_a_close_calls_undelivered_were_not_forwarded(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    last = request(3)
    journal.c2s(request(1) + request(2) + last)
    said = b'{"reason":"clean","exit_code":0,"undelivered":{"c2s":%d}}' % (len(last) + 10)
    journal.write(RecordType.SESSION_CLOSE, said, flags=1)
    journal.kill()
    finish(journal, db)
    fates = rows(db, "SELECT rpc_id, fate FROM messages ORDER BY id")
    assert fates == [("1", None), ("2", "unconfirmed"), ("3", "not forwarded")]


def test_a_body_beyond_the_limit_keeps_its_beginning_size_and_digest(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session(max_body=100)
    asked = request(1, x="y" * 1000)
    journal.c2s(asked)
    journal.close()
    finish(journal, db)
    assert bodies(db, "c2s") == [asked[:100]]
    assert rows(db, "SELECT size, kept, length(sha256) FROM messages") == [(len(asked) - 1, 100, 32)]


def test_values_that_sqlite_cannot_hold_do_not_stop_the_recording(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    odd = [
        rb'{"jsonrpc":"2.0","id":1,"method":"\ud800x"}',
        rb'{"jsonrpc":"2.0","id":%d,"method":"a"}' % (1 << 70),
        rb'{"jsonrpc":"2.0","id":"\udc00","method":"b\u0000c"}',
        rb'{"jsonrpc":"2.0","id":2,"error":{"code":%d,"message":"m"}}' % (1 << 70),
        b"\xff\xfe\0",
        b"[" * 5000,
    ]
    journal.c2s(b"\n".join([*odd, request(9)]))
    journal.s2c(b'{"jsonrpc":"2.0","id":9,"error":{"code":%d,"message":"\\ud800"}}\n' % (1 << 70))
    journal.close()
    finish(journal, db)
    assert bodies(db, "c2s") == [*odd, request(9)[:-1]]
    assert rows(db, "SELECT count(*) FROM messages") == [(8,)]


def test_the_checkpoint_says_how_far_the_database_is(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    assert read_checkpoint(journal.folder) == {}
    journal.open_session()
    journal.c2s(request(1))
    follower = Follower(journal.folder, db)
    follower.step()
    follower.checkpoint()
    found = read_checkpoint(journal.folder)
    assert (found["segment"], found["offset"]) == (1, journal.offset)
    assert [session["number"] for session in found["sessions"]] == [1]
    follower.close()
    journal.kill()


def test_a_locked_database_loses_nothing(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    drain(journal, db)
    journal.c2s(request(1))
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    follower = Follower(journal.folder, db, busy_seconds=0.05)
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError):
            follower.step()
    other.execute("ROLLBACK")
    other.close()
    while follower.step():
        pass
    assert bodies(db, "c2s") == [request(1)[:-1]]
    follower.close()
    journal.kill()


def test_what_the_gate_decided_stands_with_the_message_and_on_its_exchange(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()

    def gated(line: bytes, flags: int = 0) -> int:
        return journal.write(RecordType.MESSAGE, line[:-1], Dir.TO_SERVER, flags=flags)

    def outcome(of: int, word: str, sent: bytes = b"", **said: object) -> None:
        head = json.dumps({"of": of, "outcome": word, "at": journal.at, "actor": "rule", **said}).encode()
        payload = head + b"\0" + sent if sent else head
        journal.write(RecordType.OUTCOME, payload, Dir.TO_SERVER)

    gated(request(1, name="plain"), flags=1)
    denied = gated(request(2, name="rm"))
    outcome(denied, "denied", rule="no deletes")
    journal.write(RecordType.SENT, answer(2, isError=True)[:-1], Dir.TO_CLIENT)
    held = gated(request(3, name="hold"))
    outcome(held, "held")
    drain(journal, db)
    assert rows(db, "SELECT status FROM exchanges WHERE tool = 'hold'") == [("held",)]
    outcome(held, "edited", sent=b'{"edited":1}', waited_ns=5)
    gated(request(4, name="stuck"))
    journal.kill()
    finish(journal, db)
    assert rows(db, "SELECT tool, status, flags FROM exchanges ORDER BY id") == [
        ("plain", "lost", ""),
        ("rm", "denied", "rule:no-deletes"),
        ("hold", "lost", "bp edited"),
        ("stuck", "lost", ""),
    ]
    assert rows(db, "SELECT fate, origin FROM v_messages ORDER BY id") == [
        ("forwarded", "peer"),
        ("not forwarded", "peer"),
        ("unconfirmed", "proxy"),
        ("unconfirmed", "peer"),
        ("not forwarded", "peer"),
    ]
    assert rows(db, "SELECT outcome, rule, waited_ns, bytes FROM outcomes ORDER BY id") == [
        ("denied", "no deletes", None, None),
        ("held", None, None, None),
        ("edited", None, 5, b'{"edited":1}'),
    ]


def test_http_streams_are_framed_by_what_their_heads_say(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session(client_transport="http")
    journal.say(RecordType.STREAM_OPEN, {"method": "POST", "body": "whole"}, stream=1, dir=1)
    asked = request(1, name="t")[:-1]
    journal.c2s(asked[:20], stream=1)
    drain(journal, db)
    journal.c2s(asked[20:], stream=1, flags=1)
    journal.say(RecordType.HTTP, {"status": 200, "body": "events"}, stream=1, dir=2)
    event = b": hello\n\nid: 5\nevent: message\ndata: " + answer(1)[:-1] + b"\n\n"
    for at in range(0, len(event), 9):
        journal.s2c(event[at : at + 9], stream=1)
        drain(journal, db)
    journal.say(RecordType.STREAM_CLOSE, {"status": 200, "closed_by": "server"}, stream=1)
    journal.say(RecordType.STREAM_OPEN, {"method": "POST", "body": "whole"}, stream=2, dir=1)
    journal.c2s(request(2)[:-1], stream=2, flags=1)
    journal.say(RecordType.STREAM_CLOSE, {"closed_by": "client"}, stream=2)
    journal.say(RecordType.STREAM_OPEN, {"method": "GET", "target": "/meta", "body": "none"}, stream=3, dir=1)
    journal.close()
    finish(journal, db)
    assert bodies(db, "c2s") == [asked, request(2)[:-1]]
    assert bodies(db, "s2c") == [answer(1)[:-1]]
    assert rows(db, "SELECT stream, status FROM exchanges ORDER BY id") == [(1, "ok"), (2, "cancelled")]
    found = rows(db, "SELECT stream, opened_at < closed_at, facts, close IS NULL FROM streams")
    assert found[0] == (1, 1, '{"status":200,"body":"events"}', 0)
    assert [row[3] for row in found] == [0, 0, 1]


def test_a_gap_is_counted_and_cuts_the_message_it_lies_in(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    journal.c2s(request(1) + b'{"jsonrpc":"2.0","id":2')
    said = {"messages": 3, "bytes": 700, "reason": "no space", "boundary": False}
    journal.say(RecordType.GAP, said, dir=1)
    journal.c2s(b'"x":1}\n' + request(4))
    journal.close()
    finish(journal, db)
    assert rows(db, "SELECT rpc_id, marks FROM messages ORDER BY id") == [
        ("1", None),
        (None, "not-json partial"),
        (None, "not-json partial"),
        ("4", None),
    ]
    assert rows(db, "SELECT gaps, lost_messages, lost_bytes FROM sessions") == [(1, 3, 700)]
    assert rows(db, "SELECT kind, text FROM v_notes") == [("gap", "3 messages, 700 bytes: no space")]


def test_who_talks_to_whom_and_what_is_offered_is_kept_with_each_change(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    client = {"name": "inspector", "version": "2.1"}
    journal.c2s(request(1, "initialize", protocolVersion="2025-11-25", clientInfo=client, capabilities={}))
    journal.s2c(
        answer(1, protocolVersion="2025-06-18", serverInfo={"name": "files", "version": "9"}, capabilities={})
    )
    tools = [
        {"name": "read", "inputSchema": {"type": "object"}},
        {"name": "write\ud800", "description": "\ud800"},
    ]
    for id, description in ((2, "reads"), (3, "reads"), (4, "reads, and sends it away")):
        tools[0]["description"] = description
        journal.c2s(request(id, "tools/list"))
        journal.s2c(answer(id, tools=tools))
        drain(journal, db)
    (row,) = rows(
        db, "SELECT client_name, client_version, server_name, server_version, revision, era FROM sessions"
    )
    assert row == ("inspector", "2.1", "files", "9", "2025-06-18", "legacy")
    found = rows(db, "SELECT kind, name, body FROM definitions ORDER BY id")
    assert [(kind, name) for kind, name, _ in found] == [
        ("tool", "read"),
        ("tool", "write\\ud800"),
        ("tool", "read"),
    ]
    assert [json.loads(body)["description"] for _, name, body in found if name == "read"] == [  # type: ignore[arg-type]
        "reads",
        "reads, and sends it away",
    ]
    journal.kill()


def test_small_bodies_before_large_ones_in_a_new_database_can_be_read(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    said = [request(1), request(2, x="y" * 50_000), request(3), request(4, x="z" * 90_000)]
    for line in said:
        journal.c2s(line)
    journal.close()
    finish(journal, db)
    assert bodies(db, "c2s") == [line[:-1] for line in said]


def test_a_backlog_of_many_parts_is_one_order_and_an_error_in_any_part_loses_nothing(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db, segment_bytes=1 << 18)
    journal.open_session()
    count = 12_000
    for id in range(0, count, 10):
        journal.c2s(b"".join(request(id + n, name="t") for n in range(10)))
        journal.s2c(b"".join(answer(id + n) for n in range(10)))
        if id % 1000 == 0:
            journal.say(RecordType.NOTE, {"kind": "switch", "text": str(id)})
            journal.open_session(2 + id)
    ensure(db)
    other = sqlite3.connect(db, isolation_level=None)
    failing = "CREATE TRIGGER fails BEFORE INSERT ON messages WHEN new.rpc_id = '2500' BEGIN"
    other.execute(f"{failing} SELECT RAISE(FAIL, 'no'); END")
    follower = Follower(journal.folder, db)
    with pytest.raises(sqlite3.IntegrityError):
        for _ in range(100):
            follower.step()
    other.execute("DROP TRIGGER fails")
    other.close()
    journal.close()
    while not follower.finished:
        follower.step()
    assert bodies(db, "c2s") == [request(id, name="t")[:-1] for id in range(count)]
    assert rows(db, "SELECT status, count(*) FROM exchanges WHERE kind = 'request' GROUP BY 1") == [
        ("ok", count)
    ]
    assert rows(db, "SELECT count(*) FROM messages AS m JOIN notes AS n USING (id)") == [(0,)]
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]


def test_a_database_that_was_removed_is_begun_again(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session(label="before")
    follower = Follower(journal.folder, db)
    journal.c2s(request(1))
    follower.step()
    for name in ("scope.db", "scope.db-wal", "scope.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    follower.checkpoint()
    journal.c2s(request(2))
    journal.close()
    while not follower.finished:
        follower.step()
    assert bodies(db, "c2s") == [request(1)[:-1], request(2)[:-1]]
    assert rows(db, "SELECT label, end_reason FROM sessions") == [("before", "clean")]
