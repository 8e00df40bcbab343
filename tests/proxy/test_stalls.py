"""Sides that stall, leave or close half of what they have: the other learns it as it would without us."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.program import Program, until
from tests.proxy.test_exit import alive

pytestmark = pytest.mark.timeout(60)

DEAF = """
import os, signal, time
{trap}
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("trap", "code"), [("", 143), ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", 137)]
)
def test_a_client_that_leaves_a_deaf_server_is_noticed(program: Program, trap: str, code: int) -> None:
    proxy = program.popen("--", sys.executable, "-c", DEAF.format(trap=trap))
    assert proxy.stdin and proxy.stdout
    server = int(proxy.stdout.readline())
    fd = proxy.stdin.fileno()
    os.set_blocking(fd, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(fd, b"x" * 65536)
            time.sleep(0.001)
    begun = time.monotonic()
    proxy.stdin.close()
    assert proxy.wait(30) == code
    assert time.monotonic() - begun < 12
    assert not alive(server)


def test_a_client_that_is_gone_ends_a_server_that_floods(program: Program) -> None:
    flood = "import os\nprint(os.getpid(), flush=True)\nwhile True: os.write(1, b'{}\\n' * 9999)"
    proxy = program.popen("--", sys.executable, "-c", flood)
    assert proxy.stdin and proxy.stdout
    server = int(proxy.stdout.readline())
    proxy.stdout.close()
    proxy.stdin.close()
    assert proxy.wait(30) != 0
    assert not alive(server)


def test_a_server_that_closes_its_stdout_is_heard_to_the_end(program: Program) -> None:
    proxy = program.popen("--", "sh", "-c", "echo last; exec >&-; cat >/dev/null; exit 9")
    assert proxy.stdin and proxy.stdout
    assert proxy.stdout.read() == b"last\n"
    assert proxy.poll() is None
    proxy.stdin.close()
    assert proxy.wait(20) == 9


def test_a_server_that_closes_its_stdin_breaks_the_clients_pipe(program: Program) -> None:
    proxy = program.popen("--", "sh", "-c", "exec <&-; echo up; sleep 600")
    assert proxy.stdin and proxy.stdout
    fd = proxy.stdin.fileno()
    assert proxy.stdout.readline() == b"up\n"
    os.write(fd, b"x\n")

    def broken() -> bool:
        try:
            os.write(fd, b"y\n")
        except BrokenPipeError:
            return True
        return False

    until(broken)
    assert proxy.poll() is None
    proxy.stdout.close()
    assert proxy.wait(30) == 143


def test_stderr_that_nobody_reads_stops_nothing(program: Program) -> None:
    talker = (
        "import sys\nfor line in sys.stdin:\n"
        " sys.stderr.write('e' * 1500000 + '\\n'); sys.stderr.flush(); print(line, end='', flush=True)"
    )
    proxy = program.popen("--", sys.executable, "-c", talker)
    assert proxy.stdin and proxy.stdout and proxy.stderr
    for number in range(5):
        os.write(proxy.stdin.fileno(), b"%d\n" % number)
        assert proxy.stdout.readline() == b"%d\n" % number
    proxy.stdin.close()
    said = proxy.stderr.read()
    assert proxy.wait(30) == 0
    assert b"bytes of standard error dropped here" in said


def test_a_slow_client_gets_all_that_a_dead_server_left(program: Program) -> None:
    proxy = program.popen("--", sys.executable, "-c", "import os\nos.write(1, b'x' * 100000)")
    assert proxy.stdin and proxy.stdout
    proxy.stdin.close()
    with pytest.raises(subprocess.TimeoutExpired):
        proxy.wait(3)  # what it holds does not fit into the client's pipe
    assert len(proxy.stdout.read()) == 100_000
    assert proxy.wait(20) == 0
