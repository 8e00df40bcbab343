"""Entering and leaving the gate under load loses, doubles and reorders nothing."""

from __future__ import annotations

import json
import sys
import threading
import time

import pytest

from tests.program import Program, until
from tests.session.steered import Steered, call

pytestmark = pytest.mark.timeout(300)

# A line in, the same line back, one read and write per whatever comes: chunks end anywhere in a line.
CAT = "import os\nwhile chunk := os.read(0, 65536):\n    while chunk: chunk = chunk[os.write(1, chunk) :]"
# The same for calls: each is answered with its arguments, as many at once as were read at once.
ANSWERING = """
import json, os
rest = b""
while chunk := os.read(0, 65536):
    *lines, rest = (rest + chunk).split(b"\\n")
    asked = [json.loads(line) for line in lines]
    said = [{"jsonrpc": "2.0", "id": one["id"], "result": one["params"]["arguments"]} for one in asked]
    out = b"".join(json.dumps(one).encode() + b"\\n" for one in said)
    while out: out = out[os.write(1, out) :]
"""


class Echoed(Steered):
    """A proxy with plenty of traffic through it, before ``cat`` or (``calls``) a server that answers."""

    def __init__(self, program: Program, *, calls: bool) -> None:
        self.program = program
        self.calls = calls
        self.process = program.popen("--", sys.executable, "-c", ANSWERING if calls else CAT)
        self._pending = b""
        self.sent = 0
        self.back: list[int] = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._talk), threading.Thread(target=self._listen)]
        for thread in self.threads:
            thread.start()

    def _talk(self) -> None:
        assert self.process.stdin
        padding = ["x" * size for size in (10, 400, 3, 9000, 70)]
        while not self.stop.is_set():
            if self.sent - len(self.back) > 2000:
                time.sleep(0.001)
                continue
            self.sent += 1
            params = {"n": self.sent, "p": padding[self.sent % 5]}
            if self.calls:
                body = call(self.sent, "echo", None, **params)
            else:
                body = {"jsonrpc": "2.0", "method": "notifications/n", "params": params}
            self.process.stdin.write(json.dumps(body).encode() + b"\n")
        self.process.stdin.close()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            body = json.loads(line)
            self.back.append((body["result"] if self.calls else body["params"])["n"])


@pytest.mark.parametrize("calls", [False, True])
def test_switching_lanes_under_load_loses_doubles_and_reorders_nothing(
    program: Program, soak: bool, calls: bool
) -> None:
    switches = 1000 if soak else 60
    wire = Echoed(program, calls=calls)
    entered = 0
    with wire.dial() as control:
        for number in range(switches // 2):
            control.call("scope/rules/add", action="deny", match="tool:nothing", name="n")
            if number % 10 == 0:
                control.call("scope/rules/remove", name="n")
                control.call("scope/rules/add", action="deny", match="tool:nothing", name="n")
            seen = len(wire.back)
            until(lambda seen=seen: len(wire.back) > seen, every=0.0005)
            # What was on its way when the rule came is still passed on as it was.
            entered += until(lambda: control.call("scope/status")["sessions"][0]["lane"] == "gate")
            control.call("scope/rules/remove", name="n")
            seen = len(wire.back)
            until(lambda seen=seen: len(wire.back) > seen, every=0.0005)
        # The gate is left with the last message that was in it.
        until(lambda: control.call("scope/status")["sessions"][0]["lane"] == "fast")
    wire.stop.set()
    for thread in wire.threads:
        thread.join(60)
    assert wire.process.wait(30) == 0
    assert entered == switches // 2
    assert wire.back == list(range(1, wire.sent + 1))
    count = "SELECT count(*), count(DISTINCT exchange_id), sum(kind = 'notification') FROM messages"
    until(lambda: wire.rows("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL"), timeout=120)
    messages = 2 * wire.sent
    assert wire.rows(count) == [(messages, wire.sent, 0) if calls else (messages, messages, messages)]


HALVES = """
import os, pathlib, sys, time
sys.stdin.readline()
os.write(1, b'{"jsonrpc":"2.0","method":"notifications/half",')
go = pathlib.Path(sys.argv[1])
while not go.exists(): time.sleep(0.01)
os.write(1, b'"params":{}}\\n')
sys.stdin.read()
"""


def test_an_answer_of_ours_never_cuts_a_message_of_the_server_in_two(program: Program) -> None:
    """The server is in the middle of a message when the gate is entered; ours waits for its end."""
    go = program.folder / "go"
    wire = Steered.__new__(Steered)
    wire.program, wire._pending = program, b""
    wire.process = program.popen("--", sys.executable, "-c", HALVES, str(go))
    with wire.dial() as control:
        wire.says({"jsonrpc": "2.0", "method": "notifications/begin"})
        assert wire.process.stdout
        begun = wire.process.stdout.read1(47)
        control.call("scope/rules/add", action="deny", match="tool:echo")
        wire.says({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}})
        until(lambda: control.call("scope/rules/list")[0]["hits"] == 1)
        assert wire.is_silent()
        go.touch()
        assert begun + (wire.line() or b"") == b'{"jsonrpc":"2.0","method":"notifications/half","params":{}}'
        assert wire.hears()["id"] == 1
    assert wire.closes() == 0
