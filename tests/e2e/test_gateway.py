"""Four real servers behind one endpoint: every feature of each is what it is without the gateway."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bare_client import Client, called, messages
from tests.e2e.gateways import Gateway, four, repository, written
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.test_gateway_safety import begun
from tests.e2e.walks import CLIENTS, brief, plan_of, steady, under, uris_of, walked
from tests.peers.found import Peers
from tests.program import Program

pytestmark = [pytest.mark.npm, pytest.mark.sdk1, pytest.mark.sdk2, pytest.mark.timeout(600)]


def places() -> Iterator[Any]:
    """Every client on both faces; one of them stands for all where time is short."""
    for client in CLIENTS:
        for where in ("http", "stdio"):
            marks = () if (client, where) == ("sdk2-auto", "http") else pytest.mark.soak
            yield pytest.param(client, where, marks=marks)


@pytest.mark.parametrize(("client", "where"), places())
def test_what_an_upstream_does_it_does_through_the_gateway(
    ends: HttpEnds, peers: Peers, program: Program, tmp_path: Path, soak: bool, client: str, where: str
) -> None:
    upstreams, direct = four(ends, peers, tmp_path)
    names = list(upstreams) if soak else ["git", "docs"]
    plans = {name: plan_of(name, tmp_path) if soak else brief(plan_of(name, tmp_path)) for name in names}
    wanted: dict[str, list[Any]] = {}
    for name in names:
        repository(tmp_path)
        wanted[name] = walked(peers, client, tmp_path, plans[name], direct[name])
    repository(tmp_path)
    config = written(tmp_path, upstreams)
    if where == "http":
        target = [Gateway(program, config).url]
    else:
        ours = [f"{name}={program.env[name]}" for name in ("PYTHONPATH", "MCPSCOPE_DB", "DOCS_TOKEN")]
        runtime = f"MCPSCOPE_RUNTIME_DIR={program.env['MCPSCOPE_RUNTIME_DIR']}"
        target = ["/usr/bin/env", *ours, runtime, *program.argv("gateway", config, "--stdio")]
    plan = [step for name in names for step in under(f"{name}__", plans[name])]
    through = walked(peers, client, tmp_path, plan, target)
    differing = []
    for name in names:
        found, through = through[: len(wanted[name])], through[len(wanted[name]) :]
        own = steady(found, f"{name}__", uris_of(wanted[name]))
        pairs = zip(own, steady(wanted[name]), strict=True)
        differing += [f"{name}: {one}\ninstead of\n{other}" for one, other in pairs if one != other]
    assert not differing, "\n\n".join(differing)


@pytest.mark.soak
@pytest.mark.parametrize("client", ["sdk1-legacy", "sdk2-legacy", "ts-v1", "ts-legacy"])
def test_a_client_of_the_old_era_uses_a_server_of_the_new_one(
    ends: HttpEnds, peers: Peers, program: Program, tmp_path: Path, client: str
) -> None:
    """As it uses one that speaks both, and it can subscribe besides."""
    server = [peers.sdk2_python, "-W", "ignore", str(SERVERS / "sdk2_server.py")]
    plan = plan_of("docs", tmp_path)
    wanted = steady(walked(peers, client, tmp_path, plan, [ends.server(*server)]))
    newer = ends.server("/usr/bin/env", "MODERN_ONLY=1", *server)
    gateway = Gateway(program, written(tmp_path, {"docs": {"url": newer}}))
    found = steady(walked(peers, client, tmp_path, under("docs__", plan), [gateway.url]), "docs__")
    assert [step[2] for step in found if step[0] == "subscribe"] == [{"heard": True}]
    pairs = list(zip(found, wanted, strict=True))[
        :-1
    ]  # the last list shows what the subscription's tool adds
    differing = [f"{one}\ninstead of\n{other}" for one, other in pairs if _of_both(one) != _of_both(other)]
    assert not differing, "\n\n".join(differing)


def _of_both(step: list[Any]) -> Any:
    """Without what the server itself says otherwise in the two eras."""
    what, name, result, seen = step
    if what == "subscribe" or name == "no-such-prompt":
        return what
    asked = [[one[0], one[1]["message"]] if one[0] == "elicitation/create" else one for one in seen]
    return [what, name, result, asked]


@pytest.mark.soak
def test_one_of_four_real_servers_is_killed_while_the_others_answer_and_comes_back(
    ends: HttpEnds, peers: Peers, program: Program, tmp_path: Path
) -> None:
    upstreams, _ = four(ends, peers, tmp_path)
    where = str(repository(tmp_path))
    gateway = Gateway(program, written(tmp_path, upstreams))
    zone = {"timezone": "Asia/Tokyo"}
    others: dict[str, dict[str, object]] = {
        "every__echo": {"message": "hi"},
        "time__get_current_time": zone,
        "docs__add": {"a": 1, "b": 2},
    }

    async def life() -> None:
        async with asyncio.timeout(120), Client(gateway.url) as client:
            await begun(client)
            ids = iter(range(1, 10_000))

            async def answers(name: str, **arguments: object) -> bool:
                _, _, body = await client.ask(called(next(ids), name, **arguments))
                return "result" in messages(body)[-1] and not messages(body)[-1]["result"].get("isError")

            assert await answers("git__git_status", repo_path=where)
            before = _running(where)
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            for name, arguments in others.items():
                assert await answers(name, **arguments)
            while not await answers("git__git_status", repo_path=where):
                await asyncio.sleep(0.1)
            assert _running(where) - before

    asyncio.run(life())


def _running(repository: str) -> set[int]:
    """The servers of that repository."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if repository.encode() in words and words[1].endswith(b"mcp-server-git"):
            found.add(int(path.parent.name))
    return found
