"""A process beside the wire: started after it, started again when it dies, left behind when the wire ends."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.transports.loop import Loop

NICENESS = 10
FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 10.0
# Not -m: that would put the current folder, which belongs to a project, in front of our own modules.
_PROGRAM = (
    "import sys, importlib; sys.path.append(sys.argv.pop(1)); "
    "sys.exit(importlib.import_module(sys.argv.pop(1)).main(sys.argv[1:]))"
)
_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Companion:
    """Keeps one process with ``main(arguments)`` of ``module`` at work. What it says goes to ``say``.

    ``done`` are the exit codes after which starting it again is no use.
    """

    def __init__(
        self, loop: Loop, name: str, module: str, arguments: list[str], say: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._name = name
        self._module = module
        self._arguments = arguments
        self._say = say
        self._pid = 0
        self._errors = -1
        self._backoff = FIRST_BACKOFF_SECONDS
        self._over = False
        self.done: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} pid={self._pid} {self._module}>"

    def start(self) -> None:
        """Start it unless it runs or will never do."""
        if not self._pid and not self._over:
            self._launch()

    def check(self) -> None:
        """A child has ended: start it again if it was this one."""
        if not self._pid:
            return
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return
        self._pid = 0
        self._hear()
        self._stop_hearing()
        if os.waitstatus_to_exitcode(status) in self.done:
            self._over = True
        else:
            self._again()

    def leave(self) -> None:
        """The wire has ended: see that the process is there to finish its work, and go."""
        self.check()
        self.start()
        self._over = True
        self._stop_hearing()

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
            self._say(f"mcpscope: the {self._name} cannot be started: {error.strerror}\n".encode())
            os.close(errors)
            self._again()
            return
        finally:
            os.close(theirs)
        self._errors = errors
        self._loop.add_reader(errors, self._hear)

    def _again(self) -> None:
        self._loop.call_later(self._backoff, self.start)
        self._backoff = min(2 * self._backoff, LONGEST_BACKOFF_SECONDS)

    def _spawn(self, errors: int) -> int:
        arguments = [sys.executable, "-P", "-c", _PROGRAM, _PACKAGE_ROOT, self._module, *self._arguments]
        actions: list[tuple[int, int, int] | tuple[int, int, str, int, int] | tuple[int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, errors, 2),
        ]
        actions += [(os.POSIX_SPAWN_CLOSE, fd) for fd in _inherited()]
        # A group of its own spares it the terminal's signals. No session of its own: Linux shares the
        # processor between sessions first, and its niceness would count for nothing against the wire.
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
