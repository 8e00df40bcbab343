"""The program without its imports: a process that has imported the commands forks itself for each run.

Most tests of a command look at what it says and leaves behind; most of their time went into the imports of a
new interpreter. What runs is a process as a start would have made it: arguments, environment, working folder,
descriptors and exit code are its own.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from mcpscope.__main__ import main
from mcpscope.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
MAIN = str(ROOT / "mcpscope" / "__main__.py")
WARM = COMMANDS.keys() - {"demo", "gateway", "proxy", "serve", "ui"}
"""The commands that read, write or ask, and end; those that go on running are started as processes."""


def runs_warm(args: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a run is one of a command, in an environment that makes no other interpreter."""
    named = next((word for word in args if word in COMMANDS), None)
    return named in WARM and "--" not in args and _read_at_start(env) == _read_at_start(_environment())


class Warm:
    """Runs commands in forks of one process, which ends with this one."""

    def __init__(self) -> None:
        self._address = f"{tempfile.mkdtemp(prefix='ms-warm-', dir='/tmp')}/s"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", self._address],
            env=_environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"warm\n"

    def __repr__(self) -> str:
        return f"<Warm pid={self._process.pid}>"

    def run(
        self, args: Sequence[str], *, input: bytes, env: Mapping[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[bytes]:
        """As ``subprocess.run`` of ``mcpscope ARGS`` with its output captured."""
        ours, theirs = _pipes()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link, ThreadPoolExecutor(3) as pool:
            link.connect(self._address)
            wanted = json.dumps({"args": list(args), "env": dict(env), "cwd": str(cwd)}).encode()
            with tempfile.TemporaryFile() as told:
                told.write(wanted)
                told.seek(0)
                socket.send_fds(link, [b"."], [*theirs, told.fileno()])
            for fd in theirs:
                os.close(fd)
            pool.submit(_feed, ours[0], input)
            said, errors = pool.submit(_drain, ours[1]), pool.submit(_drain, ours[2])
            pid = int(link.recv(20))
            link.settimeout(timeout)
            try:
                code = int(link.recv(20))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired([MAIN, *args], timeout) from None
            return subprocess.CompletedProcess([MAIN, *args], code, said.result(), errors.result())


@cache
def warm() -> Warm:
    """The one of this process."""
    return Warm()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter takes from its environment before it runs anything."""
    return {name: value for name, value in env.items() if name.startswith(("LANG", "LC_", "PYTHON", "TZ"))}


def _pipes() -> tuple[list[int], list[int]]:
    """Pipes for the three descriptors: our ends, their ends."""
    (stdin, ours_in), (ours_out, stdout), (ours_err, stderr) = os.pipe(), os.pipe(), os.pipe()
    return [ours_in, ours_out, ours_err], [stdin, stdout, stderr]


def _feed(fd: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(fd, "wb") as pipe:
        pipe.write(data)


def _drain(fd: int) -> bytes:
    with open(fd, "rb") as pipe:
        return pipe.read()


def _serve(address: str) -> None:
    """Fork for each that connects, until whoever started us has gone and with it our standard input."""
    for name in sorted(WARM):
        if find_spec(COMMANDS[name][0]):  # some are only planned
            import_module(COMMANDS[name][0])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen(16)
        print("warm", flush=True)
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            link, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _attend(link)
            link.close()
    shutil.rmtree(Path(address).parent)


def _attend(link: socket.socket) -> None:
    """Run what ``link`` asks for, and tell it the process and, once that has ended, its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, fds, _, _ = socket.recv_fds(link, 1, 4)
    pid = os.fork()
    if pid == 0:
        link.close()
        _become(fds)
    for fd in fds:
        os.close(fd)
    link.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        link.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(fds: list[int]) -> None:
    """The program, with the descriptors, arguments, environment and folder of its start."""
    for number, fd in enumerate(fds[:3]):
        os.dup2(fd, number)
        os.close(fd)
    with open(fds[3], "rb") as told:
        wanted = json.load(told)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    sys.argv = [MAIN, *wanted["args"]]
    raise SystemExit(main())


if __name__ == "__main__":
    _serve(sys.argv[1])
