"""The journal's writer: what it writes can be read, and no fault of the disk is silent or raised."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcpscope.store import journal as writer
from mcpscope.store.journal import Journal
from mcpscope.store.records import Dir, Record, RecordType
from mcpscope.store.tail import Tail

pytestmark = pytest.mark.timeout(60)


class Faults(list[str]):
    """Collects the lines of ``on_fault``."""

    __call__ = list.append


def make(folder: Path, **options: bool) -> tuple[Journal, Faults]:
    faults = Faults()
    return Journal(f"{folder}/j.journal/1-2-3", faults, **options), faults


def read(journal: Journal) -> list[Record]:
    tail = Tail(Path(journal.folder))
    found: list[Record] = []
    while records := tail.read():
        found += records
    assert not any(b'"damaged":true' in record.payload for record in found if record.type == RecordType.GAP)
    tail.close()
    return found


def test_records_come_back_in_order_with_times_that_never_fall(tmp_path: Path) -> None:
    journal, faults = make(tmp_path)
    assert journal.open()
    for number in range(100):
        assert journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, number, b"x" * (number + 1), flags=number)
    journal.close()
    found = read(journal)
    assert [(record.stream, record.flags, len(record.payload)) for record in found] == [
        (number, number, number + 1) for number in range(100)
    ]
    assert sorted(record.at for record in found) == [record.at for record in found]
    assert not faults


@pytest.mark.parametrize("size", [100, 70_000, (1 << 20) + 5, 20 << 20])
def test_payloads_of_any_size_span_segments(tmp_path: Path, size: int) -> None:
    journal, _ = make(tmp_path)
    assert journal.open()
    payloads = [bytes([number % 251]) * size for number in range(max(3, (3 << 20) // size))]
    for payload in payloads:
        assert journal.append(RecordType.CHUNK, Dir.TO_CLIENT, 1, 0, memoryview(payload))
    journal.close()
    assert [record.payload for record in read(journal)] == payloads
    assert len(list(Path(journal.folder).glob("*.seg"))) >= 2
    assert (
        sum(path.stat().st_size for path in Path(journal.folder).glob("*.seg")) < sum(map(len, payloads)) * 2
    )


def test_records_written_together_are_read_as_if_written_one_by_one(tmp_path: Path) -> None:
    journal, faults = make(tmp_path)
    assert journal.open()
    for size in (1, 100_000, 600_000):
        together = [
            (int(RecordType.STREAM_OPEN), int(Dir.TO_SERVER), 1, 7, b'{"a":1}', 0),
            (int(RecordType.CHUNK), int(Dir.TO_SERVER), 1, 7, b"x" * size, 1),
        ]
        assert journal.append_all(together)
        assert journal.append(RecordType.EOF, Dir.TO_SERVER, 1, 7, b"{}")
    journal.close()
    found = read(journal)
    assert [record.type for record in found] == [
        RecordType.STREAM_OPEN,
        RecordType.CHUNK,
        RecordType.EOF,
    ] * 3
    assert [len(record.payload) for record in found[1::3]] == [1, 100_000, 600_000]
    assert [record.flags for record in found[:3]] == [0, 1, 0]
    assert sorted(record.at for record in found) == [record.at for record in found]
    assert not faults


def test_records_that_cannot_be_written_together_are_all_counted(tmp_path: Path) -> None:
    blocked = tmp_path / "j.journal"
    blocked.write_text("")
    journal, faults = make(tmp_path)
    assert not journal.append_all(
        [
            (int(RecordType.STREAM_OPEN), int(Dir.TO_SERVER), 1, 7, b'{"a":1}', 0),
            (int(RecordType.CHUNK), int(Dir.TO_SERVER), 1, 7, b"lost", 1),
            (int(RecordType.STREAM_CLOSE), int(Dir.NONE), 1, 7, b"{}", 0),
        ]
    )
    blocked.unlink()
    journal.close()
    found = read(journal)
    assert [record.type for record in found] == [
        RecordType.STREAM_OPEN,
        RecordType.GAP,
        RecordType.STREAM_CLOSE,
    ]
    assert json.loads(found[1].payload)["bytes"] == 4
    assert len(faults) == 1


def test_files_are_this_users_alone_and_the_lock_is_held(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        journal, _ = make(tmp_path)
        assert journal.open()
    finally:
        os.umask(old)
    folder = Path(journal.folder)
    assert {folder.stat().st_mode & 0o777, folder.parent.stat().st_mode & 0o777} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    with (folder / "lock").open("rb") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    journal.close()
    with (folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_durable_records_are_written_too(tmp_path: Path) -> None:
    journal, _ = make(tmp_path, durable=True)
    assert journal.open()
    assert journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, 0, b"x")
    assert [record.payload for record in read(journal)] == [b"x"]
    journal.close()


def test_a_journal_that_cannot_begin_says_so_once_and_begins_later(tmp_path: Path) -> None:
    blocked = tmp_path / "j.journal"
    blocked.write_text("a file where the folder should be")
    journal, faults = make(tmp_path)
    assert not journal.open()
    assert not journal.append(RecordType.SESSION_OPEN, Dir.NONE, 1, 0, b'{"label":"x"}')
    assert not journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, 0, b"one\ntwo\nthr")
    assert not journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, 0, b"ee\n")
    assert not journal.append(RecordType.CHUNK, Dir.TO_CLIENT, 1, 0, b"answer\nhalf")
    assert len(faults) == 1
    blocked.unlink()
    until_recovered(journal)
    journal.close()
    found = read(journal)
    assert [record.type for record in found] == [
        RecordType.SESSION_OPEN,
        RecordType.GAP,
        RecordType.GAP,
        RecordType.CHUNK,
    ]
    up, down = (json.loads(record.payload) for record in found[1:3])
    assert (up["messages"], up["bytes"], up["boundary"]) == (3, 14, True)
    assert (down["messages"], down["bytes"], down["boundary"]) == (1, 11, False)
    assert "Not a directory" in up["reason"] or "exists" in up["reason"]


def until_recovered(journal: Journal) -> None:
    """Append until it works; fails after 20 s."""
    end = time.monotonic() + 20
    journal._retry_at = 0.0  # the next append may try at once
    while not journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, 0, b"again\n"):
        assert time.monotonic() < end


def test_the_close_of_a_journal_tells_of_a_gap_if_it_can(tmp_path: Path) -> None:
    (tmp_path / "j.journal").write_text("")
    journal, _ = make(tmp_path)
    journal.open()
    journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, 0, b"lost\n")
    (tmp_path / "j.journal").unlink()
    journal.close()
    assert [record.type for record in read(journal)] == [RecordType.GAP]


def test_a_backlog_at_its_bound_is_a_fault_until_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BOUND_BYTES", 5 << 20)
    journal, faults = make(tmp_path)
    assert journal.open()
    kept = 0
    while journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, 0, b"x" * 99_999 + b"\n"):
        kept += 1
        assert kept < 100
    assert len(faults) == 1
    assert "wait to be recorded" in faults[0]
    for path in sorted(Path(journal.folder).glob("*.seg"))[:-1]:
        path.unlink()
    until_recovered(journal)
    journal.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"mounting a small tmpfs is not permitted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Take what is left of the disk that ``path`` is on."""
    ballast = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(ballast, b"x" * 4096)
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(ballast)


