"""The same over HTTP, where answers come on streams and sessions have ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.recorded import exchanges_of, sessions_of
from tests.e2e.runs import client_command, run_client
from tests.e2e.test_exchanges import check
from tests.peers.found import Peers
from tests.program import Program

pytestmark = pytest.mark.timeout(240)

CLIENTS = ("sdk1", "sdk2-legacy", "sdk2-auto", "ts-v1", "ts-legacy", "ts-auto")
DEFAULT_OVER_HTTP = (("sdk1", "sse"), ("sdk2-auto", "http"), ("ts-v1", "http"), ("ts-auto", "http"))


def sample(all_of_them: list[tuple[str, ...]], *usual: tuple[str, ...]) -> list[Any]:
    """All combinations, of which only ``usual`` run outside ``make soak``."""
    assert set(usual) <= set(all_of_them)
    marks = {one: [] if one in usual else [pytest.mark.soak] for one in all_of_them}
    return [pytest.param(*one, marks=marks[one]) for one in all_of_them]


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("client", "kind"),
    sample([(one, kind) for one in CLIENTS for kind in ("http", "sse")], *DEFAULT_OVER_HTTP),
)
def test_a_tour_over_http_reads_back_as_what_the_client_did(
    client: str, kind: str, peers: Peers, ends: HttpEnds, tmp_path: Path
) -> None:
    url = ends.server(peers.sdk2_python, str(SERVERS / "sdk2_server.py"), kind=kind)
    report = run_client(client_command(peers, client, tmp_path), [ends.proxy(url)])
    check(_recorded(ends), report)


@pytest.mark.parametrize("client", sample([(one,) for one in CLIENTS], ("sdk2-legacy",), ("ts-auto",)))
def test_a_tour_from_stdio_to_http_reads_back_as_what_the_client_did(
    client: str, peers: Peers, ends: HttpEnds, tmp_path: Path
) -> None:
    url = ends.server(peers.sdk2_python, str(SERVERS / "sdk2_server.py"))
    command = ends.program.bare_argv("proxy", "--stdio", url)
    report = run_client(client_command(peers, client, tmp_path), command)
    check(_recorded(ends), report)


@pytest.mark.parametrize("client", sample([(one,) for one in CLIENTS], ("sdk1",), ("sdk2-auto",)))
def test_a_tour_from_http_to_stdio_reads_back_as_what_the_client_did(
    client: str, peers: Peers, ends: HttpEnds, tmp_path: Path
) -> None:
    url = ends.proxy("--", peers.sdk2_python, str(SERVERS / "sdk2_server.py"))
    report = run_client(client_command(peers, client, tmp_path), [url])
    check(_recorded(ends), report)


def _recorded(ends: HttpEnds) -> list[dict[str, Any]]:
    """All exchanges, session after session, once every session has ended."""
    ends.rows("SELECT 1")
    db = ends.program.db
    return [exchange for session in sessions_of(db) for exchange in exchanges_of(db, session.id)]
