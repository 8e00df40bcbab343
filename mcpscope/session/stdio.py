"""One stdio conversation: a client on two descriptors, a server process, two roads, and how it ends.

The client's end of file, a signal or a failed required record begin the shutdown: the server's stdin is
closed, 2 s later it gets SIGTERM, and the guard sends SIGKILL 2 s after that. When the server has gone,
whatever it wrote is still brought to the client, then both ends are closed and ``on_done`` gets the exit
code.
"""

from __future__ import annotations

from mcpscope.session.lanes import BareLane, FastLane, MaskedLane
from mcpscope.session.road import Road
from mcpscope.session.stderr import Stderr
from mcpscope.store.layout import NO_DIR, SESSION_CLOSE, SESSION_OPEN, TO_CLIENT, TO_SERVER
from mcpscope.transports.connect.process import exit_code
from mcpscope.transports.ends import FdDrain, FdSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.session.road import Lane
    from mcpscope.store.journal import Journal
    from mcpscope.transports.connect.process import Child
    from mcpscope.transports.ends import Drain, Source
    from mcpscope.transports.loop import Loop
    from mcpscope.transports.secret_mask import Mask

GRACE_SECONDS = 2.0
# A server that is still talking when its grace is over may finish its sentence, for so long at most.
EXTENSION_SECONDS = 2.0
FLOW_SECONDS = 0.25
LATE_EOF_SECONDS = 0.5
GIVE_UP_SECONDS = 1.0
HANGUP_CHECK_SECONDS = 1.0
SIGKILL = 9
EXIT_NOT_RECORDED = 5
NOT_STARTED = 127 << 8
CLOSE_HAS_UNDELIVERED = 1


class Client:
    """The client's side: where its messages come from, where answers go, and our standard error."""

    __slots__ = ("drain", "source", "stderr")

    def __init__(self, source: Source, drain: Drain, stderr: Drain) -> None:
        self.source = source
        self.drain = drain
        self.stderr = stderr


