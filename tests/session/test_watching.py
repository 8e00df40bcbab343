"""What is watched is looked at by a process that ends with us; a change is told when it is over."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from time import time_ns

import pytest

from mcpscope.errors import ScopeError
from mcpscope.session.looking import changes, look
from mcpscope.session.watching import Watching
from tests.program import until


def test_links_in_circles_end(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "server.py").write_text("x")
    assert len(look([str(tmp_path)])) == 1


def test_a_change_is_told_once_and_only_when_it_is_over() -> None:
    one, half, two = ({"a": (at, 1)} for at in (1, 2, 3))
    assert list(changes(iter([one, one, half, two, two, two, one, one]))) == [
        *(False, False, False, True, False, False, True)
    ]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScopeError, match="no such file"):
        Watching(asyncio.new_event_loop(), [str(tmp_path / "none")], lambda: None)


def test_a_process_looks_and_ends_with_who_started_it(tmp_path: Path) -> None:
    source = tmp_path / "server.py"
    source.write_text("one")
    (tmp_path / "older.py").write_text("the same")
    assert look([str(tmp_path)], time_ns()) == look([str(tmp_path)])

    async def told() -> int:
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        watching = Watching(loop, [str(tmp_path)], heard.set)
        source.write_text("two")  # before it has looked for the first time
        async with asyncio.timeout(60):
            await heard.wait()
        os.close(watching._held)
        loop.remove_reader(watching._news)
        return watching._pid

    pid = asyncio.run(told())
    try:
        until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid)
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise
