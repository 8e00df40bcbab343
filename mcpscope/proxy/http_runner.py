"""A proxy with HTTP on a side from its options to its exit code: loop, journal, recorder, signals."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from mcpscope import __version__
from mcpscope.errors import Exit, ScopeError
from mcpscope.proxy.companion import Companion
from mcpscope.proxy.helm import socket_path
from mcpscope.proxy.http_fronts import BridgeFront, Front, Parts, ReverseFront, StdioFront, to_stderr
from mcpscope.proxy.http_helm import HttpHelm
from mcpscope.proxy.http_options import (
    HTTP,
    SSE,
    STDIO,
    HttpOptions,
    environment_of,
    guard_of,
    label_of,
    secrets_of,
    tls_of,
    upstream_of,
)
from mcpscope.proxy.recorder import Recorder, sender
from mcpscope.proxy.registry import Entry
from mcpscope.session.http_inject import Injected
from mcpscope.session.http_log import JournalRecord
from mcpscope.session.http_sessions import Session
from mcpscope.session.redacting import RedactedJournal, Redactor
from mcpscope.session.watching import Watching
from mcpscope.store.journal import Journal
from mcpscope.store.local_key import digest_key
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.secret_mask import Mask

FrontOf = Callable[[asyncio.AbstractEventLoop, Parts], Front]
HOUSEKEEPING_SECONDS = 0.1
CHILD_CHECK_SECONDS = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class HttpRunner:
    """Everything such a proxy's process has once. ``run`` returns the exit code."""

    def __init__(
        self, options: HttpOptions, say: Callable[[str], None], front: FrontOf | None = None
    ) -> None:
        """Checks the options and resolves secrets; raises ScopeError. ``say`` writes a line for a person.

        ``front`` makes what serves clients where that is none of the three shapes of one upstream.
        """
        self._options = options
        self._front_of = front
        mask = Mask(key=digest_key())
        self._mask, self._tell = mask, say
        self.redactor = Redactor(mask)
        options.orders.redact(self.redactor)
        url, transport, headers = None, STDIO, list(options.headers)
        if options.url:
            url, transport, headers = upstream_of(options)
            mask.add(secrets_of(url))
        env, self._env_names = environment_of(options, dict(os.environ), mask)
        self._label = label_of(options, url)
        self._started_at = time.time_ns()
        self._entry = Entry(os.getpid())
        self._companions: list[Companion] = []
        self._helm: HttpHelm | None = None
        self._serving: Front | None = None
        self._port = 0
        self._stop: asyncio.Future[str | int]
        self.journal: Any = self._make_journal() if options.record else Unrecorded()
        self.parts = Parts(
            options=options,
            url=url,
            transport=transport,
            guard=guard_of(options, mask),
            injected=Injected(headers, mask),
            mask=mask,
            env=env,
            tls=None if url is None else tls_of(options, url),
            journal=self.journal,
            say=self._say,
            opened=self._opened,
            closed=self._closed,
        )

    def __repr__(self) -> str:
        return f"<HttpRunner {self._label}>"

    def run(self) -> int:
        """Serve until a signal comes, or the client on our standard streams has gone."""
        if self._options.insecure and self.parts.tls is not None:
            self._say(f"the certificate of {self.parts.shown_url} is not verified (--insecure)")
        if isinstance(self.journal, Journal):
            opened = self.journal.open()
            if not opened and self.journal.required:
                raise ScopeError(
                    f"cannot record in {self.journal.folder} ({self.journal.fault})",
                    code="record",
                    exit=Exit.STORE,
                )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(self._serve())

    async def _serve(self) -> int:
        loop = asyncio.get_running_loop()
        self._stop = loop.create_future()
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._signalled, number)
        helm = self._helm = HttpHelm(loop, self._options.orders, self._about, self._restart)
        self.parts.helmed = helm.helmed
        self.parts.ended = self._ended
        helm.start()
        front = self._serving = self._front(loop)
        end: str | int = "clean"
        try:
            port = await front.start()
            loop.call_later(HOUSEKEEPING_SECONDS, self._keep_house, port)
            if self._options.orders.watches:
                Watching(loop, self._options.orders.watches, self._changed)
            end = await self._stop
        finally:
            await front.close(end if isinstance(end, str) else "clean")
            helm.close()
            self._close()
        if isinstance(end, int):
            return end
        return int(Exit.INTERRUPTED) if end == "SIGINT" else 0

    def _restart(self, server: str = "") -> int:
        assert self._serving is not None  # nobody dials before it serves
        return self._serving.restart(server)

    def _changed(self) -> None:
        """A file that is watched has changed."""
        try:
            self._restart()
        except ScopeError as error:
            self._say(error.message)

    def _front(self, loop: asyncio.AbstractEventLoop) -> Front:
        parts = self.parts
        if self._front_of is not None:
            return self._front_of(loop, parts)
        if self._options.stdio:
            return StdioFront(loop, parts, self._ended)
        if parts.url is None:
            return BridgeFront(loop, parts)
        return ReverseFront(loop, parts)

    def _ended(self, code: int) -> None:
        if not self._stop.done():
            self._stop.set_result(code)

    def _say(self, line: str) -> None:
        self._tell(self._mask.text(line))

    def _make_journal(self) -> Journal:
        options = self._options
        uid = f"{self._started_at // 1_000_000_000}-{os.getpid()}-{os.urandom(4).hex()}"
        return RedactedJournal(
            f"{options.db}.journal/{uid}",
            self._fault,
            self.redactor,
            durable=options.durable,
            required=options.record_mode == "required",
        )

    def _fault(self, reason: str) -> None:
        goes_on = (
            "nothing more is forwarded"
            if self.journal.required
            else "traffic goes on, what is missed is counted"
        )
        self._say(f"cannot record in {self._options.db}.journal ({reason}): {goes_on}")

    def _opened(self, session: Session) -> None:
        options = self._options
        facts = {
            "uid": getattr(self.journal, "uid", ""),
            "label": self._label,
            "record_name": options.record_name,
            "command": options.command or None,
            "url": self.parts.shown_url or None,
            "cwd": options.cwd,
            "env": self._env_names,
            "client_transport": self._client_transport,
            "server_transport": self.parts.transport,
            "pid": os.getpid(),
            "record_mode": options.record_mode,
            "on_drift": options.orders.on_drift or None,
            "max_body": options.max_body,
            "redacts": True,
            "policy": options.orders.law.digest if options.orders.law is not None else None,
            "version": __version__,
            "started_at_ns": time.time_ns(),
            "era": session.era,
            "inferred": session.inferred,
            "caller": session.identity[0],
            **session.facts,
        }
        self.journal.append(RecordType.SESSION_OPEN, Dir.NONE, session.number, 0, orjson.dumps(facts))

    def _closed(self, session: Session, reason: str) -> None:
        said = orjson.dumps({"reason": reason, "exit_code": session.exit_code})
        self.journal.append(RecordType.SESSION_CLOSE, Dir.NONE, session.number, 0, said)

    @property
    def _client_transport(self) -> str:
        if self._options.stdio:
            return STDIO
        return SSE if self.parts.transport == SSE else HTTP

    def _about(self) -> dict[str, Any]:
        """What others are told of this proxy."""
        return {**self._facts(), **(self._serving.about() if self._serving is not None else {})}

    def _facts(self) -> dict[str, Any]:
        """What its entry says by which others find it."""
        journal = self.journal if isinstance(self.journal, Journal) else None
        options = self._options
        return {
            "pid": os.getpid(),
            "uid": journal.uid if journal is not None else None,
            "db": options.db,
            "journal": journal.folder if journal is not None else None,
            "label": self._label,
            "record_name": options.record_name,
            "command": options.command or None,
            "url": self.parts.shown_url or None,
            "port": self._port,
            "address": self.parts.address or None,
            "version": __version__,
            "started_at": self._started_at,
            "recording": "not recorded" if journal is None else journal.fault or options.record_mode,
        }

    def _keep_house(self, port: int) -> None:
        self._port = port
        folder = self._entry.make_folder()
        helm = self._helm
        socket = helm.listen(socket_path(folder)) if folder and helm is not None else None
        self._entry.write({**self._facts(), "socket": socket})
        if isinstance(self.journal, Journal):
            self._companions = self._make_companions(self.journal)
            for companion in self._companions:
                companion.start()
            self._check_companions(asyncio.get_running_loop())

    def _make_companions(self, journal: Journal) -> list[Companion]:
        loop, options = asyncio.get_running_loop(), self._options
        found: list[Companion] = [Recorder(loop, journal.folder, options.db, to_stderr)]
        if options.otlp:
            found.append(sender(loop, journal.folder, options.db, options.otlp, to_stderr))
        return found

    def _check_companions(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._companions:
            for companion in self._companions:
                companion.check()
            loop.call_later(CHILD_CHECK_SECONDS, self._check_companions, loop)

    def _signalled(self, number: int) -> None:
        if not self._stop.done():
            self._stop.set_result(signal.Signals(number).name)

    def _close(self) -> None:
        if isinstance(self.journal, Journal):
            self.journal.close()
            companions = self._companions or self._make_companions(self.journal)
            self._companions = []
            for companion in companions:
                companion.leave()
        self._entry.remove()


class Unrecorded:
    """The journal of ``--no-record``."""

    required = False
    fault = ""

    def append(
        self,
        kind: int,
        dir: int,
        session: int,
        stream: int,
        payload: bytes | memoryview,
        flags: int = 0,
        at: int = 0,
    ) -> bool:
        return True

    def append_all(self, records: Sequence[JournalRecord], at: int = 0) -> bool:
        return True


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # optional: halves the cost of a call
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
