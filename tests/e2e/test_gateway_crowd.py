"""Many clients of a gateway at once that say the same ids and tokens: each gets its own, in both eras."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bare_client import Client, Stateless, called, messages
from tests.e2e.gateways import Gateway, written
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.test_gateway_safety import begun
from tests.peers.found import Peers
from tests.program import Program

pytestmark = pytest.mark.timeout(300)
HTTP = (sys.executable, str(SERVERS / "plain_http_server.py"))
STDIO = [sys.executable, str(SERVERS / "plain_stdio_server.py")]


@pytest.fixture
def crowd(soak: bool) -> range:
    return range(100 if soak else 20)


def test_clients_with_the_same_ids_and_tokens_get_their_own_answers_and_progress(
    ends: HttpEnds, program: Program, tmp_path: Path, crowd: range
) -> None:
    upstreams = {"far": {"url": ends.server(*HTTP)}, "near": {"command": STDIO}}
    url = Gateway(program, written(tmp_path, upstreams)).url

    async def one(number: int) -> list[dict[str, Any]]:
        async with Client(url) as client:
            await begun(client)
            found = []
            for id, name in ((1, "far__stream"), (2, "near__stream"), (3, "far__stream")):
                _, _, body = await client.ask(called(id, name, text=f"{name} {number}"))
                found += messages(body)
            return found

    async def all() -> list[list[dict[str, Any]]]:
        return await asyncio.gather(*(one(number) for number in crowd))

    for number, found in enumerate(asyncio.run(all())):
        texts = [one["result"]["content"][0]["text"] for one in found if "result" in one]
        assert texts == [f"{name} {number}" for name in ("far__stream", "near__stream", "far__stream")]
        tokens = [one["params"]["progressToken"] for one in found if "method" in one]
        assert tokens == [1, 1, 1, 2, 2, 2, 3, 3, 3]


@pytest.mark.sdk2
def test_stateless_clients_that_cannot_be_told_apart_get_their_own_too(
    ends: HttpEnds, peers: Peers, program: Program, tmp_path: Path, crowd: range
) -> None:
    """One server speaks their era; the other does not, and its questions name no call."""
    far = ends.server(peers.sdk2_python, "-W", "ignore", str(SERVERS / "sdk2_server.py"))
    url = Gateway(program, written(tmp_path, {"far": {"url": far}, "near": {"command": STDIO}})).url

    async def one(number: int) -> list[Any]:
        async with Stateless(url) as client:
            counted = await client.call("far__count", arguments={"to": number % 7 + 1})
            streamed = await client.call("near__stream", arguments={"text": f"s{number}"})
            said: list[Any] = [len(counted) - 1, len(streamed) - 1]
            said.append(streamed[-1]["result"]["content"][0]["text"])
            for name, arguments, wanted in (
                ("near__ask", {"text": f"t{number}"}, {"word": f"w{number}"}),
                ("far__ask", {}, {"colour": f"c{number}"}),
            ):
                (asked,) = await client.call(name, arguments=arguments)
                ((key, question),) = asked["result"]["inputRequests"].items()
                said.append(question["params"]["message"])
                given = {key: {"action": "accept", "content": wanted}}
                state = {"requestState": asked["result"]["requestState"]}
                answer = await client.call(name, arguments=arguments, inputResponses=given, **state)
                said.append(answer[-1]["result"]["content"][0]["text"])
            return said

    async def all() -> list[list[Any]]:
        return await asyncio.gather(*(one(number) for number in crowd))

    for n, found in enumerate(asyncio.run(all())):
        asked = [f"t{n}", f"t{n}: w{n}", "Which colour?", f"accept: c{n}"]
        assert found == [n % 7 + 1, 3, f"s{n}", *asked]
