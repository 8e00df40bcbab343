"""A secret that we hand to a server by reference is in no byte of what we keep or say."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest

from tests.program import Program, files_in, until
from tests.session.steered import Steered

pytestmark = pytest.mark.timeout(60)

SECRET = 'hunter2"hunter2/hunter2'
ECHO = """
import os, sys
secret = os.environ["TOKEN"]
sys.stderr.write("token " + secret + "\\n"); sys.stderr.flush()
for line in sys.stdin.buffer:
    # Half of the secret in one write, half in the next: a chunk may end anywhere.
    os.write(1, b'{"jsonrpc":"2.0","method":"a","params":["' + secret.replace('"', '\\\\"').encode()[:12])
    import time; time.sleep(0.05)
    os.write(1, secret.replace('"', '\\\\"').encode()[12:] + b'"]}\\n' + line)
"""


def everything_kept(folder: Path) -> bytes:
    return b"".join(files_in(folder).values())


@pytest.mark.parametrize("options", [(), ("--deny", "tool:nothing")], ids=["fast lane", "gate"])
def test_an_injected_secret_is_in_no_byte_on_disk(program: Program, options: tuple[str, ...]) -> None:
    program.env["VAULT"] = SECRET
    process = program.popen("-e", "TOKEN=${env:VAULT}", *options, "--", sys.executable, "-c", ECHO)
    assert process.stdin and process.stdout and process.stderr
    forms = [SECRET, base64.b64encode(b"x" + SECRET.encode()).decode()]
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "t", "arguments": {"x": forms}},
    }
    said = json.dumps(body).encode() + b"\n"
    process.stdin.write(said)
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["params"] == [SECRET]
    assert process.stdout.readline() == said
    process.stdin.close()
    assert process.wait(20) == 0
    assert b"hunter2" not in process.stderr.read()
    rows = Steered.rows
    until(lambda: rows(_at(program), "SELECT 1 FROM sessions WHERE ended_at IS NOT NULL"))
    until(lambda: not list(Path(f"{program.db}.journal").glob("*/*.seg")))
    kept = everything_kept(program.db.parent)
    assert b"[redacted:" in kept
    for form in (b"hunter2", forms[1][4:24].encode()):
        assert form not in kept


def _at(program: Program) -> Steered:
    found = Steered.__new__(Steered)
    found.program = program
    return found


def test_a_missing_secret_stops_the_start_by_name(program: Program) -> None:
    done = program.run("-e", "TOKEN=${env:NOT_THERE}", "--", "cat", input=b"x\n")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"${env:NOT_THERE}" in done.stderr