def test_a_full_disk_is_counted_and_got_over(small_disk: Path) -> None:
    journal, faults = make(small_disk)
    assert journal.open()
    fill(small_disk / "ballast")
    kept = lost = 0
    for _ in range(100):
        if journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, 0, b"y" * 49_999 + b"\n"):
            kept += 1
        else:
            lost += 1
    assert lost
    assert faults == ["No space left on device"]
    (small_disk / "ballast").unlink()
    until_recovered(journal)
    journal.close()
    found = read(journal)
    gaps = [json.loads(record.payload) for record in found if record.type == RecordType.GAP]
    assert sum(gap["messages"] for gap in gaps) == lost
    assert sum(record.type == RecordType.CHUNK for record in found) == kept + 1


def test_a_record_is_cheap(tmp_path: Path) -> None:
    journal, _ = make(tmp_path)
    assert journal.open()
    payload = b"x" * 200
    best = min(_round(journal, payload) for _ in range(30))
    journal.close()
    assert best < 20e-6, f"{best * 1e6:.1f} us"


def _round(journal: Journal, payload: bytes) -> float:
    begun = time.perf_counter()
    for _ in range(1000):
        journal.append(RecordType.CHUNK, Dir.TO_SERVER, 1, 0, payload)
    return (time.perf_counter() - begun) / 1000
