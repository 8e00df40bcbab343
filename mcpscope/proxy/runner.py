"""One stdio proxy from the started child to the exit code: journal, session, signals, registry, recorder."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # signal without its enums, which cost 2 ms
import os
from time import time_ns

from mcpscope import __version__
from mcpscope.proxy.facts import Value, default_label, to_json
from mcpscope.proxy.helm import Helm, Orders, socket_path
from mcpscope.proxy.recorder import Recorder, sender
from mcpscope.proxy.registry import Entry
from mcpscope.session.stdio import Client, StdioSession
from mcpscope.store.journal import Journal
from mcpscope.transports.connect.process import start
from mcpscope.transports.ends import open_drain, open_source
from mcpscope.transports.poll import PollLoop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.proxy.companion import Companion
    from mcpscope.session.redacting import Redactor
    from mcpscope.transports.connect.process import Child
    from mcpscope.transports.secret_mask import Mask

# Late enough not to compete with the server's start and the first answer.
HOUSEKEEPING_SECONDS = 0.1
_SIGNALS = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "SIGINT", signal.SIGHUP: "SIGHUP"}


class Options:
    """What the command line said about one stdio proxy; ``db`` is the database's absolute path."""

    __slots__ = (
        "command",
        "cwd",
        "db",
        "durable",
        "env_names",
        "label",
        "mask",
        "max_body",
        "orders",
        "otlp",
        "record",
        "record_name",
        "redactor",
        "required",
        "server_env",
    )

    def __init__(self, command: list[str], db: str) -> None:
        self.command = command
        self.db = db
        self.label = default_label(command)
        self.cwd: str | None = None
        self.env_names: list[str] = []
        self.record = True
        self.record_name: str | None = None
        self.required = False
        self.durable = False
        self.max_body = 0
        self.mask: Mask | None = None
        self.redactor: Redactor | None = None
        self.orders = Orders()
        self.server_env: dict[str, str] = {}
        self.otlp = ""

    @property
    def record_mode(self) -> str:
        return "required" if self.required else "best-effort"


