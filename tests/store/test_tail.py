"""Reading journals: whole, torn at every byte, damaged anywhere, while they are written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mcpscope.store.follow import Follower
from mcpscope.store.records import RecordType
from mcpscope.store.schema import connect_ro
from mcpscope.store.tail import NewerJournal, Tail
from tests.store.journals import TestJournal, request


def payloads(tail: Tail) -> list[bytes]:
    found = []
    while records := tail.read():
        found += [record.payload for record in records if record.type == RecordType.CHUNK]
    return found


def finish(journal: TestJournal, db: Path) -> None:
    follower = Follower(journal.folder, db)
    for _ in range(10_000):
        follower.step()
        if follower.finished:
            return
    raise AssertionError("the journal never ends")


def test_segments_are_read_in_order_from_any_position(tmp_path: Path) -> None:
    journal = TestJournal(tmp_path / "scope.db", segment_bytes=2000)
    said = [request(id, x="y" * (id * 7 % 600)) for id in range(60)]
    for line in said:
        journal.c2s(line)
    tail = Tail(journal.folder)
    positions = [record.position for _ in range(60) for record in tail.read()]
    assert len(positions) == 60
    for at, position in enumerate(positions):
        assert payloads(Tail(journal.folder, position)) == said[at + 1 :]
    journal.kill()


def test_a_record_larger_than_any_read_is_read(tmp_path: Path) -> None:
    journal = TestJournal(tmp_path / "scope.db")
    big = bytes(range(256)) * 20_000
    journal.c2s(b"small")
    journal.c2s(big)
    journal.c2s(b"after")
    assert payloads(Tail(journal.folder)) == [b"small", big, b"after"]
    journal.kill()


def test_torn_at_every_byte_of_the_last_record_it_ends_there_or_waits(tmp_path: Path) -> None:
    journal = TestJournal(tmp_path / "scope.db")
    journal.c2s(b"first")
    start = journal.offset
    journal.c2s(b"the last record")
    whole = journal.path.read_bytes()
    for cut in range(start, journal.offset):
        journal.path.write_bytes(whole[:cut] + b"\0" * (len(whole) - cut))
        tail = Tail(journal.folder)
        assert payloads(tail) == [b"first"]
        assert payloads(tail) == []
        journal.path.write_bytes(whole)
        assert payloads(tail) == [b"the last record"], f"not taken up behind byte {cut}"
        tail.close()
    journal.kill()
    for cut in range(start, journal.offset):
        for rest in (b"", b"\0" * 500):
            journal.path.write_bytes(whole[:cut] + rest)
            tail = Tail(journal.folder)
            assert payloads(tail) == [b"first"]
            assert tail.read() == []
            assert not tail.writer_lives()
            tail.close()


def test_a_journal_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    journal = TestJournal(tmp_path / "scope.db")
    with journal.path.open("r+b") as file:
        file.seek(16)
        file.write(b"\xff\x00")
    with pytest.raises(NewerJournal):
        Tail(journal.folder).read()
    journal.kill()


def test_what_is_damaged_is_skipped_and_said(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db, segment_bytes=2000)
    journal.open_session()
    first = journal.path
    for id in range(40):
        journal.c2s(request(id, x="y" * 100))
    data = bytearray(first.read_bytes())
    data[500:520] = b"\xff" * 20
    first.write_bytes(data)
    journal.close()
    finish(journal, db)
    connection = connect_ro(db)
    assert connection.execute("SELECT gaps, end_reason FROM sessions").fetchall() == [(1, "clean")]
    (kept,) = connection.execute("SELECT count(*) FROM messages").fetchone()
    assert 28 <= kept < 40
    (text,) = connection.execute("SELECT text FROM v_notes WHERE kind = 'gap'").fetchone()
    assert "the journal is damaged at 1:" in text


@pytest.mark.parametrize("seed", range(25))
def test_no_damage_stops_the_recorder(tmp_path: Path, seed: int) -> None:
    random_of = random.Random(seed)
    db = tmp_path / "scope.db"
    journal = TestJournal(db, segment_bytes=3000)
    journal.open_session()
    for id in range(30):
        journal.c2s(request(id))
        journal.write(
            random_of.randrange(0, 20), random_of.randbytes(30), random_of.randrange(4), session=id % 3
        )
        journal.write(RecordType.CHUNK, b"not a message\n", 7, session=1 << 30, stream=id % 2)
        for kind in (RecordType.OUTCOME, RecordType.GAP, RecordType.SESSION_OPEN, RecordType.STREAM_CLOSE):
            journal.write(kind, random_of.choice((b"{}", b"[1]", b'{"messages":"x","of":[]}', b"\xff\0{")), 1)
    journal.kill()
    for segment in sorted(journal.folder.glob("*.seg"))[:: random_of.choice((1, 2))]:
        data = bytearray(segment.read_bytes())
        for _ in range(random_of.randrange(6)):
            data[random_of.randrange(len(data))] = random_of.randrange(256)
        segment.write_bytes(data[: random_of.choice((len(data), random_of.randrange(len(data))))])
    finish(journal, db)
    connection = connect_ro(db)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT count(*) FROM sessions WHERE ended_at IS NULL").fetchone() == (0,)


def test_missing_segments_are_a_gap_and_what_is_behind_them_is_read(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db, segment_bytes=1000)
    journal.open_session()
    for id in range(40):
        journal.c2s(request(id, x="y" * 100))
    journal.close()
    for number in (2, 3, 4):
        (journal.folder / f"{number:06d}.seg").unlink()
    finish(journal, db)
    connection = connect_ro(db)
    assert connection.execute("SELECT gaps, end_reason FROM sessions").fetchall() == [(1, "clean")]
    assert connection.execute("SELECT rpc_id FROM messages ORDER BY id DESC").fetchone() == ("39",)
