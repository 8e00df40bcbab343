"""Requests of the person at the UI: from a client of our own, or through a session that runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcpscope.errors import ScopeError
from mcpscope.store.listed import SessionRow
from mcpscope.tui import later
from mcpscope.tui.links import Link

if TYPE_CHECKING:
    from mcpscope.replay.caller import Caller

PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Composition:
    """A request to be written: ``part`` of its params is what is edited ("": all of them).

    ``start`` is what it begins with; ``was`` the answer that such a request got before, as JSON.
    """

    label: str
    method: str
    fixed: dict[str, Any]
    part: str
    schema: dict[str, Any] | None
    start: str = "{}"
    was: bytes | None = None
    again: bool = False

    @property
    def name(self) -> str:
        """What it is about."""
        return str(self.fixed.get("name") or self.fixed.get("uri") or self.method)

    def params(self, value: Any) -> dict[str, Any]:
        """The params that say ``value``."""
        if self.part:
            return {**self.fixed, self.part: value}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a request is said from. ``link`` and ``session``: into that session, marked as ours."""

    title: str
    target: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    link: Link | None = None
    session: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how long."""

    body: dict[str, Any]
    took_ns: int

    @property
    def source(self) -> bytes:
        """The answer as JSON."""
        return json.dumps(self.body, ensure_ascii=False).encode("utf-8", "surrogatepass")


@dataclass(slots=True)
class Sender:
    """Speaks for the person. A client of our own stays until its composer is left. Used from threads."""

    db: Path
    name: str
    drafts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _callers: dict[tuple[str, ...], Caller] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, seat: Seat, method: str, params: dict[str, Any]) -> Answer:
        """Ask and wait for the answer, on the caller's thread; raises ScopeError."""
        began = time.monotonic_ns()
        if seat.link is not None:
            with seat.link.entry.dial(self.name) as control:
                body = later.caller.inject(control, method, params, PATIENCE_SECONDS, seat.session)
            return Answer(body, time.monotonic_ns() - began)
        with self._lock:
            caller = self._callers.get(seat.target)
            if caller is None:
                own = later.caller.Caller(seat.target, self.db, PATIENCE_SECONDS, seat.options)
                caller = own.__enter__()
                self._callers[seat.target] = caller
        began = time.monotonic_ns()
        try:
            return Answer(caller.ask(method, params), time.monotonic_ns() - began)
        except ScopeError:
            self.leave()
            raise

    def leave(self) -> None:
        """End our own clients; whoever waits for an answer is told that it ended."""
        callers, self._callers = list(self._callers.values()), {}
        for caller in callers:
            threading.Thread(target=caller.close, name="leaving", daemon=True).start()


def seats(sessions: Sequence[SessionRow], links: Sequence[Link]) -> list[Seat]:
    """Where a request to the server of these sessions (the newest last) can be said from, the usual first."""
    if not sessions:
        return []
    newest, live = _spoken_to(sessions, links)
    found: list[Seat] = []
    if live is not None and (address := live.entry.address):
        found.append(Seat(f"a client of our own at {address}", (address,), ("--no-record",)))
    elif target := target_of(newest):
        label = ("--label", newest.label) if newest.label else ()
        what = target[0] if len(target) == 1 else " ".join(target[1:])
        found.append(Seat(f"a client of our own, with a server of its own: {what}", target, label))
    if live is not None:
        number = int(newest.uid.rpartition(".")[2] or 0)
        inject_seat = Seat(f"the running session {newest.title}, marked as ours", link=live, session=number)
        ours = newest.client_name == later.caller.CLIENT["name"]
        found.insert(0 if ours else len(found), inject_seat)
    return found


def _spoken_to(sessions: Sequence[SessionRow], links: Sequence[Link]) -> tuple[SessionRow, Link | None]:
    """The session that is meant: the newest live one of somebody else, else the oldest live one, else any."""
    by_uid = {link.entry.uid: link for link in links}
    live = [session for session in sessions if session.proxy in by_uid and session.ended_at is None]
    others = [session for session in live if session.client_name != later.caller.CLIENT["name"]]
    found = others[-1] if others else live[0] if live else sessions[-1]
    return found, by_uid.get(found.proxy)


def target_of(session: SessionRow) -> tuple[str, ...]:
    """The server of a session as Caller takes it; () where the recording does not say."""
    if session.url:
        return (session.url,)
    try:
        words = json.loads(session.command) if session.command else []
    except ValueError:
        return ()
    return ("--", *map(str, words)) if isinstance(words, list) and words else ()
