"""The UI as a process on a real terminal: hostile bytes, crashes, kills, and what is no terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import until
from tests.tui.tape import Tape

REPO = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(120)
HOSTILE = (
    "\x1b]0;OWNED\x07\x1b]52;c;T1dORUQ=\x07\x1b[2J\x1b[8m\x9b31m\x7f\u202e\u200b\U000e0041[bold]$x [/] \\"
)
# What Textual itself may send: styles, cursor, modes, and the title of the app.
OURS = re.compile(
    rb"\x1b\[[0-9;:<>=?]*[a-zA-Z]|\x1b\[\?[0-9;]*[$]?[a-zA-Z]|\x1b[PX^_].*?\x1b\\"
    rb"|\x1b[=>78M]|\x1b\[[0-9;]* q",
    re.DOTALL,
)


class Terminal:
    """A UI process on a pty of its own."""

    def __init__(self, db: Path, *args: str, size: tuple[int, int] = (80, 24), **environment: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        env = {**os.environ, "PYTHONPATH": str(REPO), "TERM": "xterm-256color", **environment}
        command = [sys.executable, "-m", "mcpscope", "--db", str(db), *(args or ("ui",))]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self.drawn = b""

    def read(self) -> bytes:
        while True:
            try:
                self.drawn += os.read(self.master, 65536)
            except BlockingIOError:
                return self.drawn
            except OSError:
                return self.drawn

    def until(self, text: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while text.encode() not in self.read():
            assert time.monotonic() < end, f"no {text!r} in {self.drawn[-2000:]!r}"
            time.sleep(0.02)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def hostile(db: Path) -> Iterator[Path]:
    tape = Tape(db, label=HOSTILE, command=["srv", HOSTILE]).start(
        tools=[{"name": HOSTILE, "description": HOSTILE}]
    )
    tape.call(HOSTILE, **{HOSTILE: HOSTILE})
    tape.fail(tape.ask(HOSTILE, x=HOSTILE), -32000, HOSTILE)
    tape.stderr(HOSTILE).raw(HOSTILE.encode() + b"\n")
    tape.store()
    yield db


def test_hostile_text_reaches_the_terminal_as_text(hostile: Path) -> None:
    ui = Terminal(hostile, size=(120, 40))
    try:
        ui.until("malformed")
        for keys in ("k", "k", "]", "]", "\r", "]", "]", "q", "4", "7", "1", "t"):
            ui.press(keys)
            time.sleep(0.15)
        ui.until("frames")
        drawn = ui.read()
    finally:
        ui.close()
    assert b"OWNED\x07" not in drawn and b"\x1b]52" not in drawn and b"\x1b[2J\x1b[8m" not in drawn
    rest = OURS.sub(b"", drawn)
    controls = set(re.findall(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]", rest))
    assert controls <= {b"\x07"}, controls  # the bell is ours
    text = rest.decode("utf-8", "replace")
    assert not set(text) & {"\x9b", "\u202e", "\u200b", "\U000e0041"}
    assert "\\u{1b}" in text


def test_what_is_no_terminal_is_told_the_way(db: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mcpscope", "--db", str(db), "ui"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(REPO)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert 'mcpscope ui needs a terminal; use "mcpscope log --follow"' in done.stderr


def test_quitting_restores_the_terminal_and_returns_zero(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    ui = Terminal(db)
    try:
        ui.until("search_docs")
        ui.press("Q")
        assert ui.process.wait(30) == 0
        assert b"\x1b[?1049l" in ui.read()
    finally:
        ui.close()


def test_a_ui_that_was_suspended_is_painted_whole_again(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    ui = Terminal(db)
    try:
        ui.until("search_docs")
        ui.press("\x1a")
        until(lambda: Path(f"/proc/{ui.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        ui.read()
        ui.drawn = b""  # the shell writes over what was there
        os.kill(ui.process.pid, signal.SIGCONT)
        ui.until("(no filter)")  # which nothing else paints again
    finally:
        ui.close()


def test_a_crash_says_one_sentence_and_no_value(db: Path, tape: Tape, tmp_path: Path) -> None:
    tape.call("search_docs", query="a secret value")
    tape.store()
    breaking = tmp_path / "breaking"
    breaking.mkdir()
    (breaking / "sitecustomize.py").write_text(
        "import mcpscope.tui.present.rows as rows, mcpscope.tui.exchanges as exchanges\n"
        "def broken(row, *rest, **more):\n"
        "    local_secret = row.summary\n"
        "    raise RuntimeError(f'boom {local_secret}')\n"
        "exchanges.row_line = broken\n"
        "import mcpscope.tui.widgets.viewer as viewer\n"  # two panes break in one turn
        "viewer.Viewer.paint = lambda *given: broken(rows)\n"
    )
    ui = Terminal(db, size=(120, 40), PYTHONPATH=f"{breaking}:{REPO}")
    try:
        assert ui.process.wait(60) == 70
        drawn = ui.read()
    finally:
        ui.close()
    tail = drawn.rsplit(b"\x1b[?1049l", 1)[-1]
    assert b"mcpscope ui stopped on RuntimeError; proxies and recordings go on; the report is" in tail
    assert b"a secret value" not in drawn and b"Traceback" not in drawn
    (report,) = (tmp_path / "state" / "mcpscope" / "crashes").iterdir()
    assert "a secret value" not in report.read_text() and "broken" in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600


def test_no_color_is_mono_and_still_tells_every_status(db: Path, tape: Tape) -> None:
    tape.fail(tape.ask("tools/call", name="bad", arguments={}), -32602, "x")
    tape.store()
    ui = Terminal(db, NO_COLOR="1")
    try:
        ui.until("-32602")
        styles = set(re.findall(rb"\x1b\[([0-9;]*)m", ui.read()))
        colours = {
            style for style in styles if re.search(rb"(^|;)(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;|$)", style)
        }
        assert colours == set()
    finally:
        ui.close()


def test_a_url_typed_in_a_terminal_opens_the_ui_on_a_proxy_that_ends_with_it(
    db: Path, tmp_path: Path
) -> None:
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    program = [sys.executable, "-m", "mcpscope"]
    upstream = subprocess.Popen(
        [*program, "--db", str(tmp_path / "up.db"), "--no-ui", "--port", "0", "--",
         sys.executable, "-m", "mcpscope.demo.server"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env,
    )  # fmt: skip
    assert upstream.stderr
    url = re.findall(r"http://127.0.0.1:\d+/mcp", upstream.stderr.readline().decode())[0]
    ui = Terminal(db, "--port", "0", url, size=(120, 40))
    try:
        ui.until("WAITING FOR CLIENT")
        ui.until("listening on http://127.0.0.1:")
        address = re.findall(rb"listening on (http://127.0.0.1:\d+/mcp)", ui.read())[0].decode()
        assert said_hello(address) == 200
        ui.until("initialize")
        ui.process.send_signal(signal.SIGHUP)  # as when the terminal is closed
        assert ui.process.wait(30) == -signal.SIGHUP
        end = time.monotonic() + 20
        while said_hello(address):
            assert time.monotonic() < end, "the proxy lives on"
            time.sleep(0.1)
    finally:
        ui.close()
        upstream.terminate()
        upstream.wait(30)


def test_a_proxy_that_cannot_start_says_why_instead_of_opening_the_ui(db: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ui = Terminal(db, "--port", port, "http://127.0.0.1:1/mcp")
        try:
            ui.until("is in use")
            assert ui.process.wait(30) not in (0, None)
            assert b"\x1b[?1049h" not in ui.read()
        finally:
            ui.close()


def said_hello(address: str) -> int:
    """The status that ``initialize`` gets; 0 where nobody listens."""
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    request = urllib.request.Request(address, json.dumps(hello).encode(), headers)  # our own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except OSError:
        return 0


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL, None], ids=["stopped", "killed", "not read"])
def test_traffic_does_not_notice_what_happens_to_the_ui(db: Path, how: signal.Signals | None) -> None:
    """``how`` None: nobody reads what the UI draws, until its terminal is full."""
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    proxy = subprocess.Popen(
        [sys.executable, "-m", "mcpscope", "--db", str(db), "--", "cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env,
    )  # fmt: skip
    assert proxy.stdin and proxy.stdout
    ui = Terminal(db)
    try:
        proxy.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        proxy.stdin.flush()
        assert proxy.stdout.readline()
        ui.until("ping")
        if how is not None:
            os.kill(ui.process.pid, how)
        end, number, slowest = time.monotonic() + 1.5, 2, 0.0
        while time.monotonic() < end:
            line = b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % number
            began = time.monotonic()
            proxy.stdin.write(line)
            proxy.stdin.flush()
            assert proxy.stdout.readline() == line
            slowest, number = max(slowest, time.monotonic() - began), number + 1
            time.sleep(0.002)
        assert number > 50 and slowest < 1, f"{number} calls, the slowest {slowest:.3f} s"
        if how is None:
            ui.press("7")
            ui.until("session 1 began")  # read again, it goes on
    finally:
        ui.close()
        proxy.stdin.close()
        assert proxy.wait(30) == 0
