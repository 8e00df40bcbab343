"""Four real servers behind one endpoint: every feature of each is what it is without the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateways import Gateway, four, steady, written
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.runs import client_command, run_client, server_command
from tests.peers.found import Peers
from tests.program import Program

pytestmark = [pytest.mark.npm, pytest.mark.sdk1, pytest.mark.sdk2, pytest.mark.timeout(240)]

LABELS = {"every": "everything", "docs": "sdk-gateway"}
"""What the gateway calls itself, so that a client tours the upstream that has no prefix."""


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


def soaked(*values: str) -> Any:
    return pytest.param(*values, marks=pytest.mark.soak)


@pytest.mark.parametrize(
    ("client", "upstream", "where"),
    [
        ("sdk2-legacy", "every", "http"),
        soaked("ts-auto", "every", "stdio"),
        soaked("sdk2-auto", "docs", "http"),
        soaked("sdk2-auto", "every", "http"),
        soaked("sdk2-legacy", "docs", "stdio"),
        soaked("sdk2-legacy", "docs", "http"),
        soaked("sdk2-auto", "docs", "stdio"),
        soaked("sdk1", "every", "stdio"),
        soaked("ts-legacy", "every", "stdio"),
        soaked("ts-auto", "every", "http"),
        soaked("ts-legacy", "docs", "http"),
        soaked("ts-auto", "docs", "http"),
    ],
)
def test_what_an_upstream_does_it_does_through_the_gateway(
    ends: HttpEnds, peers: Peers, program: Program, tmp_path: Path, client: str, upstream: str, where: str
) -> None:
    upstreams = four(ends, peers, tmp_path)
    upstreams[upstream]["prefix"] = ""
    config = written(tmp_path, upstreams, label=LABELS[upstream])
    command = client_command(peers, client, tmp_path)
    if upstream == "docs":  # a tour changes it: the one that runs directly gets its own
        url = ends.server(peers.sdk2_python, "-W", "ignore", str(SERVERS / "sdk2_server.py"))
        target = [url]
    else:
        target = server_command(peers, "everything")
    direct = run_client(command, target)
    program.env["DOCS_TOKEN"] = "docs-token-1234567890"
    if where == "http":
        gateway = Gateway(program, config)
        through = run_client(command, [gateway.url])
    else:
        ours = [f"{name}={program.env[name]}" for name in ("PYTHONPATH", "MCPSCOPE_DB", "DOCS_TOKEN")]
        runtime = f"MCPSCOPE_RUNTIME_DIR={program.env['MCPSCOPE_RUNTIME_DIR']}"
        argv = ["/usr/bin/env", *ours, runtime, *program.argv("gateway", config, "--stdio")]
        through = run_client(command, argv)
    others = tuple(f"{name}__" for name in upstreams if name != upstream)
    for found, wanted in zip(steady(through, others), steady(direct), strict=True):
        assert found == wanted
