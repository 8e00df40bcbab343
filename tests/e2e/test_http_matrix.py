"""Every client of the SDKs through every shape of proxy, against the same with no proxy between."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.peers.found import Peers
from tests.program import Program

pytestmark = [pytest.mark.sdk1, pytest.mark.sdk2, pytest.mark.timeout(180)]


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


@pytest.fixture(params=["sdk1", "sdk2"])
def sdk(request: pytest.FixtureRequest, peers: Peers) -> tuple[str, str]:
    """The interpreter and the client script of one SDK."""
    name = str(request.param)
    return peers.python(name), f"http_{name}.py"


def server_argv(peers: Peers) -> list[str]:
    return [peers.sdk2_python, str(SERVERS / "sdk2_server.py")]


@pytest.mark.parametrize("kind", ["http", "sse"])
def test_a_remote_server_is_the_same_through_the_reverse_proxy_and_on_stdio(
    ends: HttpEnds, peers: Peers, sdk: tuple[str, str], kind: str
) -> None:
    url = ends.server(*server_argv(peers), kind=kind)
    direct = ends.client(*sdk, url)
    assert direct[-1] == "closed" and "progress 3.0 3.0 step 3" in direct
    assert ends.client(*sdk, ends.proxy(url)) == direct
    bridged = ends.client(*sdk, "--", *ends.program.argv("proxy", "--stdio", url))
    assert bridged == direct
    rows = ends.rows(
        "SELECT client_transport, server_transport, end_reason, messages FROM sessions ORDER BY id"
    )
    assert [row[:2] for row in rows] == [(kind, kind), ("stdio", kind)]
    (marked,) = ends.rows("SELECT count(*) FROM messages WHERE kind = 'malformed' OR marks IS NOT NULL")
    assert marked == (0,)
    (calls,) = ends.rows("SELECT count(*) FROM exchanges WHERE method = 'tools/call' AND status LIKE '%o%'")
    assert calls == (6,)


def test_a_stdio_server_is_the_same_on_http(ends: HttpEnds, peers: Peers, sdk: tuple[str, str]) -> None:
    direct = ends.client(*sdk, "--", *server_argv(peers))
    assert direct[-1] == "closed"
    assert ends.client(*sdk, ends.proxy("--", *server_argv(peers))) == direct
    (row,) = ends.rows("SELECT client_transport, server_transport, messages > 8, exit_code FROM sessions")
    assert row == ("http", "stdio", 1, 0)


@pytest.mark.npm
def test_the_inspectors_command_line_works_through_every_shape(ends: HttpEnds, peers: Peers) -> None:
    url = ends.server(*server_argv(peers))
    targets = {
        "direct": [url],
        "reverse": [ends.proxy(url)],
        "process": [ends.proxy("--", *server_argv(peers))],
        "remote": ends.program.bare_argv("proxy", "--stdio", url),
    }
    found = {}
    for name, target in targets.items():
        transport = [] if name == "remote" else ["--transport", "http"]
        argv = [*peers.inspector, "--cli", *target, *transport, "--method", "tools/list"]
        done = subprocess.run(argv, env=ends.program.env, capture_output=True, timeout=90)
        assert done.returncode == 0, (name, done.stderr[-2000:])
        found[name] = [tool["name"] for tool in json.loads(done.stdout)["tools"]]
    assert len(found["direct"]) == 10
    assert found == dict.fromkeys(targets, found["direct"])
