"""A process that looks at files again and again: a line on standard output for each change that is over.

Its arguments are the time (unix ns) from which on changes count, and the paths. It ends when its standard
input does: with whoever has started it.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Iterator, Sequence
from time import monotonic

LOOK_SECONDS = 0.5
SHARE = 0.02  # of the time at most is spent looking
MOST_FILES = 20_000
NICENESS = 10
_NOT_LOOKED_AT = frozenset(
    {".git", ".hg", "__pycache__", "node_modules", ".venv", ".mypy_cache", ".ruff_cache"}
)

Seen = dict[str, tuple[int, int]]
"""Modification time and size by path; a file that cannot be looked at is not there."""


def look(paths: Sequence[str], before: int | None = None) -> Seen:
    """All files of ``paths`` and of the folders among them, however links lead; MOST_FILES at most.

    ``before`` leaves out what was written since then (by the kernel's clock, which nobody sets).
    """
    found: Seen = {}
    waiting = list(paths)
    entered: set[tuple[int, int]] = set()  # links may lead in circles
    while waiting and len(found) < MOST_FILES:
        path = waiting.pop()
        try:
            seen = os.stat(path)
            if stat.S_ISDIR(seen.st_mode):
                if (seen.st_dev, seen.st_ino) in entered:
                    continue
                entered.add((seen.st_dev, seen.st_ino))
                with os.scandir(path) as entries:
                    waiting += [one.path for one in entries if one.name not in _NOT_LOOKED_AT]
            elif before is None or seen.st_ctime_ns < before:
                found[path] = (seen.st_mtime_ns, seen.st_size)
        except OSError:
            continue
    return found


def changes(looks: Iterator[Seen]) -> Iterator[bool]:
    """For each look but the first whether a change is over: what was seen is still, and not what it was."""
    told = seen = next(looks)
    for found in looks:
        still, seen = found == seen, found
        over = still and found != told
        if over:
            told = found
        yield over


def _looks(paths: Sequence[str], since: int) -> Iterator[Seen]:
    """Until standard input ends; the first one is what there was at ``since``."""
    yield look(paths, since)
    if len(look(paths)) >= MOST_FILES:
        os.write(2, b"mcpscope: --watch looks at %d files, and there are more\n" % MOST_FILES)
    while True:
        began = monotonic()
        yield look(paths)
        rest = max(LOOK_SECONDS, (monotonic() - began) / SHARE)
        if select.select([0], [], [], rest)[0]:
            return


def main(since: int, paths: Sequence[str]) -> None:
    """Look until told to end."""
    os.nice(NICENESS)
    for over in changes(_looks(paths, since)):
        if over:
            os.write(1, b"\n")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), sys.argv[2:])
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # nobody wants to know any more
