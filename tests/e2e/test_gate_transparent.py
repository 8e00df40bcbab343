"""What no rule matches passes the gate byte for byte, for real clients and servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.runs import client_command, run_client, server_command, tee, witnessed
from tests.e2e.test_transparent import ended, lines_of
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize(
    ("client", "server"),
    [
        pytest.param("sdk1", "sdk1", marks=pytest.mark.soak),
        ("sdk2-auto", "sdk2"),
        ("ts-legacy", "everything"),
    ],
)
def test_a_tour_through_the_gate_gives_the_same_bytes_and_recording(
    client: str, server: str, peers: Peers, program: Program, tmp_path: Path
) -> None:
    script = client_command(peers, client, tmp_path)
    command = server_command(peers, server)
    direct = run_client(script, command)
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    rules = ("--break", "tool:nothing", "--deny", "tool:nothing_either", "--detached", "wait")
    through = run_client(script, tee(outer, program.bare_argv(*rules, "--", *tee(inner, command))))
    assert through["results"] == direct["results"]
    assert through["did"] == direct["did"]
    expected = witnessed(outer)
    assert witnessed(inner) == expected
    for session, said in zip(until(lambda: ended(program, len(expected))), expected, strict=True):
        assert lines_of(program, session.id) == said
