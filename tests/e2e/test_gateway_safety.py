"""A gateway keeps apart what is not to mix: clients, callers, upstreams, their credentials, their deaths."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bare_client import Client, called, messages
from tests.e2e.gateways import Gateway, written
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.recorded import sessions_of
from tests.program import Program, files_in, until

pytestmark = pytest.mark.timeout(120)
HTTP = (sys.executable, str(SERVERS / "plain_http_server.py"))
STDIO = [sys.executable, str(SERVERS / "plain_stdio_server.py")]
MANY = [sys.executable, str(SERVERS / "many_tools_server.py")]


def bearer(token: str) -> str:
    return f"Authorization: Bearer {token}"


def asked(id: int, method: str, **params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode()


def hello(**capabilities: object) -> bytes:
    info = {"name": "t", "version": "1"}
    return asked(0, "initialize", protocolVersion="2025-11-25", capabilities=capabilities, clientInfo=info)


async def begun(client: Client, *lines: str) -> dict[str, Any]:
    """Shake hands; the result of initialize."""
    status, fields, body = await client.ask(hello(), *lines)
    assert status == 200, body
    client.session = fields["mcp-session-id"]
    await client.ask(b'{"jsonrpc":"2.0","method":"notifications/initialized"}', *lines)
    result: dict[str, Any] = messages(body)[-1]["result"]
    return result


def test_callers_see_and_may_what_is_theirs_and_nobody_else_comes_in(
    ends: HttpEnds, program: Program, tmp_path: Path
) -> None:
    rules = [
        {"name": "few", "match": "tool:tool_1", "action": "rate-limit", "limit": "1/hour"},
    ]
    (tmp_path / "bob.yaml").write_text(json.dumps({"version": 1, "rules": rules}))
    deny = [{"name": "not here", "match": "tool:tool_2 server:many", "action": "deny"}]
    (tmp_path / "all.yaml").write_text(json.dumps({"version": 1, "rules": deny}))
    allow = [{"name": "all here", "match": "tool:*", "action": "allow"}]
    (tmp_path / "many.yaml").write_text(json.dumps({"version": 1, "rules": allow}))
    upstreams = {"many": {"command": MANY, "policy": "many.yaml"}, "plain": {"command": STDIO}}
    callers = {
        "alice": {"bearer": "${env:ALICE}"},
        "bob": {
            "bearer": "${env:BOB}",
            "upstreams": ["many"],
            "only": ["many__tool_?"],
            "policy": "bob.yaml",
        },
    }
    program.env |= {"ALICE": "alice-token-123", "BOB": "bob-token-12345"}
    config = written(tmp_path, upstreams, callers=callers, policy="all.yaml")
    gateway = Gateway(program, config)

    async def seen(url: str, token: str, prefix: str) -> tuple[list[str], list[Any]]:
        async with Client(url) as client:
            await begun(client, bearer(token))
            _, _, body = await client.ask(asked(1, "tools/list"), bearer(token))
            names = [tool["name"] for tool in messages(body)[-1]["result"]["tools"]]
            answers = []
            for id, name in enumerate(("tool_1", "tool_1", "tool_2", "tool_50"), 2):
                _, _, body = await client.ask(called(id, prefix + name, text="x"), bearer(token))
                answers.append(messages(body)[-1])
            return names, answers

    async def refused(url: str, *lines: str) -> int:
        async with Client(url) as client:
            status, _, _ = await client.ask(hello(), *lines)
            return status

    for url, prefix in ((gateway.url, "many__"), (gateway.at("many"), "")):
        names, answers = asyncio.run(seen(url, program.env["ALICE"], prefix))
        assert f"{prefix}tool_50" in names
        assert ["result" in one and not one["result"].get("isError") for one in answers] == [
            *(True, True, False, True)
        ]
        names, answers = asyncio.run(seen(url, program.env["BOB"], prefix))
        assert names and all(name.startswith(f"{prefix}tool_") for name in names)
        said = [json.dumps(one) for one in answers]
        assert "Unknown tool" in said[3] and "isError" in said[2]
        # What is left of bob's limit is the same on both paths: it was used up on the first.
        assert ("result" in answers[0] and not answers[0]["result"].get("isError")) == (prefix != "")
        assert "result" not in answers[1] or answers[1]["result"].get("isError")
    assert asyncio.run(refused(gateway.url)) == 401
    assert asyncio.run(refused(gateway.at("many"), bearer("wrong-token-123"))) == 401
    assert asyncio.run(refused(gateway.at("plain"), bearer(program.env["BOB"]))) == 404


def test_a_changed_policy_of_a_caller_or_an_upstream_hides_at_once_and_shows_again(
    program: Program, tmp_path: Path
) -> None:
    """For the caller it is about, or for all."""
    files = {"bob": tmp_path / "bob.yaml", "many": tmp_path / "many.yaml"}

    def hide(of: str, *globs: str) -> None:
        files[of].write_text(json.dumps({"version": 1, "hide": globs}))

    for name in files:
        hide(name)
    program.env |= {"ALICE": "alice-token-123", "BOB": "bob-token-12345"}
    callers = {"alice": {"bearer": "${env:ALICE}"}, "bob": {"bearer": "${env:BOB}", "policy": "bob.yaml"}}
    upstreams = {"many": {"command": MANY, "policy": "many.yaml"}}
    gateway = Gateway(program, written(tmp_path, upstreams, callers=callers))

    async def life() -> None:
        async with Client(gateway.url) as alice, Client(gateway.url) as bob:
            who = ((alice, bearer("alice-token-123")), (bob, bearer("bob-token-12345")))
            ids = iter(range(1, 10_000))

            async def seen() -> list[set[int]]:
                found = []
                for client, token in who:
                    _, _, body = await client.ask(asked(next(ids), "tools/list"), token)
                    names = {tool["name"] for tool in messages(body)[-1]["result"]["tools"]}
                    found.append({n for n in (1, 2) if f"many__tool_{n}" in names})
                return found

            async def become(*wanted: set[int]) -> None:
                async with asyncio.timeout(60):
                    while await seen() != list(wanted):
                        await asyncio.sleep(0.1)

            for client, token in who:
                await begun(client, token)
            await become({1, 2}, {1, 2})
            hide("bob", "many__tool_1")
            await become({1, 2}, {2})
            _, _, body = await bob.ask(called(next(ids), "many__tool_1"), who[1][1])
            assert "Unknown tool" in json.dumps(messages(body)[-1])
            hide("many", "tool_2")
            await become({1}, set())
            hide("bob")
            await become({1}, {1})

    asyncio.run(life())


def test_a_credential_goes_to_its_upstream_alone(ends: HttpEnds, program: Program, tmp_path: Path) -> None:
    upstreams = {
        "one": {"url": ends.server(*HTTP), "headers": {"authorization": "Bearer ${env:ONE}"}},
        "two": {"url": ends.server(*HTTP), "headers": {"x-key": "${env:TWO}"}},
        "bare": {"url": ends.server(*HTTP)},
    }
    program.env |= {"ONE": "one-secret-12345", "TWO": "two-secret-12345"}
    gateway = Gateway(program, written(tmp_path, upstreams, callers={"ann": {"bearer": "ann-token-12345"}}))
    secrets = ("one-secret-12345", "two-secret-12345", "ann-token-12345")

    async def echoed() -> dict[str, list[str]]:
        async with Client(gateway.url) as client:
            await begun(client, bearer("ann-token-12345"))
            found = {}
            for turn in (0, 1):
                for id, name in enumerate(upstreams):
                    body = called(10 * turn + id + 1, f"{name}__echo")
                    _, fields, body = await client.ask(body, bearer("ann-token-12345"))
                    text = messages(body)[-1]["result"]["content"][0]["text"]
                    found[name] = [secret for secret in secrets if secret in text]
                    assert "x-echo" not in fields
            return found

    assert asyncio.run(echoed()) == {"one": [secrets[0]], "two": [secrets[1]], "bare": []}
    gateway.stop()
    stored = b"".join(files_in(program.db.parent).values())
    assert stored and not any(secret.encode() in stored for secret in secrets)


def test_an_upstream_that_dies_takes_nobody_down_and_comes_back(
    ends: HttpEnds, program: Program, tmp_path: Path
) -> None:
    upstreams = {
        "frail": {"command": [sys.executable, "-c", PID_SERVER]},
        "firm": {"command": STDIO},
        "never": {"command": ["/no/such/program"]},
    }
    gateway = Gateway(program, written(tmp_path, upstreams))

    async def life() -> None:
        async with Client(gateway.url) as client:
            await begun(client)

            async def call(id: int, name: str) -> dict[str, Any]:
                _, _, body = await client.ask(called(id, name, text="hi"))
                found: dict[str, Any] = messages(body)[-1]
                return found

            pid = int((await call(1, "frail__pid"))["result"]["content"][0]["text"])
            gone = await call(2, "never__x")
            assert "never" in gone["error"]["message"] and "/no/such/program" in gone["error"]["message"]
            open_call = asyncio.create_task(call(3, "frail__hang"))
            await asyncio.sleep(0.2)
            os.kill(pid, signal.SIGKILL)
            assert "frail: it exited with code 137" in (await open_call)["error"]["message"]
            assert (await call(4, "firm__say"))["result"]["content"][0]["text"] == "hi"
            for id in range(5, 200):
                found = await call(id, "frail__pid")
                if "result" in found:
                    assert int(found["result"]["content"][0]["text"]) != pid
                    return
                await asyncio.sleep(0.1)
            raise AssertionError("it did not come back")

    asyncio.run(life())
    status = json.loads(program.run("status", "--json").stdout)
    found = {one["name"]: one for one in status["data"][0]["upstreams"]}
    assert found["frail"]["state"] == "ready" and found["frail"]["failures"] == 1
    assert found["never"]["state"] == "failed" and "cannot be started" in found["never"]["why"]
    gateway.stop()
    until(lambda: len(sessions_of(program.db)) >= 4)
    listed = json.loads(program.run("sessions", "list", "--json").stdout)["data"]
    (client,) = [one["id"] for one in listed if one["label"] == "gateway"]
    assert [one["client_session"] for one in listed if one["label"] == "frail"] == [client, client]


PID_SERVER = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked or asked.get("params", {}).get("name", "").endswith("hang"):
        continue
    result = {"content": [{"type": "text", "text": str(os.getpid())}]}
    if asked["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "p"}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def test_who_ends_a_session_is_not_answered_what_it_left_open(program: Program, tmp_path: Path) -> None:
    gateway = Gateway(program, written(tmp_path, {"frail": {"command": [sys.executable, "-c", PID_SERVER]}}))

    async def left() -> tuple[int, str, bytes]:
        async with asyncio.timeout(60), Client(gateway.url) as one, Client(gateway.url) as other:
            await begun(one)
            other.session = one.session
            asking = asyncio.create_task(one.ask(called(1, "frail__hang")))
            await asyncio.sleep(0)
            await other.ask(called(2, "frail__pid"))
            assert (await other.ask(b"", method="DELETE"))[0] == 200
            status, fields, body = await asking
            return status, fields["content-type"], body

    assert asyncio.run(left()) == (200, "text/event-stream", b"")


def test_an_upstream_that_is_slow_to_start_keeps_nobody_waiting(program: Program, tmp_path: Path) -> None:
    slow = [sys.executable, "-c", "import time; time.sleep(3)\n" + PID_SERVER]
    config = written(tmp_path, {"slow": {"command": slow}, "firm": {"command": STDIO}}, start_timeout="300ms")
    gateway = Gateway(program, config)

    async def life() -> None:
        async with Client(gateway.url) as client:
            await begun(client)
            _, _, body = await client.ask(called(1, "firm__say", text="hi"))
            assert messages(body)[-1]["result"]["content"][0]["text"] == "hi"
            status = json.loads((await asyncio.to_thread(program.run, "status", "--json")).stdout)
            assert status["data"][0]["upstreams"][0]["state"] == "starting"
            _, _, body = await client.ask(called(2, "slow__pid"))
            assert messages(body)[-1]["result"]["content"][0]["text"].isdecimal()

    asyncio.run(life())


def test_the_own_path_of_an_upstream_is_judged_below_its_mount_too(
    ends: HttpEnds, program: Program, tmp_path: Path
) -> None:
    url = ends.server(*HTTP).removesuffix("/mcp") + "/api/mcp"
    gateway = Gateway(program, written(tmp_path, {"far": {"url": url, "hide": ["echo"]}}))

    async def statuses() -> list[int]:
        found = []
        for path in ("/far/mcp", "/far/api/mcp"):
            async with Client(gateway.url.removesuffix("/mcp") + path) as client:
                await client.ask(hello())
                status, _, body = await client.ask(called(1, "echo"))
                found += [status, messages(body)[-1]["error"]["code"]]
        return found

    assert asyncio.run(statuses()) == [200, -32602] * 2
