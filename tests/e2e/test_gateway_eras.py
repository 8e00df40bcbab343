"""A client of the old era before an upstream that has no handshake: what it asks, is asked and gives up."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bare_client import Client, messages
from tests.e2e.gateways import Gateway, written
from tests.e2e.test_gateway_safety import asked, begun
from tests.program import Program

pytestmark = pytest.mark.timeout(120)

SERVER = r"""
import json, sys
PREFIX = "io.modelcontextprotocol/"
def say(**said):
    print(json.dumps({"jsonrpc": "2.0", **said}), flush=True)
def give(id, **result):
    say(id=id, result={"resultType": "complete", "ttlMs": 0, **result})
for line in sys.stdin:
    asked = json.loads(line)
    with open(HEARD, "a") as file:
        file.write(line)
    params, id = asked.get("params", {}), asked.get("id")
    meta = params.get("_meta", {})
    if id is None:
        continue
    if PREFIX + "protocolVersion" not in meta:
        say(id=id, error={"code": -32022, "message": "no", "data": {"supported": ["2026-07-28"]}})
    elif asked["method"] == "server/discover":
        info = {PREFIX + "serverInfo": {"name": "newer", "version": "1"}}
        offered = {"tools": {"listChanged": True}, "logging": {}}
        give(id, supportedVersions=["2026-07-28"], capabilities=offered, _meta=info, instructions="as told")
    elif asked["method"] == "subscriptions/listen":
        held = {"notifications": params["notifications"], "_meta": {PREFIX + "subscriptionId": id}}
        say(method="notifications/subscriptions/acknowledged", params=held)
        change = {"_meta": {PREFIX + "subscriptionId": id}}
        say(method="notifications/tools/list_changed", params=change)
    elif params.get("name") == "ask" and "inputResponses" not in params:
        wanted = {"a": {"method": "elicitation/create", "params": {"message": "who?"}},
                  "b": {"method": "sampling/createMessage", "params": {"messages": []}}}
        result = {"resultType": "input_required", "inputRequests": wanted, "requestState": "s1"}
        say(id=id, result=result)
    elif params.get("name") == "die":
        sys.exit(3)
    elif asked["method"] == "tools/call":
        said = [params.get("inputResponses"), params.get("requestState"), meta.get(PREFIX + "logLevel")]
        give(id, content=[{"type": "text", "text": json.dumps(said)}])
    else:
        say(id=id, error={"code": -32601, "message": "Method not found"})
"""


class Talk:
    """A gateway on stdio, said to line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def say(self, **body: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **body}).encode() + b"\n")
        self.process.stdin.flush()

    def call(self, id: int, name: str) -> None:
        self.say(id=id, method="tools/call", params={"name": f"one__{name}", "arguments": {}})

    def hear(self, **wanted: Any) -> dict[str, Any]:
        """The next message that has these members."""
        assert self.process.stdout
        for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            if all(said.get(key) == value for key, value in wanted.items()):
                return said
        raise AssertionError("it has ended")


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    """What the upstream was told."""
    return tmp_path / "heard"


@pytest.fixture
def talk(program: Program, tmp_path: Path, heard: Path) -> Iterator[Talk]:
    one = [sys.executable, "-c", f"HEARD = {str(heard)!r}\n" + SERVER]
    made = Talk(program.popen("gateway", written(tmp_path, {"one": {"command": one}}), "--stdio"))
    info = {"name": "t", "version": "1"}
    offered = {"elicitation": {}, "sampling": {}}
    hello = {"protocolVersion": "2025-06-18", "capabilities": offered, "clientInfo": info}
    made.say(id=1, method="initialize", params=hello)
    result = made.hear(id=1)["result"]
    assert result["protocolVersion"] == "2025-06-18" and "as told" in result["instructions"]
    made.say(method="notifications/initialized")
    yield made
    assert made.process.stdin
    made.process.stdin.close()
    assert made.process.wait(30) == 0


def text(answer: dict[str, Any]) -> Any:
    assert "resultType" not in answer["result"]
    return json.loads(answer["result"]["content"][0]["text"])


def test_its_calls_questions_levels_and_subscriptions_are_carried_over(talk: Talk, heard: Path) -> None:
    changed = talk.hear(method="notifications/tools/list_changed")
    assert "io.modelcontextprotocol/subscriptionId" not in json.dumps(changed)
    talk.say(id=2, method="logging/setLevel", params={"level": "error"})
    assert talk.hear(id=2)["result"] == {}
    talk.call(3, "say")
    assert text(talk.hear(id=3)) == [None, None, "error"]
    talk.call(4, "ask")
    who = talk.hear(method="elicitation/create")
    what = talk.hear(method="sampling/createMessage")
    assert who["params"] == {"message": "who?"}
    talk.say(id=what["id"], result={"role": "assistant", "model": "m"})
    talk.say(id=who["id"], error={"code": -1, "message": "no"})
    given = {"a": {"action": "cancel"}, "b": {"role": "assistant", "model": "m"}}
    assert text(talk.hear(id=4)) == [given, "s1", "error"]
    told = [json.loads(line) for line in heard.read_text().splitlines()]
    assert [one["method"] for one in told].count("initialize") == 1
    assert not any(one["method"].startswith(("notifications/initialized", "logging/")) for one in told)


def test_what_the_client_refuses_gives_up_or_the_server_dies_of_ends(talk: Talk, heard: Path) -> None:
    talk.call(2, "ask")
    what = talk.hear(method="sampling/createMessage")
    talk.say(id=what["id"], error={"code": -1, "message": "not today"})
    assert talk.hear(id=2)["error"]["message"] == "not today"
    talk.call(3, "ask")
    who, what = talk.hear(method="elicitation/create"), talk.hear(method="sampling/createMessage")
    talk.say(method="notifications/cancelled", params={"requestId": 3})
    for one in (who, what):
        talk.say(id=one["id"], result={"action": "decline"})
    talk.call(4, "say")
    assert text(talk.hear(id=4))[0] is None
    assert "s1" not in heard.read_text()
    talk.call(5, "ask")
    talk.hear(method="sampling/createMessage")
    talk.call(6, "die")
    ended = [talk.hear(id=5), talk.hear(id=6)]
    assert all("one: it exited with code 3" in one["error"]["message"] for one in ended)
    talk.hear(method="notifications/tools/list_changed")
    talk.call(7, "say")
    assert text(talk.hear(id=7)) == [None, None, "debug"]


def test_over_http_its_plain_calls_are_carried_over_too(program: Program, tmp_path: Path) -> None:
    one = [sys.executable, "-c", f"HEARD = {str(tmp_path / 'heard')!r}\n" + SERVER]
    gateway = Gateway(program, written(tmp_path, {"one": {"command": one}}))

    async def said() -> list[Any]:
        async with asyncio.timeout(60), Client(gateway.url) as client:
            await begun(client)
            _, _, body = await client.ask(asked(1, "tools/call", name="one__say", arguments={}))
            return list(text(messages(body)[-1]))

    assert asyncio.run(said()) == [None, None, "debug"]
