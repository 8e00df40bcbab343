"""The book of limits: one for all processes, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from mcpscope.engine.limits import BookFault, Limit, Refused, Want
from mcpscope.store.limits import LEASE_NS, LimitBook
from tests.program import ROOT

SECOND = 1_000_000_000
DAY = 86400 * SECOND
SPENDER = """
import sys, time
from decimal import Decimal
from mcpscope.engine.limits import BookFault, Limit, Want
from mcpscope.store.limits import LimitBook
book = LimitBook(sys.argv[1])
want = Want("k", Decimal(1), Limit(86400 * 10**9, Decimal(60)))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(40):
    try:
        if isinstance(book.reserve([want], time.time_ns()), tuple):
            print("spent", flush=True)
    except BookFault:
        pass
"""


def book(tmp_path: Path) -> LimitBook:
    return LimitBook(str(tmp_path / "deep" / "limits.db"))


def want(amount: int = 1, most: int = 3) -> Want:
    return Want("k", Decimal(amount), Limit(DAY, Decimal(most)))


def test_three_at_once_spend_no_more_than_there_is_though_one_is_killed(tmp_path: Path) -> None:
    path = str(tmp_path / "limits.db")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    three = [subprocess.Popen([sys.executable, "-c", SPENDER, path], **pipes) for _ in range(3)]
    for one in three:
        assert one.stdout is not None and one.stdin is not None
        assert one.stdout.readline() == "ready\n"
    for one in three:
        one.stdin.write("go\n")
        one.stdin.flush()
    assert three[0].stdout.readline() == "spent\n"
    three[0].send_signal(signal.SIGKILL)
    # Read from where the first line came: communicate() would not know what was read ahead with it.
    spent = 1 + sum(one.stdout.read().count("spent") for one in three)
    for one in three:
        one.communicate(timeout=60)
    with closing(sqlite3.connect(path)) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM spent").fetchone()
    # The killed one may have spent one more than it could tell.
    assert rows in (spent, spent + 1) and rows <= 60
    assert rows == 60 or spent < 60
    again = LimitBook(path)
    left = [again.reserve([want(most=60)], time.time_ns()) for _ in range(61 - rows)]
    assert [isinstance(one, tuple) for one in left] == [True] * (60 - rows) + [False]


def test_what_is_given_back_can_be_spent_again_until_its_lease_ends(tmp_path: Path) -> None:
    one, other = book(tmp_path), book(tmp_path)
    marks = one.reserve([want(3)], 1 * DAY)
    assert isinstance(other.reserve([want()], 1 * DAY + 1), Refused)
    assert isinstance(marks, tuple)
    one.give_back(marks, 1 * DAY + 2)
    kept = other.reserve([want(2)], 1 * DAY + 3)
    assert isinstance(kept, tuple)
    other.keep(kept)
    other.give_back(kept, 1 * DAY + 4)
    assert isinstance(one.reserve([want(2)], 1 * DAY + 5), Refused)
    late = one.reserve([want(1)], 1 * DAY + 6)
    assert isinstance(late, tuple)
    one.give_back(late, 1 * DAY + 6 + LEASE_NS + 1)
    assert isinstance(one.reserve([want(1)], 1 * DAY + 7 + LEASE_NS), Refused)


def test_the_file_is_private_and_old_rows_go(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        found = book(tmp_path)
        for number in range(600):
            found.reserve([want(1)], number * DAY)
    finally:
        os.umask(old)
    for path in (tmp_path / "deep").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700
    with closing(sqlite3.connect(tmp_path / "deep" / "limits.db")) as connection:
        assert connection.execute("SELECT count(*) FROM spent").fetchone()[0] < 300


def test_a_book_that_cannot_be_used_says_so_and_one_that_was_taken_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "limits.db"
    found = book(tmp_path)
    assert isinstance(found.reserve([want(3)], DAY), tuple)
    path.unlink()
    with pytest.raises(BookFault, match="limits"):
        found.reserve([want()], DAY)
    for left in path.parent.iterdir():
        left.unlink()
    assert isinstance(found.reserve([want()], DAY), tuple)
    found.close()
    path.write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(BookFault):
        found.reserve([want()], DAY)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BookFault):
        found.reserve([want()], DAY)


def test_a_book_that_somebody_keeps_locked_is_not_waited_for_long(tmp_path: Path) -> None:
    found = book(tmp_path)
    found.reserve([want()], DAY)
    with closing(sqlite3.connect(tmp_path / "deep" / "limits.db", isolation_level=None)) as locker:
        locker.execute("BEGIN IMMEDIATE")
        with pytest.raises(BookFault, match="locked"):
            found.reserve([want()], DAY)
        locker.execute("ROLLBACK")
    assert isinstance(found.reserve([want()], DAY), tuple)


def test_after_one_that_waited_in_vain_others_do_not_wait(tmp_path: Path) -> None:
    found = book(tmp_path)
    assert isinstance(found.reserve([want()], SECOND), tuple)
    with closing(sqlite3.connect(tmp_path / "deep" / "limits.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BookFault):
            found.reserve([want()], SECOND)
        before = time.monotonic()
        for _ in range(20):
            with pytest.raises(BookFault, match="locked"):
                found.reserve([want()], SECOND)
        assert time.monotonic() - before < 10  # one after the other they would wait for 20 s
        other.execute("ROLLBACK")
    assert isinstance(found.reserve([want()], SECOND), tuple)


def test_what_is_gone_already_gives_nobody_else_s_share_back(tmp_path: Path) -> None:
    found = book(tmp_path)
    early = found.reserve([want()], SECOND)
    assert isinstance(early, tuple)
    found.forget("k")
    for _ in range(3):
        assert isinstance(found.reserve([want()], SECOND), tuple)
    found.give_back(early, SECOND)
    assert isinstance(found.reserve([want()], SECOND), Refused)


def test_what_is_spent_is_told_and_can_be_given_back(tmp_path: Path) -> None:
    found = book(tmp_path)
    kept, way = found.reserve([want(1)], DAY), found.reserve([want(2)], DAY + 5)
    assert isinstance(kept, tuple) and isinstance(way, tuple)
    found.keep(kept)
    (one,) = found.counted(DAY + 6)
    assert (one.key, one.used, one.on_their_way, one.first_free) == ("k", Decimal(3), 1, 2 * DAY)
    assert found.counted(3 * DAY) == []
    assert found.forget("k") == 2 and found.counted(DAY + 6) == []


def test_amounts_are_summed_exactly_however_large_and_small(tmp_path: Path) -> None:
    found = book(tmp_path)
    for amount in ("0.1", "0.2", "0.0000001", "123456789012345678"):
        one = Want("k", Decimal(amount), Limit(DAY, Decimal("123456789012345678.3000001")))
        assert isinstance(found.reserve([one], DAY), tuple), amount
    one = Want("k", Decimal("0.0000001"), Limit(DAY, Decimal("123456789012345678.3000001")))
    assert isinstance(found.reserve([one], DAY), Refused)
