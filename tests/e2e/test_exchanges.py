"""What a recorded run reads back as is what the client script knows it did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.recorded import exchanges_of, sessions_of
from tests.e2e.runs import PAIRS, client_command, run_client, server_command
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = pytest.mark.timeout(240)

# What a client's library says by itself is in no script.
_HANDSHAKES = {"initialize", "server/discover"}
_LISTEN = "subscriptions/listen"
# What a server asks only because of a call.
_ASKED_WITHIN_A_CALL = {"sampling/createMessage", "elicitation/create"}


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_recorded_tour_reads_back_as_what_the_client_did(
    client: str, server: str, peers: Peers, program: Program, tmp_path: Path
) -> None:
    script = client_command(peers, client, tmp_path)
    command = program.bare_argv("--label", server, "--", *server_command(peers, server))
    report = run_client(script, command)
    check(until(lambda: _settled(program)), report)


def check(found: list[dict[str, Any]], report: dict[str, Any]) -> None:
    """The exchanges ``found`` are those of the client's ``report``, each with what belongs to it."""
    asked = [e for e in found if e["kind"] == "request" and e["dir"] == "c2s"]
    assert [_told(e) for e in asked if _in_order(e)] == [_did(d) for d in report["did"] if _in_order(d)]
    listened = [d["method"] for d in report["did"]].count(_LISTEN)
    assert [e["method"] for e in asked].count(_LISTEN) == listened
    by_id = {e["id"]: e for e in found}
    for exchange in found:
        assert exchange["opened_at"] <= exchange["ended_at"]
        if exchange["kind"] == "request":
            assert exchange["dur_ns"] == exchange["ended_at"] - exchange["opened_at"]
        assert exchange["kind"] in ("request", "notification", "stderr"), exchange
        if exchange["method"] in _ASKED_WITHIN_A_CALL and exchange["kind"] == "request":
            assert exchange["status"] == "ok"
            assert by_id[exchange["parent_id"]]["method"] == "tools/call"
        assert not set((exchange["flags"] or "").split()) & {"orphan", "id-type", "duplicate", "ambiguous"}


def _settled(program: Program) -> list[dict[str, Any]]:
    """All exchanges, session after session, once every session has ended."""
    if not program.drained():  # a session may not even have begun in the database
        return []
    sessions = sessions_of(program.db)
    if not sessions or any(session.ended is None for session in sessions):
        return []
    return [exchange for session in sessions for exchange in exchanges_of(program.db, session.id)]


def _told(exchange: dict[str, Any]) -> tuple[str, str, str]:
    """Method, name and status; a server may answer a cancelled request all the same."""
    status = "cancelled" if exchange["status"] == "late" else exchange["status"]
    return exchange["method"], exchange["name"] or "", status


def _did(done: dict[str, Any]) -> tuple[str, str, str]:
    """The same of the script's own record."""
    return done["method"], done["name"] or "", done["status"]


def _in_order(one: dict[str, Any]) -> bool:
    """Whether it is in the script's record, at its place: subscriptions go on beside what follows them."""
    return one["method"] not in (*_HANDSHAKES, _LISTEN)
