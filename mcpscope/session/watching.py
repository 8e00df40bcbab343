"""Files that are looked at again and again: when they have changed and are still, somebody is told."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from mcpscope.errors import Exit, ScopeError

if TYPE_CHECKING:
    from mcpscope.transports.loop import Loop

LOOK_SECONDS = 0.5
SHARE = 0.02  # of the time at most is spent looking
MOST_FILES = 20_000
_NOT_LOOKED_AT = frozenset(
    {".git", ".hg", "__pycache__", "node_modules", ".venv", ".mypy_cache", ".ruff_cache"}
)


class Watching:
    """``changed`` is called once for each change of ``paths`` (files, or folders with all in them)."""

    def __init__(self, loop: Loop, paths: Sequence[str], changed: Callable[[], None]) -> None:
        """Raises ScopeError for a path that is not there."""
        for path in paths:
            if not os.path.exists(path):
                raise ScopeError(f"--watch {path}: there is no such file", code="usage", exit=Exit.USAGE)
        self._loop = loop
        self._paths = list(paths)
        self._changed = changed
        self._told = self._seen = self._look()
        self._again(0.0)

    def __repr__(self) -> str:
        return f"<Watching {self._paths}>"

    def _again(self, took: float) -> None:
        self._loop.call_later(max(LOOK_SECONDS, took / SHARE), self._tick)

    def _tick(self) -> None:
        began = monotonic()
        found = self._look()
        still, self._seen = found == self._seen, found
        if still and found != self._told:
            self._told = found
            self._changed()
        self._again(monotonic() - began)

    def _look(self) -> dict[str, tuple[int, int]]:
        """Modification time and size by path; a file that cannot be looked at is not there."""
        found: dict[str, tuple[int, int]] = {}
        waiting = list(self._paths)
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
                else:
                    found[path] = (seen.st_mtime_ns, seen.st_size)
            except OSError:
                continue
        return found
