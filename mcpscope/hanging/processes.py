"""What a proxy's server process is doing: stopped, busy or asleep, and what lies unread in its pipes.

Only Linux tells; elsewhere nothing is said of it.
"""

from __future__ import annotations

import array
import fcntl
import os
import stat
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.3
_PROC = Path("/proc")
_OURS = b"mcpscope.store.recorder"


@dataclass(frozen=True, slots=True)
class Process:
    """``state`` is the kernel's letter (R running, S asleep, D in the kernel, T stopped, Z ended).

    ``busy`` is the share of one processor it used while it was watched; ``unread`` are bytes that wait on
    its standard input, -1 for unknown.
    """

    pid: int
    name: str
    state: str
    busy: float
    unread: int


def servers_of(proxy: int) -> list[Process]:
    """The processes that the proxy has started, but for its recorder; [] where the system does not tell."""
    own = _line(proxy)  # the guard between a proxy and its server is a fork of it
    return watched([pid for pid in _descendants(proxy) if _OURS not in _line(pid) and _line(pid) != own])


def watched(pids: list[int]) -> list[Process]:
    """What these processes are doing; it takes a moment to see who computes."""
    before = {pid: seen for pid in pids if (seen := _stat(pid)) is not None}
    if not before:
        return []
    time.sleep(LOOK_SECONDS)
    ticks = os.sysconf("SC_CLK_TCK")
    found = []
    for pid, (name, _, used) in before.items():
        now = _stat(pid)
        if now is not None:
            found.append(Process(pid, name, now[1], (now[2] - used) / ticks / LOOK_SECONDS, unread(pid, "0")))
    return found


def unread_by_client(proxy: int) -> int:
    """Bytes that the proxy has written and its client has not read; 0 where that cannot be seen."""
    servers = {_pipe(pid, "0") for pid in _descendants(proxy)}
    most = 0
    with suppress(OSError):
        for link in (_PROC / str(proxy) / "fd").iterdir():
            name = _pipe(proxy, link.name)
            if name and name not in servers and not link.lstat().st_mode & stat.S_IRUSR:
                most = max(most, unread(proxy, link.name))
    return most


def unread(pid: int, descriptor: str) -> int:
    """Bytes that wait in the pipe behind a descriptor of a process; -1 where that is no pipe."""
    try:
        fd = os.open(_PROC / str(pid) / "fd" / descriptor, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        count = array.array("i", [0])
        fcntl.ioctl(fd, termios.FIONREAD, count)
    except OSError:
        return -1
    finally:
        os.close(fd)
    return count[0]


def _descendants(pid: int) -> list[int]:
    found, wanted = [], _children(pid)
    while wanted:
        child = wanted.pop(0)
        found.append(child)
        wanted += _children(child)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError, ValueError):
        for task in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def _stat(pid: int) -> tuple[str, str, int] | None:
    """Name, state and used processor time (ticks)."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return name, fields[0], int(fields[11]) + int(fields[12])


def _pipe(pid: int, descriptor: str) -> str:
    """The name of the pipe behind a descriptor, "" for anything else."""
    try:
        name = str((_PROC / str(pid) / "fd" / descriptor).readlink())
    except OSError:
        return ""
    return name if name.startswith("pipe:") else ""


def _line(pid: int) -> bytes:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
