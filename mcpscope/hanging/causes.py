"""Why a session hangs: who owes whom an answer since when, and what stands in the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mcpscope.control.registry import Running, running
from mcpscope.engine.clock import ClientClocks
from mcpscope.errors import Exit, ScopeError
from mcpscope.hanging.processes import Process, servers_of, unread_by_client
from mcpscope.hanging.upstream import listener, place_of, unreachable
from mcpscope.store.directory import Directory, SessionInfo, of_journal
from mcpscope.store.owed import Owed, last_stderr, owed
from mcpscope.store.reading import reading

Duration = Callable[[int], str]
"""How a time in nanoseconds is written."""

PIPE_FULL_BYTES = 4096
BUSY_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that stands in the way: a stable word, a sentence, and what to do ("" where nothing)."""

    code: str
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``waiting`` are requests without an answer, ``stderr`` the server's last words and when (unix ns)."""

    info: SessionInfo
    waiting: list[Owed]
    causes: list[Cause]
    stderr: tuple[int, str] | None

    @property
    def last_words(self) -> tuple[int, str] | None:
        """The last words where they may tell something: somebody waits, or the server has left."""
        return self.stderr if self.waiting or self.info.ended_at else None


def diagnose(db: Path, session: str, duration: Duration) -> Diagnosis:
    """What keeps ``session`` (number, name or label; "" for the newest) waiting; raises ScopeError.

    It watches processes for a fraction of a second and asks the proxy what it holds.
    """
    with reading(db) as connection:
        directory = Directory(connection)
        info = directory.find(session) if session else next(iter(directory.newest(1)), None)
        if info is None:
            raise ScopeError("no session is recorded", code="no_session", exit=Exit.STORE)
        waiting = owed(connection, info.id)
        stderr = last_stderr(connection, info.id)
    entry = next((found for found in running() if _has(found, info)), None)
    causes = list(_causes(info, waiting, entry, duration))
    return Diagnosis(info, waiting, causes, stderr)


def _has(entry: Running, info: SessionInfo) -> bool:
    return bool(entry.db) and any(found.id == info.id for found in of_journal(Path(entry.db), entry.uid))


def _causes(
    info: SessionInfo, waiting: list[Owed], entry: Running | None, duration: Duration
) -> Iterator[Cause]:
    """The nearest cause first; the requests that wait come last, for they are what is seen of it."""
    if entry is not None:
        yield from _held(entry)
        yield from _processes(entry, waiting)
    elif info.ended_at is None:
        yield Cause(
            "proxy-gone", "the proxy of this session is gone, and with it the session", "start it again"
        )
    elif waiting:
        yield Cause("ended", f"the session has ended ({info.ending}); what waited then was never answered")
    if not waiting:
        yield Cause("idle", "nobody waits for an answer")
    for item in waiting:
        yield _of_owed(item, waiting, info, duration)


def _held(entry: Running) -> Iterator[Cause]:
    try:
        with entry.dial("mcpscope why") as control:
            holds = control.call("scope/holds/list")
    except (ScopeError, OSError):
        return
    for hold in holds if isinstance(holds, list) else holds.get("holds", []):
        about = " ".join(str(hold[key]) for key in ("method", "name") if hold.get(key))
        yield Cause(
            "held",
            f"{about} is held by {hold.get('rule') or 'a breakpoint'} until somebody decides",
            f"mcpscope holds continue {hold['id']}, or mcpscope ui",
        )


def _processes(entry: Running, waiting: list[Owed]) -> Iterator[Cause]:
    left = unread_by_client(entry.pid) if entry.command else 0
    if left >= PIPE_FULL_BYTES:
        yield Cause("client-not-reading", f"the client does not read: {left:,} bytes wait for it")
    found = servers_of(entry.pid)
    asked = any(item.dir == "c2s" for item in waiting)
    asks = any(item.dir == "s2c" for item in waiting) or left >= PIPE_FULL_BYTES
    for process in found:
        if (cause := _of_process(process, asked=asked, asks=asks)) is not None:
            yield cause
    if entry.command and not entry.address and not found:
        yield Cause("exited", "the server's process is gone")
    if entry.url and asked:
        yield from _remote(entry.url, asks=asks)


def _remote(url: str, *, asks: bool) -> Iterator[Cause]:
    """A server that is reached by its URL: is anybody there, and if it runs here, what does it do?"""
    host, port = place_of(url)
    processes = listener(host, port)
    for process in processes:
        if (cause := _of_process(process, asked=True, asks=asks)) is not None:
            yield cause
    why = unreachable(host, port) if host and port and not processes else ""
    if why:
        yield Cause("unreachable", f"nobody can be reached at {host}:{port}: {why}", "start the server again")


def _of_process(process: Process, *, asked: bool, asks: bool) -> Cause | None:
    """``asked``: the server owes an answer; ``asks``: it waits for the client."""
    who = f"the server ({process.name}, pid {process.pid})"
    if process.state == "T":
        return Cause("stopped", f"{who} is stopped", f"kill -CONT {process.pid}")
    if process.state == "Z":
        return Cause("exited", f"{who} has exited")
    if process.unread >= PIPE_FULL_BYTES:
        fix = "look where it blocks, for example with py-spy dump or gdb"
        return Cause("server-not-reading", f"{who} does not read: {process.unread:,} bytes wait for it", fix)
    if asked and process.busy >= BUSY_SHARE:
        return Cause("busy", f"{who} computes: {process.busy:.0%} of a processor")
    if asked and not asks and process.state == "S":
        return Cause("asleep", f"{who} sleeps: it waits for something itself")
    return None


def _of_owed(item: Owed, waiting: list[Owed], info: SessionInfo, duration: Duration) -> Cause:
    ended = info.ended_at is not None
    who, asker = ("server", "client") if item.dir == "c2s" else ("client", "server")
    about = f"{item.method} {item.name}".strip()
    since = "" if ended else f" for {ago(item.since, duration)}"
    if item.status == "input":
        return Cause(
            "client-owes", f"{about} waits{since} for what the server asked the client in its answer"
        )
    if item.status == "task":
        return Cause("task", f"{about} goes on as a task{since}; the server has not said that it is over")
    text = f"the {who} owes the {asker} an answer to {about}{since} (exchange {item.exchange})"
    if item.cut:
        return Cause("stream-cut", f"{text}; its HTTP stream was {item.cut}")
    if item.begun is not None:
        text += (
            f"; it has begun to answer (HTTP {item.begun}) and the stream is open"
            if item.begun
            else "; it has not begun to answer"
        )
    blocked = next((other for other in waiting if other.exchange == item.cause), None)
    if blocked is not None:
        text += f", which {blocked.method} {blocked.name} waits for".rstrip()
    if who == "server" and not ended:
        text += _patience(info.client_name, duration)
    return Cause(f"{who}-owes", text)


def _patience(client: str, duration: Duration) -> str:
    clock = ClientClocks().of(client)
    if clock.limit_ns is None:
        return f"; {client or 'the client'} waits as long as it takes ({clock.source.value})"
    return (
        f"; {client or 'the client'} gives up after about {duration(clock.limit_ns)} ({clock.source.value})"
    )


def ago(at: int, duration: Duration) -> str:
    """How long ago ``at`` (unix ns) was."""
    return duration(max(0, time.time_ns() - at))
