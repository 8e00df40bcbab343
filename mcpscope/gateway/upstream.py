"""One upstream of a gateway: what it is, how it does, and the lines that clients have to it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import SplitResult

from mcpscope.gateway.config import CallerSpec, Spec
from mcpscope.gateway.lines import Hearer, Line, ProcessLine, RemoteLine
from mcpscope.gateway.views import Views
from mcpscope.session.bridge_proxy import BridgeProxy, BridgeSettings
from mcpscope.session.conversation import Helmed
from mcpscope.session.http_inject import Injected
from mcpscope.session.http_log import Journal
from mcpscope.session.http_proxy import HttpProxy, HttpSettings
from mcpscope.session.http_sessions import Identity, Session, Sessions
from mcpscope.session.remote import RemoteSettings
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.connect.http_pool import Pool
from mcpscope.transports.connect.process import StartFailed
from mcpscope.transports.listen.http_guard import Guard
from mcpscope.transports.secret_mask import Mask, MaskedFlow

if TYPE_CHECKING:
    from ssl import SSLContext

    from mcpscope.engine.visibility import View

CLOSE_SECONDS = 6.0
IDLE, STARTING, READY, FAILED = "idle", "starting", "ready", "failed"


@dataclass(slots=True)
class Parts:
    """What the gateway's process has made once, for all its upstreams.

    ``hides`` gives the globs that the policy in a file hides now.
    """

    guard: Guard
    mask: Mask
    journal: Journal
    helmed: Helmed
    say: Callable[[str], None]
    opened: Callable[[Session], None]
    closed: Callable[[Session, str], None]
    stderr: Callable[[bytes], None]
    hides: Callable[[str], list[str]]


class Restartable(Protocol):
    """A link to an upstream, as the upstream knows it."""

    def restart(self, why: str) -> None: ...


class CannotOpen(Exception):
    """There is no line to be had; the text says why."""


@dataclass(slots=True)
class Reach:
    """How one upstream is reached: secrets resolved, ``url`` None for a command."""

    spec: Spec
    env: dict[str, str]
    injected: Injected
    url: SplitResult | None = None
    transport: str = "stdio"
    tls: SSLContext | None = None


@dataclass(slots=True)
class Health:
    """How an upstream does, as its newest line showed. ``since`` is unix ns."""

    word: str = IDLE
    why: str = ""
    since: int = field(default_factory=time.time_ns)
    failures: int = 0


class Upstream:
    """Opens lines and serves ``/NAME/mcp``; ``changed`` is called when its health is another."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reach: Reach,
        parts: Parts,
        callers: dict[str, CallerSpec],
        numbers: Iterator[int],
    ) -> None:
        self._loop = loop
        self._reach = reach
        self._parts = parts
        self._callers = callers
        self._views = Views(reach.spec, callers, parts.hides)
        self.spec = reach.spec
        self.name = reach.spec.name
        self.health = Health()
        self.introduced: dict[str, Any] = {}
        """The result of the newest ``initialize``, for those who cannot wait for theirs."""
        self.schemas: dict[str, Any] = {}
        self.era = ""
        """How it answered when it was asked which era it speaks; "" while it was not."""
        self.changed: Callable[[Upstream], None] = lambda upstream: None
        self.links: set[Restartable] = set()
        self._open: dict[int, Session] = {}
        self._processes = 0
        self._client_session = 0
        self._flows: dict[int, MaskedFlow] = {}
        self._pool = None if reach.url is None else Pool(loop, reach.url, reach.tls)
        self.helmed = parts.helmed.branch(self.name, self._view_of)
        self._sessions = Sessions(loop.time, self._opened, parts.closed, numbers)
        self.mounted = self._mount(numbers)

    def __repr__(self) -> str:
        return f"<Upstream {self.name} {self.health.word}>"

    def allows(self, caller: str) -> bool:
        """Whether ``caller`` may reach it at all."""
        found = self._callers.get(caller)
        return found is None or found.upstreams is None or self.name in found.upstreams

    def about(self) -> dict[str, Any]:
        """What others are told of it."""
        health = self.health
        return {
            "name": self.name,
            "state": health.word,
            "why": health.why,
            "since": health.since,
            "failures": health.failures,
            "target": self._parts.mask.text(self.spec.target),
            "transport": self._reach.transport,
            "server": (self.introduced.get("serverInfo") or {}).get("name", ""),
            "sessions": sorted(self._open),
        }

    def is_now(self, word: str, why: str = "") -> None:
        """A line says how the upstream does."""
        health = self.health
        if (health.word, health.why) == (word, why):
            return
        if word == FAILED and health.word != FAILED:
            health.failures += 1
        health.word, health.why, health.since = word, self._parts.mask.text(why), time.time_ns()
        self.changed(self)

    def open(self, hearer: Hearer, identity: Identity, era: str, client_session: int) -> Line:
        """A line of its own for ``hearer``. Raises CannotOpen."""
        if self._reach.url is None and self._processes >= self.spec.processes:
            raise CannotOpen(f"{self._processes} processes of it run already, and no more may")
        self._client_session = client_session
        record = self._sessions.fresh(identity, "", era=era)
        self._open[record.number] = record
        try:
            return self._process(hearer, record) if self._reach.url is None else self._remote(hearer, record)
        except StartFailed as error:
            self._over(record, "not started")
            where = f" in {self.spec.cwd}" if self.spec.cwd else ""
            why = os.strerror(error.errno)
            raise CannotOpen(f"{self.spec.command[0]} cannot be started{where}: {why}") from None

    def restart(self) -> int:
        """Let every line, and every process behind ``/NAME/mcp``, begin anew; how many there were."""
        self.era = ""  # another server may speak another one
        lines = list(self.links)
        for link in lines:
            link.restart("it was restarted before it answered")
        mounted = self.mounted.restart() if isinstance(self.mounted, BridgeProxy) else 0
        return len(lines) + mounted

    def obey(self) -> None:
        """A policy is another one now: so is what it hides."""
        self._views.obey()

    async def close(self, reason: str) -> None:
        """End what is still open, within the time that processes are given to end."""
        if isinstance(self.mounted, BridgeProxy):
            await self.mounted.close(reason)
        else:
            self.mounted.close(reason)
        end = self._loop.time() + CLOSE_SECONDS
        while self._open and self._loop.time() < end:
            await asyncio.sleep(0.01)
        self._sessions.close_all(reason)
        if self._pool is not None:
            self._pool.close()

    # helpers

    def _process(self, hearer: Hearer, record: Session) -> Line:
        spec, parts = self.spec, self._parts
        crossing = (parts.journal, self.helmed, parts.mask)

        def ended(record: Session, reason: str) -> None:
            self._processes -= 1
            self._over(record, reason)

        line = ProcessLine(
            self._loop, list(spec.command), self._reach.env, spec.cwd, crossing, record, hearer, ended
        )
        self._processes += 1
        return line

    def _remote(self, hearer: Hearer, record: Session) -> Line:
        parts, url = self._parts, self._reach.url
        assert url is not None and self._pool is not None  # that is what makes it remote

        def done(code: int) -> None:
            line.close()
            self._over(record, "clean" if not code else "disconnected")
            if code > 1:
                hearer.lost("its stream has ended")

        settings = RemoteSettings(
            url=url,
            injected=self._reach.injected,
            mask=parts.mask,
            clock=time.time_ns,
            say=lambda text: parts.say(f"{self.name}: {text}"),
            done=done,
            sse=self._reach.transport == "sse",
            helmed=self.helmed,
        )
        line = RemoteLine(self._loop, settings, self._pool, parts.journal, record, hearer)
        line.share_schemas(self.schemas)
        return line

    def _over(self, record: Session, reason: str) -> None:
        self._open.pop(record.number, None)
        self._sessions.close(record, reason)
        flow = self._flows.pop(record.number, None)
        if flow is not None:
            self._wrote(record, flow.feed(b"", last=True)[1])

    def wrote(self, record: Session, data: bytes) -> None:
        """What a process wrote to its standard error: recorded, and passed on to ours."""
        flow = self._flows.get(record.number)
        if flow is None:
            flow = self._flows[record.number] = self._parts.mask.flow(messages=False)
        self._wrote(record, flow.feed(data, last=False)[1])

    def _wrote(self, record: Session, data: bytes) -> None:
        if data:
            self._parts.journal.append(RecordType.STDERR, Dir.NONE, record.number, 0, data)
            self._parts.stderr(data)

    def _opened(self, session: Session) -> None:
        spec, mask = self.spec, self._parts.mask
        url = self._reach.url
        session.facts.update(
            {
                "label": spec.name,
                "command": list(spec.command) or None,
                "url": None if url is None else mask.text(url._replace(query="").geturl()),
                "server_transport": self._reach.transport,
                "gateway": {"upstream": spec.name, "client_session": self._client_session or None},
            }
        )
        self._client_session = 0
        self._parts.opened(session)

    def _view_of(self, caller: str) -> View | None:
        """What ``caller`` may see of this upstream; None for all that anybody may."""
        steering = self.helmed.steering
        return None if steering is None else self._views.of(caller, steering.view)

    def _mount(self, numbers: Iterator[int]) -> HttpProxy | BridgeProxy:
        """The proxy before this upstream alone."""
        reach, parts, spec = self._reach, self._parts, self.spec
        mount = b"/" + self.name.encode()
        if reach.url is None:
            bridge = BridgeSettings(
                command=list(spec.command),
                env=reach.env,
                cwd=spec.cwd,
                guard=parts.guard,
                mask=parts.mask,
                clock=time.time_ns,
                stderr=parts.stderr,
                path=mount + b"/mcp",
                most=spec.processes,
                numbers=numbers,
                helmed=self.helmed,
                opened=self._opened,
                closed=parts.closed,
            )
            return BridgeProxy(self._loop, bridge, parts.journal)
        assert self._pool is not None
        settings = HttpSettings(
            url=reach.url,
            guard=parts.guard,
            injected=reach.injected,
            mask=parts.mask,
            clock=time.time_ns,
            sse=reach.transport == "sse",
            helmed=self.helmed,
            mount=mount,
            numbers=numbers,
            opened=self._opened,
            closed=parts.closed,
        )
        return HttpProxy(self._loop, settings, self._pool, parts.journal)
