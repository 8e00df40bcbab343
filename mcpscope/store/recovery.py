"""Journals that no proxy writes any more: found and brought into the database."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from mcpscope.paths import journal_root
from mcpscope.store.tail import LOCK_NAME, NewerJournal, Tail

SETTLE_POLL_SECONDS = 0.01
YOUNG_SECONDS = 60.0  # a folder without a lock is a proxy between two system calls, or one that died there


def recover(db: Path, *, seconds: float | None = None) -> int:
    """Drain the journals beside ``db`` whose proxy and recorder are gone; returns how many it finished.

    Stops after ``seconds``: what is left stays for the next start or reader. Raises ScopeError where the
    database will not do, and ``sqlite3.Error`` where it is locked or full; nothing is lost by either.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    done = 0
    for folder in abandoned(db):
        done += _drain(folder, db, deadline)
        if deadline is not None and time.monotonic() > deadline:
            break
    return done


def settle(db: Path, *, seconds: float) -> bool:
    """Wait until every session that has ended stands in the database whole; False if it took longer.

    For readers of finished recordings: a recorder may still be at work for a proxy that has just ended.
    """
    deadline = time.monotonic() + seconds
    while any(True for _ in abandoned(db)):
        if time.monotonic() > deadline:
            return False
        recover(db, seconds=deadline - time.monotonic())
        time.sleep(SETTLE_POLL_SECONDS)
    return True


def abandoned(db: Path) -> Iterator[Path]:
    """Folders of journals beside ``db`` whose writer is gone, oldest first."""
    root = journal_root(db)
    if not root.is_dir():
        return
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and not folder.is_symlink() and not _has_writer(folder):
            yield folder


def _has_writer(folder: Path) -> bool:
    try:
        if not (folder / LOCK_NAME).exists():
            return time.time() - folder.stat().st_mtime < YOUNG_SECONDS
    except FileNotFoundError:
        return True  # drained by somebody else in this moment: not ours to do
    tail = Tail(folder)
    try:
        return tail.writer_lives()
    finally:
        tail.close()


def _drain(folder: Path, db: Path, deadline: float | None) -> bool:
    from mcpscope.store.follow import Follower, lock_recorder  # a reader seldom finds anything to bring in

    try:
        lock = lock_recorder(folder)
    except FileNotFoundError:
        return False
    if lock < 0:
        return False
    follower = Follower(folder, db)
    try:
        if not any(folder.glob("*.seg")):
            shutil.rmtree(folder, ignore_errors=True)
            return True
        while not follower.finished and (deadline is None or time.monotonic() < deadline):
            follower.step()
        return follower.finished
    except NewerJournal:
        return False  # a newer mcpscope will take it in
    finally:
        follower.close()
        os.close(lock)