class StdioSession:
    """Session ``number`` of ``journal`` (None: nothing is recorded) between ``client`` and ``child``.

    ``to_server`` and ``to_client`` are its roads; ``Road.enter`` switches a lane. ``on_closing`` is called
    before its last record is written. What ``mask`` knows is in no record.
    """

    def __init__(
        self,
        loop: Loop,
        client: Client,
        child: Child,
        journal: Journal | None,
        on_done: Callable[[int], None],
        number: int = 1,
        mask: Mask | None = None,
    ) -> None:
        self.mask = mask
        self.to_server = Road(
            loop, client.source, FdDrain(child.stdin, own=True), self._client_ended, self._server_stdin_closed
        )
        self.to_client = Road(loop, FdSource(child.stdout, own=True), client.drain, _nothing, self._finish)
        self.stderr = Stderr(loop, child.stderr, client.stderr, journal, number, self._finish)
        self.stderr.flow = mask.flow(messages=False) if mask is not None else None
        self._loop = loop
        self._child = child
        self._journal = journal
        self._on_done = on_done
        self.number = number
        self._status: int | None = None
        self._gone = False
        self._done = False
        self._reason = ""
        self._signalled = False
        self._parted = False
        self._refused = False
        self._ladder = "eof"
        self.on_closing: Callable[[], None] = _nothing

    def __repr__(self) -> str:
        return f"<StdioSession {self.number} {self._reason or 'open'} {self.to_server} {self.to_client}>"

    def start(self, facts: bytes) -> None:
        """Record ``facts`` (the JSON of SESSION_OPEN) and let the bytes flow."""
        journal = self._journal
        if journal is not None:
            journal.append(SESSION_OPEN, NO_DIR, self.number, 0, facts)
        for road, dir in ((self.to_server, TO_SERVER), (self.to_client, TO_CLIENT)):
            road.lane = self.fast_lane(road, dir)
            road.start()
        self.stderr.start()
        self._loop.add_reader(self._child.report, self._heard)

    def signal(self, name: str) -> None:
        """SIGTERM, SIGINT or SIGHUP: the ladder; one more rung if it is being climbed already."""
        self._signalled = True
        if self._reason:
            self._terminate()
        else:
            self._shut_down(name)
            self.to_server.stop_reading()
        if self._gone:
            self._loop.call_later(GIVE_UP_SECONDS, self._give_up, self.to_client.moved)

    def refuse(self) -> None:
        """A required record could not be made: nothing more passes in either direction."""
        if self._refused:
            return
        self._refused = True
        self._shut_down("not recorded")
        self.to_server.abandon()
        self.to_client.abandon()

    def break_off(self) -> None:
        """The client is to see what it sees of a server that dies: its end of file, and our exit."""
        self._shut_down("disconnected")
        self.to_client.finish()
        self._terminate()

    @property
    def is_ending(self) -> bool:
        return bool(self._reason) or self._done

    def part(self) -> Child:
        """Let go of the server, whose end is the caller's to see; the client waits for the next one."""
        child = self._child
        self._parted = True
        self._loop.remove_reader(child.report)
        self.to_server.pause()
        self.to_server.part_drain()
        self.to_client.part_source()
        self.stderr.part()
        return child

    def join(self, child: Child) -> None:
        """``child`` is the server from now on; the client's messages wait until ``to_server`` is resumed."""
        self._child = child
        self._parted = False
        self.to_server.join_drain(FdDrain(child.stdin, own=True))
        self.to_client.join_source(FdSource(child.stdout, own=True))
        self.stderr.join(child.stderr)
        self._loop.add_reader(child.report, self._heard)

    def end_without_server(self) -> None:
        """There is no server any more: the client sees what it sees of one that dies."""
        self._reason = self._reason or "server exit"
        self._gone, self._status = True, NOT_STARTED
        self.to_server.abandon()
        self.to_client.finish()
        self._finish()

    def fast_lane(self, road: Road, dir: int) -> Lane:
        """The lane of a road whose messages nothing could touch."""
        if self._journal is None:
            return BareLane(road)
        if self.mask is not None:
            flow = self.mask.flow()
            return MaskedLane(road, self._journal, dir, self.number, self.refuse, flow)
        return FastLane(road, self._journal, dir, self.number, self.refuse)

    def _client_ended(self) -> None:
        self._shut_down("clean")

    def _server_stdin_closed(self) -> None:
        """Our stdin may be closed with it, so a client that leaves is looked for at its other end."""
        if not self._reason:
            self._loop.call_later(HANGUP_CHECK_SECONDS, self._check_client)

    def _check_client(self) -> None:
        if self._reason or self._done:
            return
        if self.to_client.hung_up():
            self._shut_down("clean")
        else:
            self._loop.call_later(HANGUP_CHECK_SECONDS, self._check_client)

    def _shut_down(self, reason: str) -> None:
        if self._reason:
            return
        self._reason = reason
        due = self._loop.time() + GRACE_SECONDS
        self._loop.call_later(GRACE_SECONDS - FLOW_SECONDS, self._watch_grace, due, 0)

    def _watch_grace(self, due: float, moved: int) -> None:
        """SIGTERM when the grace is over, unless bytes have moved since the last look."""
        if self._status is not None or self._gone:
            return
        now, flow = self._loop.time(), self.to_client.moved + self.to_server.moved
        if now < due or (flow != moved and now < due + EXTENSION_SECONDS):
            self._loop.call_later(FLOW_SECONDS, self._watch_grace, due, flow)
        elif self.to_server.finished:
            self._terminate()
        else:  # something held kept the server's stdin open: it hears now that its client is gone
            self.to_server.abandon()
            self._loop.call_later(LATE_EOF_SECONDS, self._terminate)

    def _terminate(self) -> None:
        if self._ladder != "eof" or self._status is not None or self._parted:
            return
        self._ladder = "term"
        self.to_server.abandon()
        self._child.terminate()

    def _heard(self) -> None:
        for what, status in self._child.news():
            if what == "exit":
                self._server_exited(status)
            elif not self._gone:
                self._all_gone()

    def _server_exited(self, status: int) -> None:
        self._status = status
        if not self._reason:
            self._reason = "server exit"

    def _all_gone(self) -> None:
        self._gone = True
        self._loop.remove_reader(self._child.report)
        self._child.release()
        if self._status is None:
            self._server_exited(SIGKILL)  # the guard was killed, and the server with it
        self.to_server.abandon()
        self.stderr.last_call()
        self.to_client.last_call()
        if self._signalled:
            self._loop.call_later(GIVE_UP_SECONDS, self._give_up, self.to_client.moved)
        self._finish()

    def _give_up(self, moved: int) -> None:
        """We were told to end, and the client does not read what the server left for it."""
        if self._done:
            return
        if self.to_client.moved == moved:
            self.to_client.abandon()
        else:
            self._loop.call_later(GIVE_UP_SECONDS, self._give_up, self.to_client.moved)

    def _finish(self) -> None:
        if self._done or not (self._gone and self.to_client.finished and self.stderr.finished):
            return
        self._done = True
        self.on_closing()
        assert self._status is not None
        code = exit_code(self._status)
        if self._journal is not None:
            flags, body = self._closing(code)
            self._journal.append(SESSION_CLOSE, NO_DIR, self.number, 0, body, flags)
        self._on_done(EXIT_NOT_RECORDED if self._refused else code)

    def _closing(self, code: int) -> tuple[int, bytes]:
        """Flags and JSON of SESSION_CLOSE; every word in it is ours, so nothing needs escaping."""
        up, down = self.to_server.undelivered, self.to_client.undelivered
        lost = f',"undelivered":{{"c2s":{up},"s2c":{down}}}' if up or down else ""
        body = f'{{"reason":"{self._reason}","exit_code":{code},"ladder":"{self._ladder}"{lost}}}'
        return CLOSE_HAS_UNDELIVERED if lost else 0, body.encode()


def _nothing() -> None:
    """The server's standard output has ended: whether the server lives is the guard's to say."""
