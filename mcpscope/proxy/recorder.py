"""The recorder process: started beside the wire, started again when it dies, left behind to drain."""

from __future__ import annotations

import os
import sys

from mcpscope.store.layout import APPLICATION_ID, SCHEMA_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.transports.loop import Loop

NICENESS = 10
FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 10.0
_SQLITE = b"SQLite format 3\0"
WILL_NEVER_DO = 5  # the recorder's exit code for a database it must leave alone
# Not -m: that would put the current folder, which belongs to a project, in front of our own modules.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from mcpscope.store.recorder import main; sys.exit(main(sys.argv[1:]))"
)
_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Recorder:
    """Keeps one recorder at work on ``folder`` for ``db``. What it says goes to ``say``."""

    def __init__(self, loop: Loop, folder: str, db: str, say: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._folder = folder
        self._db = db
        self._say = say
        self._pid = 0
        self._errors = -1
        self._backoff = FIRST_BACKOFF_SECONDS
        self._over = False

    def __repr__(self) -> str:
        return f"<Recorder pid={self._pid} of {self._folder}>"

    def start(self) -> None:
        """Start it unless it runs or will never do."""
        if self._pid or self._over:
            return
        if reason := never_takes(self._db):
            self._over = True
            told = f"mcpscope: NOT STORED: {self._db} {reason}; the journal stays in {self._folder}\n"
            self._say(told.encode(errors="backslashreplace"))
        elif os.path.isdir(self._folder):
            self._launch()
        else:
            self._again()  # the journal could not be begun; it tries again by itself

    def _launch(self) -> None:
        try:
            errors, theirs = os.pipe()
        except OSError:
            self._again()  # no descriptors now
            return
        os.set_blocking(errors, False)
        try:
            self._pid = self._spawn(theirs)
        except OSError as error:
            self._say(f"mcpscope: the recorder cannot be started: {error.strerror}\n".encode())
            os.close(errors)
            self._again()
            return
        finally:
            os.close(theirs)
        self._errors = errors
        self._loop.add_reader(errors, self._hear)

    def check(self) -> None:
        """A child has ended: start the recorder again if it was that."""
        if not self._pid:
            return
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return
        self._pid = 0
        self._hear()
        self._stop_hearing()
        if os.waitstatus_to_exitcode(status) == WILL_NEVER_DO:
            self._over = True
        else:
            self._again()

    def leave(self) -> None:
        """The journal is complete: see that somebody brings it in, and go."""
        self.check()
        self.start()
        self._over = True
        self._stop_hearing()

    def _again(self) -> None:
        self._loop.call_later(self._backoff, self.start)
        self._backoff = min(2 * self._backoff, LONGEST_BACKOFF_SECONDS)

    def _spawn(self, errors: int) -> int:
        arguments = [sys.executable, "-P", "-c", _PROGRAM, _PACKAGE_ROOT, self._folder, self._db]
        actions: list[tuple[int, int, int] | tuple[int, int, str, int, int] | tuple[int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, errors, 2),
        ]
        actions += [(os.POSIX_SPAWN_CLOSE, fd) for fd in _inherited()]
        try:
            pid = os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions, setsid=True)
        except (
            NotImplementedError
        ):  # not every system can; a group of its own spares it the terminal's signals
            pid = os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions, setpgroup=0)
        try:
            os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
        except OSError:
            pass  # it has just ended
        return pid

    def _hear(self) -> None:
        if self._errors < 0:
            return
        try:
            said = os.read(self._errors, 65536)
        except BlockingIOError:
            return
        if said:
            self._say(said)
        else:
            self._stop_hearing()

    def _stop_hearing(self) -> None:
        if self._errors >= 0:
            self._loop.remove_reader(self._errors)
            os.close(self._errors)
            self._errors = -1


def never_takes(db: str) -> str:
    """Why no recorder of ours will write into ``db``, as its header tells; the recorder looks closer."""
    try:
        with open(db, "rb") as file:
            header = file.read(100)
    except OSError:
        return ""
    if not header:
        return ""
    if not header.startswith(_SQLITE):
        return "is no database"
    application, version = header[68:72], int.from_bytes(header[60:64], "big")
    if application == APPLICATION_ID.to_bytes(4, "big"):
        return "was written by a newer mcpscope" if version > SCHEMA_VERSION else ""
    return "is a database of another program" if any(application) else ""


def _inherited() -> list[int]:
    """Descriptors beyond the standard three that a child of ours would get."""
    try:
        found = [int(name) for name in os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")]
    except OSError:
        return []
    return [fd for fd in found if fd > 2 and _is_inheritable(fd)]


def _is_inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False  # the listing's own descriptor
