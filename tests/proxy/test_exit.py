"""How a wrapped server ends, and what is left of it: exit codes, signals, the ladder, orphans."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.program import Program, until

pytestmark = pytest.mark.timeout(60)

STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
print(os.getpid(), flush=True)
while True: time.sleep(1)
"""
FAMILY = """
import os, signal, subprocess, sys, time
code = "import signal,time\\nsignal.signal(signal.SIGTERM,signal.SIG_IGN)\\ntime.sleep(600)"
near = subprocess.Popen([sys.executable, "-c", code])
far = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
orphan = subprocess.run([sys.executable, "-c", "import subprocess,sys\\n"
    "print(subprocess.Popen([sys.executable,'-c','import time; time.sleep(600)'],start_new_session=True,"
    "stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL).pid)"], capture_output=True, text=True)
print(os.getpid(), near.pid, far.pid, int(orphan.stdout), flush=True)
{then}
"""


def alive(pid: int) -> bool:
    """Whether ``pid`` is a process that is more than a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone(pids: list[int]) -> bool:
    return not any(map(alive, pids))


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_code_is_the_servers(program: Program, script: str, code: int) -> None:
    done = program.run("--", "sh", "-c", f"cat; echo said; {script}", input=b"a\nb")
    assert (done.returncode, done.stdout) == (code, b"a\nbsaid\n")


def test_a_server_that_exits_by_itself_ends_us_with_the_client_still_there(program: Program) -> None:
    proxy = program.popen("--", "sh", "-c", "read x; echo $x; exit 5")
    assert proxy.stdin and proxy.stdout
    proxy.stdin.write(b"bye\n")
    proxy.stdin.flush()
    assert proxy.stdout.read() == b"bye\n"
    assert proxy.wait(20) == 5


def test_stderr_passes_through_and_stdout_has_nothing_else(program: Program) -> None:
    done = program.run("--", "sh", "-c", "echo problem >&2; echo answer")
    assert (done.stdout, done.stderr) == (b"answer\n", b"problem\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_closes_the_servers_stdin(program: Program, number: signal.Signals) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored here, as under nohup, and a proxy leaves it so")
    proxy = program.popen("--", "sh", "-c", "echo up; cat; echo end-of-file; exit 7")
    assert proxy.stdout
    assert proxy.stdout.readline() == b"up\n"
    begun = time.monotonic()
    proxy.send_signal(number)
    assert proxy.stdout.read() == b"end-of-file\n"
    assert proxy.wait(20) == 7
    assert time.monotonic() - begun < 1.9


def test_the_ladder_ends_a_server_that_ignores_everything(program: Program) -> None:
    proxy = program.popen("--", sys.executable, "-c", STUBBORN)
    assert proxy.stdin and proxy.stdout
    server = int(proxy.stdout.readline())
    begun = time.monotonic()
    proxy.stdin.close()
    assert proxy.wait(30) == 137
    assert 3.5 < time.monotonic() - begun < 9
    assert not alive(server)


def test_sigterm_comes_2_s_after_the_end_of_file(program: Program) -> None:
    proxy = program.popen("--", "sh", "-c", "echo up; sleep 600")
    assert proxy.stdin and proxy.stdout
    proxy.stdout.readline()
    begun = time.monotonic()
    proxy.stdin.close()
    assert proxy.wait(30) == 143
    assert 1.8 < time.monotonic() - begun < 6


@pytest.mark.parametrize("then", ["sys.exit(4)", "sys.stdin.read(); sys.exit(4)", "time.sleep(600)"])
def test_no_grandchild_survives(program: Program, then: str) -> None:
    proxy = program.popen("--", sys.executable, "-c", FAMILY.format(then=then))
    assert proxy.stdin and proxy.stdout
    pids = [int(word) for word in proxy.stdout.readline().split()]
    proxy.stdin.close()
    assert proxy.wait(30) == (143 if "sleep" in then else 4)
    assert gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals and reapers are Linux's")
@pytest.mark.parametrize("then", ["sys.stdin.read(); sys.exit(4)", "time.sleep(600)"])
def test_nothing_survives_a_kill_9_of_the_proxy(program: Program, then: str) -> None:
    proxy = program.popen("--", sys.executable, "-c", FAMILY.format(then=then))
    assert proxy.stdout
    pids = [int(word) for word in proxy.stdout.readline().split()]
    assert not gone(pids)
    proxy.kill()
    assert proxy.wait(10) == -9
    until(lambda: gone(pids), timeout=12)


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals and reapers are Linux's")
def test_the_server_does_not_survive_the_death_of_its_guard(program: Program) -> None:
    proxy = program.popen("--", sys.executable, "-c", STUBBORN)
    assert proxy.stdout
    server = int(proxy.stdout.readline())
    guard = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    assert guard != proxy.pid
    os.kill(guard, signal.SIGKILL)
    assert proxy.wait(20) == 137
    until(lambda: not alive(server))


@pytest.mark.parametrize("text", ["command not found: {}", "{} is not executable"])
def test_a_server_that_cannot_start_is_named_in_one_line(program: Program, tmp_path: Path, text: str) -> None:
    command = "no-such-program-here"
    if "executable" in text:
        command = str(tmp_path / "text")
        (tmp_path / "text").write_text("hello")
    text = text.format(command)
    done = program.run("--", command)
    assert done.returncode == 4
    assert done.stdout == b""
    assert done.stderr.decode().splitlines()[0] == f"error: {text}"
    assert "Traceback" not in done.stderr.decode()


def test_the_server_gets_the_folder_and_variables_it_is_given(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    done = program.run(
        "-e", "ANSWER=4 2", "--cwd", str(folder), "--", "sh", "-c", 'pwd; echo "$ANSWER"; umask'
    )
    umask = os.umask(0)
    os.umask(umask)
    assert done.stdout.decode().split("\n")[:3] == [str(folder), "4 2", f"{umask:04o}"]


def test_the_server_finds_no_descriptor_of_ours_and_default_signals(program: Program) -> None:
    done = program.run("--", "sh", "-c", "ls /proc/$$/fd; grep SigIgn /proc/$$/status")
    *fds, ignored = done.stdout.decode().split("\n")[:-1]
    assert [fd for fd in fds if int(fd) < 10] == ["0", "1", "2"]
    assert int(ignored.split()[1], 16) & 0x1000 == 0
