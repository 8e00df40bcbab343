"""Real clients and servers get the same with mcpscope between them, and each of their bytes is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.recorded import Session, messages_of, sessions_of
from tests.e2e.runs import PAIRS, client_command, run_client, server_command, tee, witnessed
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_tour_gives_the_same_results_and_is_recorded_whole(
    client: str, server: str, peers: Peers, program: Program, tmp_path: Path
) -> None:
    script = client_command(peers, client, tmp_path)
    command = server_command(peers, server)
    direct = run_client(script, command)

    # The witnesses stand on both sides of us: what the client sent must be what the server got.
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    proxy = program.bare_argv("--label", server, "--", *tee(inner, command))
    through = run_client(script, tee(outer, proxy))

    assert [
        pair for pair in zip(direct["results"], through["results"], strict=True) if pair[0] != pair[1]
    ] == []
    assert through["did"] == direct["did"]
    expected = witnessed(outer)
    assert witnessed(inner) == expected
    sessions = until(lambda: ended(program, len(expected)))
    # Two proxies at once (a client that probes with one server beside the other) store in any order.
    assert sorted(lines_of(program, session.id) for session in sessions) == sorted(expected)


def ended(program: Program, count: int) -> list[Session]:
    """The sessions, once there are as many as expected and all have ended."""
    found = sessions_of(program.db)
    return found if len(found) == count and all(session.ended for session in found) else []


def lines_of(program: Program, session: int) -> tuple[bytes, bytes]:
    """What the recording says was said, up and down."""
    found = messages_of(program.db, session)
    return b"".join(m.line for m in found if m.up), b"".join(m.line for m in found if not m.up)
