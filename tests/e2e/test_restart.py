"""A server replaced behind a live client: the next call works, what was open is answered, in both eras."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bare_client import Stateless
from tests.e2e.gateways import Gateway, written
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.runs import HERE, node_script
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = [pytest.mark.sdk2, pytest.mark.timeout(120)]


def soaked(*values: str) -> Any:
    return pytest.param(*values, marks=pytest.mark.soak)


def server(peers: Peers) -> list[str]:
    return [peers.sdk2_python, "-W", "ignore", str(SERVERS / "sdk2_server.py")]


def live_through(
    program: Program, argv: list[str], folder: Path, mode: str, target: list[str], *restart: str
) -> dict[str, Any]:
    """What a client reports that called before and after ``mcpscope restart``."""
    argv = [*argv, mode, str(folder)]
    client = subprocess.Popen(
        [*argv, *target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.env
    )
    try:
        until(lambda: (folder / "called").exists() or client.poll() is not None)
        done = program.run("restart", *restart)
        assert done.returncode == 0, done.stderr.decode()
        (folder / "again").touch()
        out, err = client.communicate(timeout=60)
        assert client.returncode == 0, err.decode()[-2000:]
        report: dict[str, Any] = json.loads(out)
        return report
    finally:
        client.kill()
        client.wait()


def scripted(client: str, peers: Peers, folder: Path) -> list[str]:
    """The command of a client script."""
    if client == "sdk2":
        return [peers.sdk2_python, "-W", "ignore", str(HERE / "clients" / "restarts2.py")]
    return node_script(peers, "restarts.mjs", folder)


@pytest.mark.parametrize(
    ("client", "shape", "mode"),
    [
        ("sdk2", "stdio", "legacy"),
        soaked("sdk2", "stdio", "2026-07-28"),
        soaked("sdk2", "bridge", "legacy"),
        soaked("sdk2", "bridge", "2026-07-28"),
        soaked("sdk2", "gateway", "legacy"),
        soaked("sdk2", "gateway", "2026-07-28"),
        soaked("ts", "stdio", "legacy"),
        soaked("ts", "stdio", "auto"),
        soaked("ts", "bridge", "legacy"),
        soaked("ts", "bridge", "auto"),
        soaked("ts", "gateway", "legacy"),
        soaked("ts", "gateway", "auto"),
    ],
)
def test_the_next_call_works(
    ends: HttpEnds, program: Program, peers: Peers, tmp_path: Path, client: str, shape: str, mode: str
) -> None:
    if shape == "stdio":
        target = program.bare_argv("--label", "one", "--", *server(peers))
    elif shape == "bridge":
        target = [ends.proxy("--label", "one", "--", *server(peers))]
    else:
        upstreams = {"one": {"command": server(peers), "prefix": ""}, "two": {"command": server(peers)}}
        target = [Gateway(program, written(tmp_path, upstreams)).url]
    report = live_through(program, scripted(client, peers, tmp_path), tmp_path, mode, target, "one")
    first, lost, again = report["results"]
    assert (first, again) == ("5", "5")
    assert "restarted" in lost
    assert report["modern"] == (mode != "legacy")
    if mode == "legacy":
        assert any("list_changed" in one or "ToolListChanged" in one for one in report["heard"])


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_call_that_waits_for_its_clients_answer_is_not_made_again(
    program: Program, tmp_path: Path, how: str
) -> None:
    """The tool ran already, in part: what it asked and what it did are gone with its process."""
    calls = tmp_path / "calls"
    one = [sys.executable, "-c", f"CALLS = {str(calls)!r}\n" + ASKING]
    gateway = Gateway(program, written(tmp_path, {"one": {"command": one}}))

    async def life() -> None:
        async with asyncio.timeout(60), Stateless(gateway.url) as client:
            (asked,) = await client.call("one__ask", arguments={})
            if how == "kill":
                os.kill(int(calls.read_text().split()[0]), signal.SIGKILL)
            else:
                done = await asyncio.to_thread(program.run, "restart", "one")
                assert done.returncode == 0, done.stderr
            state = {"requestState": asked["result"]["requestState"]}
            given = {key: {"action": "decline"} for key in asked["result"]["inputRequests"]}
            for again in range(2):  # what it is told the second time is no other
                (asked,) = await client.call("one__ask", arguments={}, inputResponses=given, **state)
                said = asked["error"]["message"]
                assert ("not made again" if again else "one: it ") in said
            assert len(calls.read_text().split()) == 1
            while "result" not in asked:
                (asked,) = await client.call("one__ask", arguments={})
                await asyncio.sleep(0.05)
            assert asked["result"]["resultType"] == "input_required"

    asyncio.run(life())


def test_a_watched_file_restarts_the_server(program: Program, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    script = source / "server.py"
    script.write_text(VERSIONED.replace("VERSION", "one"))
    wire = program.popen("--watch", str(source), "--", sys.executable, str(script))
    assert wire.stdin and wire.stdout

    def says(message: dict[str, Any]) -> None:
        assert wire.stdin
        wire.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        wire.stdin.flush()

    def answer(id: int) -> Any:
        assert wire.stdout
        for line in wire.stdout:
            said = json.loads(line)
            if said.get("id") == id:
                return said.get("result")
        raise AssertionError("it has ended")

    info = {"name": "t", "version": "1"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
    says({"id": 1, "method": "initialize", "params": hello})
    assert answer(1)["serverInfo"]["version"] == "one"
    says({"method": "notifications/initialized"})
    script.write_text(VERSIONED.replace("VERSION", "two"))
    for id in range(2, 300):
        says({"id": id, "method": "tools/call", "params": {"name": "version"}})
        found = answer(id)
        if found is not None and found["content"][0]["text"] == "two True":
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the new server never answered")
    wire.stdin.close()
    assert wire.wait(20) == 0


VERSIONED = """
import json, sys
greeted = False
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        greeted = greeted or asked["method"] == "notifications/initialized"
        continue
    result = {"content": [{"type": "text", "text": f"VERSION {greeted}"}]}
    if asked["method"] == "initialize":
        info = {"name": "v", "version": "VERSION"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""

ASKING = """
import json, os, sys
def say(**said):
    print(json.dumps({"jsonrpc": "2.0", **said}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        info = {"name": "a", "version": "1"}
        given = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        say(id=asked["id"], result=given)
    elif asked.get("method") == "tools/call":
        with open(CALLS, "a") as file:
            file.write(f"{os.getpid()}\\n")
        schema = {"type": "object"}
        say(id="q", method="elicitation/create", params={"message": "?", "requestedSchema": schema})
    elif "method" in asked and "id" in asked:
        say(id=asked["id"], error={"code": -32601, "message": "Method not found"})
"""
