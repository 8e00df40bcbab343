"""``mcpscope why`` in staged hangs: the first cause it names is the one that was staged."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from mcpscope.hanging.processes import servers_of
from tests.program import Program, until

CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "slow", "arguments": {}}}
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process does")

SLEEPS = """
import sys, time
sys.stdin.readline()
print("taking the lock", file=sys.stderr, flush=True)
time.sleep(600)
"""
COMPUTES = "import sys\nsys.stdin.readline()\nwhile True: pass"
DEAF = "import time\ntime.sleep(600)"
FLOODS = "import sys, time\nsys.stdin.readline()\nwhile True: print('{}' + ' ' * 9000, flush=True)"
ASKS = """
import json, sys, time
sys.stdin.readline()
said = {"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {"messages": []}}
print(json.dumps(said), flush=True)
time.sleep(600)
"""
QUIET = "import sys\nfor line in sys.stdin: pass"
LEAVES = "import sys\nsys.stdin.readline()\nraise SystemExit(3)"


def wrapped(program: Program, server: str, *options: str) -> subprocess.Popen[bytes]:
    return program.popen(*options, "--", sys.executable, "-c", server)


def say(proxy: subprocess.Popen[bytes], *messages: dict[str, Any]) -> None:
    assert proxy.stdin is not None
    for message in messages:
        proxy.stdin.write(json.dumps(message).encode() + b"\n")
    proxy.stdin.flush()


def why(program: Program) -> dict[str, Any]:
    done = program.run("why", "--json")
    if done.returncode:
        return {"causes": [], "owed": []}
    found: dict[str, Any] = json.loads(done.stdout)["data"]
    return found


def codes(program: Program) -> list[str]:
    return [cause["code"] for cause in why(program)["causes"]]


def expect(program: Program, *wanted: str) -> None:
    """Until the causes are these; the recorder may be a moment behind."""
    seen: list[str] = []

    def reached() -> bool:
        seen[:] = codes(program)
        return seen == list(wanted)

    until(reached, timeout=60, every=0.3)


@linux
def test_a_server_that_waits_for_something_itself(program: Program) -> None:
    proxy = wrapped(program, SLEEPS)
    say(proxy, CALL)
    expect(program, "asleep", "server-owes")
    found = why(program)
    assert found["owed"][0]["method"] == "tools/call" and "taking the lock" in found["stderr"]
    assert "gives up after about 60" in found["causes"][-1]["text"]
    text = program.run("why").stdout.decode()
    assert "owes the client an answer to tools/call slow" in text and "taking the lock" in text


@linux
def test_a_server_that_computes(program: Program) -> None:
    say(wrapped(program, COMPUTES), CALL)
    expect(program, "busy", "server-owes")


@linux
def test_a_server_that_is_stopped(program: Program) -> None:
    proxy = wrapped(program, SLEEPS)
    say(proxy, CALL)
    expect(program, "asleep", "server-owes")
    (server,) = servers_of(proxy.pid)
    os.kill(server.pid, signal.SIGSTOP)
    expect(program, "stopped", "server-owes")
    assert why(program)["causes"][0]["fix"] == f"kill -CONT {server.pid}"
    os.kill(server.pid, signal.SIGCONT)


@linux
def test_a_server_that_does_not_read(program: Program) -> None:
    proxy = wrapped(program, DEAF)
    say(proxy, {**CALL, "params": {"name": "slow", "arguments": {"text": "x" * 20_000}}})
    expect(program, "server-not-reading", "server-owes")


@linux
def test_a_client_that_does_not_read(program: Program) -> None:
    proxy = wrapped(program, FLOODS)
    say(proxy, CALL)
    until(lambda: "client-not-reading" in codes(program), timeout=60, every=0.3)


def test_a_client_that_never_answers_a_question(program: Program) -> None:
    proxy = wrapped(program, ASKS)
    say(proxy, CALL)
    until(lambda: "client-owes" in codes(program), timeout=60, every=0.3)
    texts = [cause["text"] for cause in why(program)["causes"]]
    assert any("the client owes the server an answer to sampling/createMessage" in text for text in texts)
    assert any("tools/call slow waits for" in text for text in texts)


def test_a_call_that_is_held(program: Program) -> None:
    proxy = wrapped(program, QUIET, "--break", "tool:slow", "--detached", "wait")
    say(proxy, CALL)
    until(lambda: codes(program)[:1] == ["held"], timeout=60, every=0.3)
    assert "mcpscope holds continue" in why(program)["causes"][0]["fix"]


def test_a_server_that_left(program: Program) -> None:
    proxy = wrapped(program, LEAVES)
    say(proxy, CALL)
    assert proxy.wait(30) == 3
    expect(program, "ended", "server-owes")


def test_a_proxy_that_was_killed(program: Program) -> None:
    proxy = wrapped(program, QUIET)
    say(proxy, CALL)
    until(lambda: bool(why(program)["owed"]), timeout=60, every=0.3)
    proxy.kill()
    proxy.wait(30)
    until(lambda: codes(program)[:1] in (["ended"], ["proxy-gone"]), timeout=60, every=0.3)


def test_a_stream_that_was_cut(program: Program, tmp_path: Path) -> None:
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), _Cutting)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    proxy = program.popen("--stdio", f"http://127.0.0.1:{upstream.server_port}/mcp")
    say(proxy, CALL)
    until(
        lambda: any(code in ("stream-cut", "server-owes") for code in codes(program)) or answered(program),
        timeout=60,
        every=0.3,
    )
    upstream.shutdown()


def answered(program: Program) -> bool:
    """A bridge may answer in the server's place: then nobody waits."""
    return codes(program)[-1:] == ["idle"]


SILENT = """
import http.server, json, sys, time
class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if "stream" in sys.argv:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b": hello\\n\\n")
            self.wfile.flush()
        time.sleep(600)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def silent() -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], str]]]:
    """Starts a server on HTTP that never answers, or (``stream``) begins to and says no more."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: str) -> tuple[subprocess.Popen[bytes], str]:
        server = subprocess.Popen([sys.executable, "-c", SILENT, *args], stdout=subprocess.PIPE)
        started.append(server)
        assert server.stdout is not None
        return server, f"http://127.0.0.1:{int(server.stdout.readline())}/mcp"

    yield start
    for server in started:
        server.kill()
        server.communicate()


def post(proxy: subprocess.Popen[bytes], message: dict[str, Any] = CALL) -> None:
    """A call of an HTTP client that goes on waiting beside the test."""
    assert proxy.stderr is not None
    line = proxy.stderr.readline().decode()
    url = re.search(r"http://127\.0\.0\.1:\d+/\S*", line)
    assert url is not None, line
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}

    def ask() -> None:
        with suppress(httpx.HTTPError):
            httpx.post(url[0], json=message, headers=headers, timeout=120)

    threading.Thread(target=ask, daemon=True).start()


