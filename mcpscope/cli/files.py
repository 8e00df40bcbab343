"""Where a command writes: a file that appears whole or not at all, or stdout."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mcpscope.errors import Exit, ScopeError


@contextmanager
def writing_to(path: str | None) -> Iterator[BinaryIO]:
    """stdout for None and ``-``; else a new file, only this user's, in place when it is complete."""
    if path in (None, "-"):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path or "")
    if not target.name or target.is_dir():
        raise _cannot(target, IsADirectoryError(errno.EISDIR, "is a directory"))
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        file = os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb")
    except OSError as error:
        raise _cannot(target, error) from error
    try:
        with file:
            yield file
        part.rename(target)
    except OSError as error:
        raise _cannot(target, error) from error
    finally:
        part.unlink(missing_ok=True)


def _cannot(path: Path, error: OSError) -> ScopeError:
    reason = (error.strerror or str(error)).lower()
    return ScopeError(
        f"{path} cannot be written: {reason}",
        code="cannot_write",
        exit=Exit.USAGE,
        hint="name another with -o",
    )
