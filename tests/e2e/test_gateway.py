"""Four real servers behind one endpoint: every feature of each is what it is without the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateways import Gateway, four, repository, written
from tests.e2e.http_ends import HttpEnds
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
