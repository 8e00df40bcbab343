"""Commands in tests run in forks of a process that has imported them.

Most tests of a command look at what it says and leaves behind; most of their time went into the imports
of a new interpreter.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mcpscope.cli.commands import COMMANDS
from tests import forked

ROOT = Path(__file__).resolve().parents[1]
WARM = COMMANDS.keys() - {"demo", "gateway", "proxy", "serve", "ui"}
"""The commands that read, write or ask, and end; those that go on running are started as processes."""


def runs_warm(args: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a run is one of a command, in an environment that makes no other interpreter."""
    named = next((word for word in args if word in COMMANDS), None)
    return named in WARM and "--" not in args and _read_at_start(env) == _read_at_start(_environment())


class Warm:
    """An interpreter that has imported ``modules`` and forks itself; it ends with this process."""

    def __init__(self, python: str, modules: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.address = f"{tempfile.mkdtemp(prefix='ms-warm-', dir='/tmp')}/s"
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(ROOT / "tests" / "forked.py"), self.address, *modules],
            env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def __repr__(self) -> str:
        return f"<Warm pid={self._process.pid}>"

    def run(
        self, args: Sequence[str], *, input: bytes, env: Mapping[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[bytes]:
        """As ``subprocess.run`` of ``python ARGS`` with its output captured."""
        ours, theirs = _pipes()
        with forked.start(self.address, list(args), dict(env), str(cwd), theirs) as link:
            for fd in theirs:
                os.close(fd)
            with ThreadPoolExecutor(3) as pool:
                pool.submit(_feed, ours[0], input)
                said, errors = pool.submit(_drain, ours[1]), pool.submit(_drain, ours[2])
                pid = int(link.recv(20))
                link.settimeout(timeout)
                try:
                    code = int(link.recv(20))
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(list(args), timeout) from None
                return subprocess.CompletedProcess(list(args), code, said.result(), errors.result())


@cache
def warm() -> Warm:
    """The one with our commands."""
    places = [COMMANDS[name][0] for name in sorted(WARM)]
    return Warm(sys.executable, [place for place in places if find_spec(place)], _environment())


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


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter takes from its environment before it runs anything."""
    return {name: value for name, value in env.items() if name.startswith(("LANG", "LC_", "PYTHON", "TZ"))}
