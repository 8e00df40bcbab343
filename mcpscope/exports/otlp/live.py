"""A process of its own that sends what one proxy records to a collector, as it comes into the database.

``python -m mcpscope.exports.otlp.live PID JOURNAL DATABASE URL``. It reads the store like anybody else, so
a collector that is slow or dead costs the wire nothing: what waits is read again from the database. It ends
when everything of this proxy is sent, or some seconds after its end where the collector does not take it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from collections import OrderedDict, deque
from contextlib import closing, suppress
from pathlib import Path

from mcpscope.engine.filter.language import parse
from mcpscope.errors import ScopeError
from mcpscope.exports.masks import Masks, configured_keys
from mcpscope.exports.otlp.collector import Answer, Collector
from mcpscope.exports.otlp.request import SPANS_A_REQUEST, request
from mcpscope.exports.otlp.spans import Spans
from mcpscope.store import schema
from mcpscope.store.directory import Directory, SessionInfo
from mcpscope.store.following import Following
from mcpscope.store.query import Query
from mcpscope.text import safe

POLL_SECONDS = 0.2
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
LAST_TRIES_SECONDS = 10.0  # how long a collector may still come back once all is over
ORPHAN_SECONDS = 60.0  # the proxy is gone, and nobody brings the rest of its journal in
REMEMBERED = 50_000
MAX_WAITING = 1_000_000  # exchanges that wait for a collector; beyond them the oldest are given up
_EVERYTHING = parse("")


class Live:
    """Sends the exchanges of the sessions of one journal as they end; ``sent`` and ``lost`` count them."""

    def __init__(self, connection: sqlite3.Connection, journal: str, collector: Collector) -> None:
        self._connection = connection
        self._directory = Directory(connection)
        self._journal = journal
        self._collector = collector
        self._mask = Masks(configured_keys())
        self._following = Following(connection, _EVERYTHING)
        self._every = Query(connection, _EVERYTHING)
        self._spans: dict[int, Spans] = {}
        self._infos: dict[int, SessionInfo] = {}
        self._waiting: deque[int] = deque(maxlen=MAX_WAITING)
        self._known: OrderedDict[int, None] = OrderedDict()
        self._refused = ""
        self.sent = 0
        self.lost = 0
        self.trouble = ""

    def __repr__(self) -> str:
        return f"<Live {self._journal}: {self.sent} sent, {len(self._waiting)} waiting>"

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def complete(self) -> bool:
        """Whether nothing more will come."""
        return self._directory.journal_is_complete(self._journal)

    def gather(self) -> None:
        """Note what has ended since the last time."""
        ended = [one.seq for one in self._following.look(time.time_ns()) if one.ended_at is not None]
        if not ended and self._infos:
            return
        ours = {info.id: info for info in self._directory.of_journal(self._journal)}
        for id, info in ours.items():
            if id not in self._infos:  # what it had recorded before we looked
                known = Query(self._connection, _EVERYTHING, sessions=[id]).oldest()
                self._add([one.seq for one in known if one.ended_at is not None])
            self._infos[id] = info
        self._add([one.seq for one in self._every.among(ended) if one.session_id in ours])

    def send(self) -> float:
        """Send a request's worth; returns how many seconds to wait before the next (0 where more waits)."""
        part = [self._waiting[at] for at in range(min(SPANS_A_REQUEST, len(self._waiting)))]
        if not part:
            return POLL_SECONDS
        by_session: dict[int, list[dict[str, object]]] = {}
        for one in self._every.among(part):
            made = self._spans_of(one.session_id).span(one)
            if made is not None:
                by_session.setdefault(one.session_id, []).append(made)
        for session, spans in by_session.items():
            reply = self._collector.send(request(self._infos[session], spans, self._mask))
            if reply.answer is Answer.LATER:
                self.trouble = reply.why
                return reply.wait or -1.0
            if reply.answer is Answer.REFUSED:
                self.lost += len(spans)
            else:
                self.sent += len(spans)
            self._refused = reply.why or self._refused
        self.trouble = ""
        for _ in part:
            self._waiting.popleft()
        return 0.0

    def refused(self) -> str:
        """What a collector did not like, said once."""
        said, self._refused = self._refused, ""
        return said

    def _spans_of(self, session: int) -> Spans:
        if session not in self._spans:
            self._spans[session] = Spans(self._connection, self._infos[session], self._mask)
        self._spans[session].session = self._infos[session]  # who speaks is known better by and by
        return self._spans[session]

    def _add(self, ids: list[int]) -> None:
        for id in ids:
            if id not in self._known:
                self._known[id] = None
                self._waiting.append(id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def main(argv: list[str]) -> int:
    """Follow the proxy whose process and journal are named until all is sent; 1 says that not all was."""
    parent, folder, db, url = int(argv[0]), Path(argv[1]), Path(argv[2]), argv[3]
    _step_back()
    try:
        collector = Collector(url)
    except ScopeError as error:
        _say(error.message)
        return 0
    shown = Masks().text(collector.url)
    waiting_since = 0.0
    while True:
        try:
            with closing(schema.connect_ro(db)) as connection:
                schema.check(connection, db)
                return _follow(Live(connection, folder.name, collector), parent, shown)
        except ScopeError as error:
            _say(f"nothing is sent to {shown}: {error.message}")
            return 0
        except (sqlite3.Error, OSError):
            pass  # not made yet, or busy: the recorder's trouble, which it tells itself
        if os.getppid() != parent:
            waiting_since = waiting_since or time.monotonic()
            if time.monotonic() - waiting_since > ORPHAN_SECONDS:
                return 1
        time.sleep(POLL_SECONDS)


class _Talk:
    """What is said on standard error of one collector: trouble once, its end once, refusals as they come."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._in_trouble = False
        self._refused = ""
        self._backoff = FIRST_WAIT_SECONDS

    def about(self, live: Live, wait: float) -> float:
        """Tell what has changed; returns how long to wait, longer from time to time where nobody answers."""
        if (why := live.refused()) and why != self._refused:
            self._refused = why
            _say(f"the collector at {self._shown} did not take everything: {why}")
        if live.trouble:
            if not self._in_trouble:
                _say(f"the collector at {self._shown} cannot be reached ({live.trouble}): spans wait for it")
            self._in_trouble = True
            wait = wait if wait > 0 else self._backoff
            self._backoff = min(self._backoff * 2, LONGEST_WAIT_SECONDS)
        elif self._in_trouble:
            _say(f"the collector at {self._shown} takes spans again")
            self._in_trouble, self._backoff = False, FIRST_WAIT_SECONDS
        return wait

    def over(self, live: Live) -> None:
        _say(f"{live.waiting} exchanges were not sent to {self._shown}; mcpscope export --otlp sends them")


def _follow(live: Live, parent: int, shown: str) -> int:
    talk = _Talk(shown)
    alone_since = over_since = 0.0
    while True:
        over = live.complete  # asked before what there is: nothing comes between the two
        live.gather()
        wait = talk.about(live, live.send())
        if over and not live.waiting:
            return 1 if live.lost else 0
        now = time.monotonic()
        over_since = (over_since or now) if over and live.trouble else 0.0
        alone_since = (alone_since or now) if os.getppid() != parent else 0.0
        given_up = over_since and now - over_since > LAST_TRIES_SECONDS
        if given_up or (alone_since and not over and now - alone_since > ORPHAN_SECONDS):
            talk.over(live)
            return 1
        time.sleep(min(wait, LAST_TRIES_SECONDS / 4) if over else wait)


def _step_back() -> None:
    """Leave the terminal's signals to the proxy."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads our standard error any more
        os.write(2, f"mcpscope: {safe(text)}\n".encode())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
