"""Who still writes down what a stand-in recorded: a lock beside the database, held to the end of that."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from mcpscope.paths import private_dir

LOOK_SECONDS = 0.02


def hold(db: Path) -> int:
    """A descriptor that says that somebody writes; closing it (or dying) says that it is done."""
    if not db.parent.exists():
        private_dir(db.parent)
    fd = os.open(_path(db), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd


def wait_free(db: Path, seconds: float) -> bool:
    """Wait until nobody writes any more; False where that takes too long."""
    try:
        fd = os.open(_path(db), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True  # nobody ever did
    end = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > end:
                    return False
                time.sleep(LOOK_SECONDS)
    finally:
        os.close(fd)


def _path(db: Path) -> Path:
    return db.with_name(f"{db.name}.serving")
