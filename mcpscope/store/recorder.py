"""The recorder: a process of its own that brings one proxy's journal into the database.

``python -m mcpscope.store.recorder JOURNAL_FOLDER DATABASE``. It ends when the proxy is gone and everything
is stored: exit 0. Exit 5 means that this database will never do (a newer version, not ours, damaged): the
journal stays, and starting the recorder again is no use. Any other end is a death: start it again.
"""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

from mcpscope.errors import Exit, ScopeError
from mcpscope.store.follow import Follower, lock_recorder
from mcpscope.store.recovery import recover
from mcpscope.store.tail import NewerJournal, Tail

SHORTEST_WAIT_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 0.05
RETRY_SECONDS = 0.25
GIVE_UP_SECONDS = 60.0  # the proxy is gone and the database still refuses: the next start takes it in
NICENESS = 10
IDLE_BEFORE_TIDYING = 20
IDLE_BEFORE_ALONE = 5  # without a scribe again: what it takes is memory
MANY_RECORDS = 64
RECOVER_SECONDS = 0.5
RECOVER_EVERY_SECONDS = 5.0
CHECKPOINT_SECONDS = 1.0  # how old the gate may find it while traffic never pauses


def main(argv: list[str]) -> int:
    """Follow the journal named in ``argv`` to its end."""
    folder, db = Path(argv[0]), Path(argv[1])
    _step_back()
    _spare_the_collector()
    try:
        lock = lock_recorder(folder)
    except FileNotFoundError:
        return Exit.OK
    if lock < 0:
        return Exit.OK  # another recorder is at it
    try:
        return _follow(Follower(folder, db, may_have_scribe=True), db)
    except ScopeError as error:
        _say(f"NOT STORED: {error.message}; the journal stays in {folder}")
        return Exit.STORE
    except NewerJournal:
        return Exit.STORE
    finally:
        os.close(lock)


def _follow(follower: Follower, db: Path) -> int:
    trouble = _Trouble(follower.folder)
    pauses = _Pauses(follower, db)
    while not follower.finished:
        try:
            count = follower.step()
            trouble.over()
        except (sqlite3.Error, OSError) as error:
            if not trouble.goes_on(error):
                return 1
            continue
        if not follower.finished:
            pauses.after(count)
    _recover_others(db, None)
    return 0


class _Pauses:
    """How long to wait between two looks at the journal, and what is done meanwhile."""

    def __init__(self, follower: Follower, db: Path) -> None:
        self._follower = follower
        self._db = db
        self._wait = SHORTEST_WAIT_SECONDS
        self._idle = 0
        self._checkpoint_at = 0.0
        self._recover_at = 0.0

    def after(self, count: int) -> None:
        """``count`` records were stored: go on at once where that were many."""
        if count:
            self._wait, self._idle = SHORTEST_WAIT_SECONDS, 0
            if time.monotonic() > self._checkpoint_at:
                self._follower.checkpoint()
                self._checkpoint_at = time.monotonic() + CHECKPOINT_SECONDS
        elif self._wait >= LONGEST_WAIT_SECONDS:
            self._when_idle()
        if count < MANY_RECORDS:
            time.sleep(self._wait)
            self._wait = min(self._wait * 1.3, LONGEST_WAIT_SECONDS)

    def _when_idle(self) -> None:
        self._follower.checkpoint()
        self._idle += 1
        if self._idle == (IDLE_BEFORE_ALONE if self._follower.has_scribe else IDLE_BEFORE_TIDYING):
            self._follower.tidy()
        if time.monotonic() > self._recover_at:
            # A little at a time: our own proxy may go on talking.
            _recover_others(self._db, RECOVER_SECONDS)
            self._recover_at = time.monotonic() + RECOVER_EVERY_SECONDS


class _Trouble:
    """A database that refuses: said once, waited for as long as the proxy lives and a minute more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said = False
        self._alone_since = 0.0

    def over(self) -> None:
        if self._said:
            _say("the database takes the recording again")
        self._said = False
        self._alone_since = 0.0

    def goes_on(self, error: Exception) -> bool:
        """Wait a little; False when it is time to leave the journal to the next start."""
        if not self._said and not _is_busy(error):
            _say(f"the database does not take the recording ({error}); it waits in {self._folder}")
            self._said = True
        tail = Tail(self._folder)
        alive = tail.writer_lives()
        tail.close()
        now = time.monotonic()
        if alive:
            self._alone_since = 0.0
        elif not self._alone_since:
            self._alone_since = now
        time.sleep(RETRY_SECONDS)
        return alive or now - self._alone_since < GIVE_UP_SECONDS


def _is_busy(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return (code & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _recover_others(db: Path, seconds: float | None) -> None:
    try:
        recover(db, seconds=seconds)
    except (sqlite3.Error, OSError, ScopeError):
        pass  # they stay where they are; our own journal will meet the same trouble and say so


def _spare_the_collector() -> None:
    """What a batch allocates is gone at its end: looking for cycles in it takes a sixth of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


def _step_back() -> None:
    """Leave the processor to the wire, and the terminal's signals to the proxy."""
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        if os.getpriority(os.PRIO_PROCESS, 0) < NICENESS:
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except (OSError, AttributeError):
        pass  # a courtesy, and not every system has it


def _say(text: str) -> None:
    try:
        os.write(2, f"mcpscope: {text}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # nobody reads our standard error any more


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
