"""Runs one measurement: builds the C ends, starts the driver on a subject, counts what was stored."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BENCH = HERE / "bin" / "bench"
DRAIN_SECONDS = 300


def build() -> None:
    """Compile bench.c with the machine's compiler if the binary is missing or older than its source."""
    source = HERE / "bench.c"
    if BENCH.exists() and BENCH.stat().st_mtime > source.stat().st_mtime:
        return
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        sys.exit("make bench needs a C compiler: cc is not on this machine")
    BENCH.parent.mkdir(exist_ok=True)
    subprocess.run([compiler, "-O2", "-o", str(BENCH), str(source)], check=True)


@dataclass(frozen=True)
class Drive:
    """What the driver measured; times of the monotonic clock."""

    first_ms: float
    p50_us: float
    p99_us: float
    begun_ns: int
    ended_ns: int
    up_bytes: int
    down_bytes: int
    calls: int

    @property
    def calls_per_s(self) -> float:
        return (self.calls - 1) * 1e9 / (self.ended_ns - self.begun_ns)

    @property
    def bytes(self) -> int:
        return self.up_bytes + self.down_bytes


@dataclass(frozen=True)
class Load:
    """What the driver is to do: ``calls`` requests of ``size`` bytes, ``window`` of them in flight."""

    calls: int
    payloads: Path
    window: int = 1
    answers: Path | None = None
    pinned: bool = False

    @property
    def echo(self) -> list[str]:
        return [str(BENCH), "echo", *([str(self.answers)] if self.answers else [])]

    def command(self, subject: list[str], mode: str) -> list[str]:
        head = [str(BENCH), "drive", mode, str(self.calls), str(self.window), str(self.payloads)]
        return [*head, *subject]


DIRECT: list[str] = []
FLOOR = [str(BENCH), "relay"]


class Place:
    """A fresh folder with a database of ours in it; ``subject`` is the proxy's command line."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.db = folder / "state" / "mcpscope.db"
        self.env = {
            # As installed: with bytecode, whatever the shell says about writing it.
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith("MCPSCOPE_") and name != "PYTHONDONTWRITEBYTECODE"
            },
            "PYTHONPATH": str(ROOT),
            "MCPSCOPE_RUNTIME_DIR": str(folder / "run"),
            "MCPSCOPE_BENCH": str(folder),
        }
        self.subject = [*_program(), *options, "--db", str(self.db), "--"]

    def rows(self) -> int:
        """Messages in the database now."""
        return self._number("count(*)")

    def _number(self, of_messages: str) -> int:
        if not self.db.exists():
            return 0
        with closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=30)) as connection:
            try:
                return int(connection.execute(f"SELECT {of_messages} FROM messages").fetchone()[0])
            except sqlite3.OperationalError:
                return 0  # the recorder has not made its tables yet

    def wait_for_rows(self, wanted: int) -> int:
        """Wait until ``wanted`` messages are stored; the monotonic time (ns) at which they were seen."""
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end:
            # The highest id is at least their number, and asking for it takes no time of the recorder's.
            found = self.rows() if self._number("ifnull(max(id), 0)") >= wanted else 0
            if found >= wanted:
                if found > wanted:
                    raise AssertionError(f"{found} messages stored, {wanted} sent")
                return time.monotonic_ns()
            time.sleep(0.05)
        raise AssertionError(f"{self.rows()} of {wanted} messages stored after {DRAIN_SECONDS} s")

    def processes(self) -> list[int]:
        """Our processes that run for this place, wherever they were re-parented to."""
        mark = f"MCPSCOPE_BENCH={self.env['MCPSCOPE_BENCH']}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                marked = mark in (entry / "environ").read_bytes().split(b"\0")
                if marked and (entry / "exe").resolve() != BENCH:
                    found.append(int(entry.name))
            except OSError:
                pass  # gone, or not ours
        return found

    def pss_mb(self) -> float:
        """Proportional memory of all our processes, in megabytes (10^6)."""
        total = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total / 1e6

    def wait_until_ended(self) -> None:
        """Wait until the recorder has gone, so that no run disturbs the next."""
        end = time.monotonic() + DRAIN_SECONDS
        while self.processes():
            if time.monotonic() > end:
                raise AssertionError(f"still running: {self.processes()}")
            time.sleep(0.02)

    def disk_bytes(self) -> int:
        """Bytes of the database with whatever SQLite keeps beside it."""
        return sum(path.stat().st_size for path in self.db.parent.glob(self.db.name + "*") if path.is_file())


def _program() -> list[str]:
    """What a client's configuration starts: the installed script, where there is one."""
    script = Path(sys.executable).with_name("mcpscope")
    return [str(script)] if script.exists() else [sys.executable, "-m", "mcpscope"]


@contextmanager
def place(*options: str) -> Iterator[Place]:
    """A place that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mcpscope-bench-", ignore_cleanup_errors=True) as folder:
        found = Place(Path(folder), *options)
        yield found
        found.wait_until_ended()


def drive(
    load: Load,
    subject: list[str],
    *,
    mode: str = "time",
    env: dict[str, str] | None = None,
    echo: bool = True,
) -> Drive:
    """Run the driver on ``subject`` (and the echo server behind it) and return what it measured."""
    command = load.command([*subject, *(load.echo if echo else [])], mode)
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, preexec_fn=pin(load.pinned))
    return Drive(**json.loads(done.stdout), calls=load.calls)


@contextmanager
def lingering(load: Load, subject: list[str], env: dict[str, str]) -> Iterator[Drive]:
    """The driver after its last answer, with the connection still open."""
    command = load.command([*subject, *load.echo], "linger")
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        yield Drive(**json.loads(process.stdout.readline()), calls=load.calls)
        process.stdin.close()


def pin(wanted: bool) -> Callable[[], None] | None:
    """For ``preexec_fn``: put the process, and all it starts, on the first core."""
    return (lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})) if wanted else None