@linux
def test_a_server_behind_a_bridge_that_says_nothing_and_is_stopped(program: Program, silent: Any) -> None:
    server, url = silent()
    proxy = program.popen("--stdio", url)
    say(proxy, CALL)
    expect(program, "asleep", "server-owes")
    assert "it has not begun to answer" in why(program)["causes"][-1]["text"]
    server.send_signal(signal.SIGSTOP)
    expect(program, "stopped", "server-owes")
    assert why(program)["causes"][0]["fix"] == f"kill -CONT {server.pid}"


@linux
def test_a_server_on_http_that_begins_to_answer_and_dies(program: Program, silent: Any) -> None:
    server, url = silent("stream")
    post(program.popen("--no-ui", "--port", "0", url))
    expect(program, "asleep", "server-owes")
    assert "the stream is open" in why(program)["causes"][-1]["text"]
    server.kill()
    server.wait()
    expect(program, "unreachable", "stream-cut")


@linux
def test_a_server_on_stdio_behind_http_that_is_stopped(program: Program) -> None:
    proxy = program.popen("--no-ui", "--port", "0", "--", sys.executable, "-c", SLEEPS)
    info = {"name": "tester", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
    post(proxy, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    expect(program, "asleep", "server-owes")
    (server,) = servers_of(proxy.pid)
    os.kill(server.pid, signal.SIGSTOP)
    expect(program, "stopped", "server-owes")
    os.kill(server.pid, signal.SIGCONT)


def test_nobody_waits(program: Program) -> None:
    wrapped(program, QUIET)
    until(lambda: codes(program)[-1:] == ["idle"], timeout=60, every=0.3)
    assert program.run("why", "nosuch").returncode == 5


class _Cutting(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b": hello\n\n")
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""
