"""Files that a process of ours looks at, off the wire's time: when they have changed, somebody is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from time import time_ns
from typing import TYPE_CHECKING

from mcpscope.errors import Exit, ScopeError
from mcpscope.store.own_process import own_process

if TYPE_CHECKING:
    from mcpscope.transports.loop import Loop

AGAIN_SECONDS = 5.0
CLOCK_STEP_NS = 10_000_000
"""Files are dated by a clock that goes in steps, and may so lie in the past when they are written."""


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
        self._pid = 0
        self._news = -1
        self._held = -1
        """Open as long as we live: the process ends when it closes."""
        self._start(time_ns() - CLOCK_STEP_NS)

    def __repr__(self) -> str:
        return f"<Watching {self._paths} pid={self._pid}>"

    def _start(self, since: int) -> None:
        theirs, self._held = os.pipe()
        self._news, out = os.pipe()
        os.set_blocking(self._news, False)
        actions = [(os.POSIX_SPAWN_DUP2, theirs, 0), (os.POSIX_SPAWN_DUP2, out, 1)]
        argv = own_process("mcpscope.session.looking", str(since), *self._paths)
        # In a group of its own the terminal's signals are not for it.
        self._pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions, setpgroup=0)
        os.close(theirs)
        os.close(out)
        self._loop.add_reader(self._news, self._heard)

    def _heard(self) -> None:
        try:
            said = os.read(self._news, 4096)
        except BlockingIOError:
            return
        if said:
            self._changed()
            return
        self._loop.remove_reader(self._news)
        os.close(self._news)
        os.close(self._held)
        os.waitpid(self._pid, 0)
        self._loop.call_later(AGAIN_SECONDS, self._start, time_ns() - CLOCK_STEP_NS)
