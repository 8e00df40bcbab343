"""Start a server as a child process on three pipes, with a guard between it and us.

The guard (transports.connect.guard) is the server's parent: it ends everything the server has started when
the server ends, when we ask for it, and when we are killed. This module runs before anything else is
imported, so it imports nothing but ``os`` and the guard.
"""

from __future__ import annotations

import os

from mcpscope.transports.connect.guard import guard


class StartFailed(Exception):
    """The server could not be started: ``phase`` is ``cwd`` or ``exec``, ``errno`` the system's reason."""

    def __init__(self, phase: str, errno: int) -> None:
        super().__init__(f"{phase}: {os.strerror(errno)}")
        self.phase = phase
        self.errno = errno


class Child:
    """A started server: our ends of its pipes (non-blocking), and the guard's two ends.

    ``stdin`` is written, ``stdout`` and ``stderr`` are read. ``report`` becomes readable when the guard has
    news (``news``). ``pid`` is 0 until ``confirm`` has returned.
    """

    __slots__ = ("_control", "_heard", "guard_pid", "pid", "report", "stderr", "stdin", "stdout")

    def __init__(
        self, guard_pid: int, stdin: int, stdout: int, stderr: int, control: int, report: int
    ) -> None:
        self.guard_pid = guard_pid
        self.pid = 0
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.report = report
        self._control = control
        self._heard = b""

    def __repr__(self) -> str:
        return f"<Child pid={self.pid} guard={self.guard_pid}>"

    def confirm(self) -> None:
        """Wait until the server's program runs; raises StartFailed if it does not."""
        while b"\n" not in self._heard:
            more = os.read(self.report, 256)
            if not more:
                raise StartFailed("exec", 10)
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        if line.startswith(b"P"):
            self.pid = int(line[1:])
            os.set_blocking(self.report, False)
            return
        phase, _, errno = line[1:].decode().partition(" ")
        os.waitpid(self.guard_pid, 0)
        raise StartFailed(phase, int(errno))

    def news(self) -> list[tuple[str, int]]:
        """What the guard has said since: ``("exit", wait status)`` once, then ``("gone", 0)``.

        ``gone`` also stands for the guard's own death: nothing more will come.
        """
        try:
            more = os.read(self.report, 256)
        except BlockingIOError:
            return []
        self._heard += more
        *lines, self._heard = self._heard.split(b"\n")
        said = [("exit", int(line[1:])) if line[:1] == b"X" else ("gone", 0) for line in lines]
        return said if more else [*said, ("gone", 0)]

    def terminate(self) -> None:
        """SIGTERM to the server's group, and SIGKILL to all that is left of it 2 s later."""
        try:
            os.write(self._control, b"T")
        except BrokenPipeError:
            pass  # the guard has gone, and with it the server

    def release(self) -> None:
        """Close the guard's ends and take its exit status; only after ``gone``."""
        os.close(self._control)
        os.close(self.report)
        try:
            os.waitpid(self.guard_pid, 0)
        except ChildProcessError:
            pass  # already taken


def start(command: list[str], env: dict[str, str], cwd: str | None) -> Child:
    """Fork the guard, which starts ``command`` (no shell) in a session of its own; returns at once.

    ``env`` is the whole environment. Whether the program could be started is what ``Child.confirm`` says.
    """
    stdin_theirs, stdin_ours = os.pipe()
    stdout_ours, stdout_theirs = os.pipe()
    stderr_ours, stderr_theirs = os.pipe()
    control_theirs, control_ours = os.pipe()
    report_ours, report_theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        guard(command, env, cwd, (stdin_theirs, stdout_theirs, stderr_theirs), control_theirs, report_theirs)
    for theirs in (stdin_theirs, stdout_theirs, stderr_theirs, control_theirs, report_theirs):
        os.close(theirs)
    for ours in (stdin_ours, stdout_ours, stderr_ours):
        os.set_blocking(ours, False)
    return Child(pid, stdin_ours, stdout_ours, stderr_ours, control_ours, report_ours)


def exit_code(status: int) -> int:
    """The shell's number for a wait status: the exit code, or 128 and the signal's number."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
