"""A recording stands in for its server: real clients get from it what they got from the server itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.runs import client_command, run_client, server_command
from tests.e2e.standing_in import serving
from tests.peers.found import Peers
from tests.program import Program

pytestmark = pytest.mark.timeout(300)

STDIO = [
    ("sdk1", "everything"),
    ("sdk2-auto", "sdk2"),
    pytest.param("sdk2-legacy", "sdk2", marks=pytest.mark.soak),
    pytest.param("ts-legacy", "everything", marks=pytest.mark.soak),
    pytest.param("ts-auto", "sdk2", marks=pytest.mark.soak),
    pytest.param("sdk2-legacy", "everything", marks=pytest.mark.soak),
    pytest.param("sdk1", "sdk1", marks=pytest.mark.soak),
]


@pytest.mark.parametrize(("client", "server"), STDIO)
def test_a_client_gets_the_same_from_the_recording(
    peers: Peers, program: Program, tmp_path: Path, client: str, server: str
) -> None:
    script = client_command(peers, client, tmp_path)
    recorded = run_client(
        script, program.bare_argv("--record", "rec", "--", *server_command(peers, server)), env=program.env
    )
    played = run_client(
        script, program.bare_argv("serve", "rec", "--stdio", "--mode", "none"), env=program.env
    )
    assert played["results"] == recorded["results"]
    with serving(program, "rec", "--mode", "none") as url:
        over_http = run_client(script, [url], env=program.env)
    assert over_http["results"] == recorded["results"]
