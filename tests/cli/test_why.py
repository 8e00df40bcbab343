"""``mcpscope why`` in staged hangs: the first cause it names is the one that was staged."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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
