"""The proxy as a process: what goes in comes out, both ways, whatever the descriptors are."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import threading
import tty
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.program import Program
from tests.session.oddities import script

pytestmark = pytest.mark.timeout(90)

# Says the file argv[1] in pieces of the sizes that follow argv[2], and writes what it hears to argv[2].
SERVER = """
import os, sys, threading
said, heard, sizes = open(sys.argv[1], "rb").read(), sys.argv[2], [int(size) for size in sys.argv[3:]]
def say():
    at = turn = 0
    while at < len(said):
        at += os.write(1, said[at:at + sizes[turn % len(sizes)]])
        turn += 1
speaker = threading.Thread(target=say)
speaker.start()
with open(heard, "wb", buffering=0) as file:
    while data := os.read(0, 1 << 20):
        file.write(data)
speaker.join()
os.close(1)
"""


def talk(program: Program, up: bytes, down: bytes, sizes: list[int], *options: str, **streams: Any) -> None:
    """Send ``up`` in pieces of ``sizes`` while the server sends ``down`` in the same; both must arrive."""
    said, heard = program.folder / "said", program.folder / "heard"
    said.write_bytes(down)
    server = [sys.executable, "-c", SERVER, str(said), str(heard), *map(str, sizes)]
    proxy = program.popen(*options, "--", *server, **streams)
    into, out = proxy.stdin, proxy.stdout
    assert into and out
    arrived: list[bytes] = []
    reader = threading.Thread(target=lambda: arrived.append(out.read()))
    reader.start()
    at = turn = 0
    while at < len(up):
        at += os.write(into.fileno(), up[at : at + sizes[turn % len(sizes)]])
        turn += 1
    into.close()
    assert proxy.wait(60) == 0
    reader.join(60)
    assert b"".join(arrived) == down
    assert heard.read_bytes() == up


@seed(7)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(sizes=st.lists(st.one_of(st.integers(20, 500), st.integers(1, 1 << 20)), min_size=1, max_size=8))
def test_every_byte_arrives_both_ways(program: Program, sizes: list[int]) -> None:
    talk(program, script(1), script(2), sizes)


def test_byte_by_byte(program: Program) -> None:
    talk(program, script(1, 60), script(2, 60), [1])


@pytest.mark.parametrize("sizes", [[4096], [65536, 1], [3 << 20]])
def test_a_line_of_64_mb_arrives_both_ways(program: Program, sizes: list[int]) -> None:
    talk(program, script(1, 200, long_line=64 << 20), script(2, 200, long_line=64 << 20), sizes)


def test_without_a_record_every_byte_arrives(program: Program) -> None:
    talk(program, script(1), script(2), [777, 100_000], "--no-record")
    assert not program.db.parent.exists()


def test_a_client_with_socketpairs(program: Program) -> None:
    ours_in, theirs_in = socket.socketpair()
    ours_out, theirs_out = socket.socketpair()
    proxy = program.popen("--", "cat", stdin=theirs_in, stdout=theirs_out)
    theirs_in.close()
    theirs_out.close()
    data = script(4, 2000, long_line=3 << 20)
    sender = threading.Thread(target=lambda: (ours_in.sendall(data), ours_in.shutdown(socket.SHUT_WR)))
    sender.start()
    with ours_out.makefile("rb") as file:
        assert file.read() == data
    assert proxy.wait(30) == 0
    sender.join()
    assert os.get_blocking(ours_in.fileno())


def test_files_on_both_ends(program: Program, tmp_path: Path) -> None:
    data = script(5)
    (tmp_path / "in").write_bytes(data)
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as drain:
        drain.write(b"before\n")
        drain.flush()
        proxy = program.popen("--", "cat", stdin=source, stdout=drain)
        assert proxy.wait(30) == 0
    assert (tmp_path / "out").read_bytes() == b"before\n" + data


def test_a_terminal_on_both_ends(program: Program) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    proxy = program.popen("--no-record", "--", "cat", stdin=slave, stdout=slave)
    os.close(slave)
    os.write(master, b"typed\n")
    got = b""
    while not got.endswith(b"\n"):
        got += os.read(master, 100)
    assert got == b"typed\n"
    os.close(master)
    assert proxy.wait(30) in (0, 129)


def test_inherited_descriptors_keep_their_blocking_mode(program: Program) -> None:
    into, theirs_in = os.pipe()
    out, theirs_out = os.pipe()
    proxy = program.popen("--", "cat", stdin=into, stdout=theirs_out)
    os.write(theirs_in, b"x\n")
    assert os.read(out, 10) == b"x\n"
    assert os.get_blocking(into)
    assert os.get_blocking(theirs_out)
    os.close(theirs_in)
    assert proxy.wait(30) == 0
    for fd in (into, out, theirs_out):
        os.close(fd)


def test_closed_standard_streams_do_no_harm(program: Program) -> None:
    command = [*program.argv("--", "sh", "-c", "cat; echo fine >&2; exit 6")]
    shell = subprocess.run(
        ["sh", "-c", '"$@" <&- >&-', "sh", *command], env=program.env, capture_output=True, timeout=30
    )
    assert (shell.returncode, shell.stderr) == (6, b"fine\n")


@pytest.mark.parametrize("reader", ["client", "server"])
def test_a_side_that_stops_reading_costs_one_buffer(program: Program, reader: str) -> None:
    flood = "import os\nwhile True: os.write(1, b'{}' * 30000 + b'\\n')"
    deaf = "import time\nprint('up', flush=True)\ntime.sleep(600)"
    proxy = program.popen("--", sys.executable, "-c", flood if reader == "client" else deaf)
    assert proxy.stdin and proxy.stdout
    os.set_blocking(proxy.stdin.fileno(), False)
    proxy.stdout.read(2)
    sizes = []
    for _ in range(2):
        for _ in range(200):
            try:
                if reader == "server":
                    os.write(proxy.stdin.fileno(), b"x" * 65536)
            except BlockingIOError:
                break
        threading.Event().wait(0.6)
        sizes.append((memory(proxy.pid), journal_bytes(program)))
    assert sizes[1][0] - sizes[0][0] < 4 << 20
    assert sizes[1][0] < 64 << 20
    assert sizes[1][1] < 8 << 20
    proxy.kill()


def memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def journal_bytes(program: Program) -> int:
    return sum(path.stat().st_size for path in program.db.parent.rglob("*.seg"))