class Runner:
    """Owns everything that a stdio proxy's process has once."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._loop = PollLoop()
        self._entry = Entry(os.getpid())
        self._started_at = time_ns()
        self._code = 70
        self._session: StdioSession | None = None
        self._recorder: Recorder | None = None
        self._sender: Companion | None = None
        self._helm: Helm | None = None
        self._faults: list[str] = []
        self.journal = self._make_journal() if options.record else None

    def __repr__(self) -> str:
        return f"<Runner {self._options.label} {self._session}>"

    def run(self, child: Child) -> int:
        """Stand between our standard streams and ``child`` until all is over; returns the exit code."""
        if self.journal is not None and not self.journal.fault:
            self.journal.open()
        client = _claim_stdio()
        self._session = StdioSession(
            self._loop, client, child, self.journal, self._done, mask=self._options.mask
        )
        for line in self._faults:
            self._session.stderr.say(line)
        self._catch_signals()
        self._helm = Helm(
            self._loop, self._session, self.journal, self._options.orders, self._about, self._begin
        )
        self._session.start(to_json(self._facts()))
        self._helm.start()
        self._loop.call_later(HOUSEKEEPING_SECONDS, self._keep_house)
        self._loop.run_forever()
        return self._close()

    def _begin(self) -> Child:
        """Another server like the one we were started with."""
        options = self._options
        return start(options.command, options.server_env or dict(os.environ), options.cwd)

    def _make_journal(self) -> Journal:
        options = self._options
        uid = f"{self._started_at // 1_000_000_000}-{os.getpid()}-{os.urandom(4).hex()}"
        folder, durable, required = f"{options.db}.journal/{uid}", options.durable, options.required
        if options.redactor is None:
            return Journal(folder, self._fault, durable=durable, required=required)
        from mcpscope.session.redacting import RedactedJournal

        return RedactedJournal(folder, self._fault, options.redactor, durable=durable, required=required)

    def _fault(self, reason: str) -> None:
        where = f"{self._options.db}.journal"
        if self._options.required:
            line = f"cannot record in {where} ({reason}): nothing more is forwarded (--record-mode required)"
        else:
            line = f"cannot record in {where} ({reason}): the session goes on, what is missed is counted"
        if self._session is None:
            self._faults.append(line)
        else:
            self._session.stderr.say(line)

    def _facts(self) -> dict[str, Value]:
        options = self._options
        return {
            "uid": self.journal.uid if self.journal is not None else "",
            "label": options.label,
            "record_name": options.record_name,
            "command": options.command,
            "cwd": options.cwd,
            "env": options.env_names,
            "client_transport": "stdio",
            "server_transport": "stdio",
            "pid": os.getpid(),
            "record_mode": options.record_mode,
            "on_drift": options.orders.on_drift or None,
            "max_body": options.max_body,
            "redacts": options.redactor is not None,
            "policy": options.orders.law.digest if options.orders.law is not None else None,
            "version": __version__,
            "started_at_ns": self._started_at,
        }

    def _about(self) -> dict[str, Value]:
        """What others are told of this proxy."""
        journal, options = self.journal, self._options
        return {
            "pid": os.getpid(),
            "uid": journal.uid if journal is not None else None,
            "db": options.db,
            "journal": journal.folder if journal is not None else None,
            "label": options.label,
            "record_name": options.record_name,
            "command": options.command,
            "version": __version__,
            "started_at": self._started_at,
            "recording": "not recorded" if journal is None else journal.fault or options.record_mode,
        }

    def _keep_house(self) -> None:
        """What can wait until the wire is running."""
        journal = self.journal
        assert self._helm is not None
        folder = self._entry.make_folder()
        socket = self._helm.listen(socket_path(folder)) if folder else None
        self._entry.write({**self._about(), "socket": socket})
        if journal is not None and self._session is not None:
            self._recorder = Recorder(
                self._loop, journal.folder, self._options.db, self._session.stderr.relay
            )
            self._recorder.start()
            self._send_spans(journal, self._session.stderr.relay)

    def _send_spans(self, journal: Journal, say: Callable[[bytes], None]) -> None:
        if self._options.otlp:
            self._sender = sender(self._loop, journal.folder, self._options.db, self._options.otlp, say)
            self._sender.start()

    def _catch_signals(self) -> None:
        """Signals become bytes in a pipe that the loop reads."""
        wake, woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        for number in (*_SIGNALS, signal.SIGCHLD):
            # What was ignored when we were started (nohup) stays so.
            if number == signal.SIGCHLD or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _wake_only)
        self._loop.add_reader(wake, self._signalled, wake)

    def _signalled(self, wake: int) -> None:
        for number in os.read(wake, 256):
            if number == signal.SIGCHLD:
                for companion in (self._recorder, self._sender):
                    if companion is not None:
                        companion.check()
            elif number in _SIGNALS and self._session is not None:
                self._session.signal(_SIGNALS[number])

    def _done(self, code: int) -> None:
        self._code = code
        self._loop.stop()

    def _close(self) -> int:
        if self._helm is not None:
            self._helm.close()
        if self.journal is not None:
            self.journal.close()
            if self._recorder is None and self._session is not None:
                self._recorder = Recorder(
                    self._loop, self.journal.folder, self._options.db, self._session.stderr.relay
                )
            if self._sender is None and self._session is not None:
                self._send_spans(self.journal, self._session.stderr.relay)
            for companion in (self._recorder, self._sender):
                if companion is not None:
                    companion.leave()
        self._entry.remove()
        return self._code


def _wake_only(number: int, frame: object) -> None:
    """The work is done by the byte that Python writes to the wake-up pipe."""


def _claim_stdio() -> Client:
    """Take the client's three descriptors; a stray print of ours can reach standard error only."""
    source, drain, stderr = (open_source(os.dup(0)), open_drain(os.dup(1)), open_drain(os.dup(2)))
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0, inheritable=False)
    os.close(null)
    os.dup2(2, 1, inheritable=False)
    return Client(source, drain, stderr)
