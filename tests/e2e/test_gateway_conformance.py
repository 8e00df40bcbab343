"""The public conformance suite through a gateway: each upstream alone, and one as the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.gateways import Gateway, written
from tests.e2e.http_ends import HttpEnds
from tests.e2e.test_conformance import REQUIRED, passed, requirements, server_argv, suite
from tests.peers.found import Peers
from tests.program import Program

pytestmark = [pytest.mark.npm, pytest.mark.sdk2, pytest.mark.soak, pytest.mark.timeout(400)]


@pytest.mark.parametrize("revision", list(REQUIRED))
def test_an_upstream_alone_passes_what_it_passes_directly(
    ends: HttpEnds, peers: Peers, program: Program, tmp_path: Path, revision: str
) -> None:
    url = ends.server(*server_argv(peers))
    gateway = Gateway(program, written(tmp_path, {"one": {"url": url}, "two": {"url": url}}))
    which = ("--requirements", revision)
    direct = suite(peers, url, tmp_path / "direct", *which)
    assert suite(peers, gateway.at("one"), tmp_path / "through", *which) == direct


@pytest.mark.parametrize("kind", ["http", "stdio"])
@pytest.mark.parametrize("revision", list(REQUIRED))
def test_one_upstream_without_a_prefix_passes_all_that_is_required(
    ends: HttpEnds, peers: Peers, program: Program, tmp_path: Path, revision: str, kind: str
) -> None:
    one = {"command": server_argv(peers)} if kind == "stdio" else {"url": ends.server(*server_argv(peers))}
    gateway = Gateway(program, written(tmp_path, {"one": one}, prefix=False))
    required = requirements(peers, revision)
    found = passed(suite(peers, gateway.url, tmp_path / "whole", "--requirements", revision), required)
    assert required - found == set()
