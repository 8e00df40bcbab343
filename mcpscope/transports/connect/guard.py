"""The guard: a small process between us and the server that sees to it that nothing of it survives.

It is the server's parent and, on Linux, the reaper of its orphans, so even a grandchild that has detached
itself is found. It ends what is left 2 s after SIGTERM when the server has exited, when it is told to, and by
the whole ladder (end of file, 2 s, SIGTERM, 2 s, SIGKILL) when we have been killed and its control pipe ends.
The server in turn gets a SIGKILL from the kernel should the guard be killed (Linux). Bytes never pass here.

It is forked before anything is imported, so ``typing`` and its like stay out of this file.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # signal without its enums, which cost 2 ms
import os
import select
import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

GRACE_SECONDS = 2.0
GIVE_UP_SECONDS = 5.0
_RETRY_SECONDS = 0.05
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform == "linux"
# The rungs of the ladder: nobody asked yet; end of file was sent, and time given; SIGTERM, then SIGKILL.
_RUNNING, _WAITING, _TERMINATED = range(3)


def guard(
    command: list[str],
    env: dict[str, str],
    cwd: str | None,
    stdio: tuple[int, int, int],
    control: int,
    report: int,
) -> NoReturn:
    """Become the guard in a freshly forked process: start ``command``, watch it, never return.

    Writes to ``report`` a line ``P<pid>``, or ``E<phase> <errno>`` and ends; then ``X<wait status>`` when
    the server has exited and ``D`` when nothing of it is left. Any byte from ``control`` asks for SIGTERM;
    its end says that we are gone.
    """
    try:
        os.setsid()
        failed_ours, failed_theirs = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become(command, env, cwd, stdio, failed_theirs, parent)
        _Guard(pid, control, report).run(failed_ours)
    finally:
        os._exit(0)


def _become(
    command: list[str],
    env: dict[str, str],
    cwd: str | None,
    stdio: tuple[int, int, int],
    failed: int,
    parent: int,
) -> NoReturn:
    phase = "exec"
    try:
        os.setsid()
        for target, fd in enumerate(stdio):
            os.dup2(fd, target)
        if cwd is not None:
            phase = "cwd"
            os.chdir(cwd)
            phase = "exec"
        # Python ignores these two; the server must find them as any program does.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        _prctl(_PR_SET_PDEATHSIG, 9)
        if os.getppid() == parent:
            _close_others({0, 1, 2, failed})
            os.execvpe(command[0], command, env)
    except OSError as error:
        os.write(failed, f"{phase} {error.errno}".encode())
    finally:
        os._exit(127)


def _prctl(option: int, value: int) -> None:
    if not _LINUX:
        return
    try:
        # ctypes itself costs 2 ms that the server would wait for; these names are older than it.
        from _ctypes import call_function, dlopen, dlsym

        libc = dlopen(None, 0)  # type: ignore[arg-type]  # the program itself, as in dlopen(3)
        call_function(dlsym(libc, "prctl"), (option, value, 0, 0, 0))
    except (ImportError, AttributeError, OSError):
        pass  # another libc or interpreter: the pipes' end of file and the guard have to do


def _close_others(keep: set[int]) -> None:
    try:
        found = [int(name) for name in os.listdir("/proc/self/fd" if _LINUX else "/dev/fd")]
    except OSError:
        found = list(range(3, 1024))
    for fd in found:
        if fd not in keep:
            try:
                os.close(fd)
            except OSError:
                pass  # the listing's own descriptor


class _Guard:
    """What the guard knows: the server's pid, whether it lives, the rung and when the next is due."""

    def __init__(self, pid: int, control: int, report: int) -> None:
        self._pid = pid
        self._control = control
        self._report = report
        self._server_lives = True
        self._rung = _RUNNING
        self._deadline = float("inf")

    def __repr__(self) -> str:
        return f"<_Guard of {self._pid} rung={self._rung} server={'lives' if self._server_lives else 'gone'}>"

    def run(self, failed: int) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        _close_others({0, 1, 2, self._control, self._report, failed})
        if error := os.read(failed, 64):
            self._say(b"E" + error)
            os.waitpid(self._pid, 0)
            return
        os.close(failed)
        self._say(b"P%d" % self._pid)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        wake, woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        poller.register(wake, select.POLLIN)
        while self._reap():
            for fd, _ in poller.poll(self._timeout()):
                if fd == wake:
                    os.read(wake, 4096)
                elif not self._told():
                    poller.unregister(fd)
            if monotonic() >= self._deadline:
                self._climb()
        self._say(b"D")

    def _told(self) -> bool:
        """Obey the control pipe; False when we who hold its other end are gone."""
        words = os.read(self._control, 64)
        if words:
            self._terminate()
        elif self._rung == _RUNNING:
            self._rung, self._deadline = _WAITING, monotonic() + GRACE_SECONDS
        return bool(words)

    def _climb(self) -> None:
        """The deadline of this rung has passed."""
        if self._rung == _WAITING:
            self._terminate()
        elif monotonic() > self._deadline + GIVE_UP_SECONDS:
            os._exit(0)  # what does not even heed SIGKILL is beyond us
        else:
            self._signal(9)  # again and again: a dying process may still have had a child

    def _terminate(self) -> None:
        if self._rung != _TERMINATED:
            self._signal(15)
            self._rung, self._deadline = _TERMINATED, monotonic() + GRACE_SECONDS

    def _timeout(self) -> int | None:
        if self._rung == _RUNNING:
            return None
        return max(int(_RETRY_SECONDS * 1000), int((self._deadline - monotonic()) * 1000) + 1)

    def _reap(self) -> bool:
        """Take every exit status there is; False when nothing of the server is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return self._group_lives()
            if pid == 0:
                return True
            if pid == self._pid:
                self._server_lives = False
                self._say(b"X%d" % status)
                if self._rung == _TERMINATED:
                    self._signal(15)  # those that are not in its group have not heard yet
                self._terminate()

    def _signal(self, number: int) -> None:
        """``number`` to the server's group; to all below us once the server is gone, or for SIGKILL."""
        if self._server_lives or not _LINUX:  # the number of a group that has emptied may be given away
            try:
                os.killpg(self._pid, number)
            except OSError:
                pass  # it has just emptied
        if number == 9 or not self._server_lives:
            for pid in _descendants(os.getpid()):
                try:
                    os.kill(pid, number)
                except OSError:
                    pass  # it has just ended, or has become another user's

    def _group_lives(self) -> bool:
        if _LINUX:
            return False
        try:
            os.killpg(self._pid, 0)
        except OSError:
            return False
        return True

    def _say(self, line: bytes) -> None:
        try:
            os.write(self._report, line + b"\n")
        except OSError:
            pass  # nobody is left to hear it


def _descendants(root: int) -> list[int]:
    """All processes below ``root`` by /proc; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            try:
                fd = os.open(f"/proc/{name}/stat", os.O_RDONLY)
            except OSError:
                continue
            try:
                # The second field is the program's name in brackets, and may hold anything.
                parent = int(os.read(fd, 4096).rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            finally:
                os.close(fd)
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found
