"""A tool that changes behind the back of real clients: noticed at the first list, gone until accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.viewers import ADD, KINDS, WAYS, Ends
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = [pytest.mark.sdk1, pytest.mark.sdk2, pytest.mark.npm, pytest.mark.timeout(240)]

SAMPLE = (
    ("sdk1", "stdio", "hide", "schema"),
    ("sdk2-auto", "http", "hide", "hidden"),
    ("ts-auto", "stdio-http", "hold", "annotation"),
    ("ts-v1", "http-stdio", "hold", "description"),
)
PULLS = ("description", "hidden", "schema", "annotation", "harmless")
CASES = [
    pytest.param(kind, way, on_drift, PULLS[number % 5], marks=pytest.mark.soak)
    for number, (kind, way, on_drift) in enumerate(
        (kind, way, on_drift) for kind in KINDS for way in WAYS for on_drift in ("hide", "hold")
    )
]
SAID = {
    "description": "description (dangerous)",
    "hidden": "description (dangerous, with hidden characters)",
    "annotation": "annotations (dangerous)",
    "harmless": "title (harmless)",
}
TRACK = 'call track {"parcel":"7"}'


@pytest.fixture
def ends(program: Program) -> Iterator[Ends]:
    made = Ends(program)
    yield made
    made.close()


@pytest.mark.parametrize(("kind", "way", "on_drift", "pull"), [*SAMPLE, *CASES])
def test_a_rug_pull_is_noticed_at_the_first_list_and_waits_for_a_person(
    ends: Ends, peers: Peers, kind: str, way: str, on_drift: str, pull: str
) -> None:
    server = [*ends.server_argv(peers, "sdk2_faces_server"), "0"]
    options = ("--on-drift", on_drift, "--label", "parcels")
    viewer, control = ends.view(peers, kind, way, *options, server=server)
    before = viewer.names()
    assert viewer.does(TRACK) == ["called", False, "7 is here"]
    assert viewer.does(f'call pull {{"what":"{pull}"}}')[1] is False
    names = viewer.names()
    assert names == [name for name in before if name != "track" or on_drift == "hold"]
    said = viewer.does(f"{TRACK} 1")
    assert said == ["timeout"] if on_drift == "hold" else said[:2] == ["error", -32602], said
    assert viewer.does(ADD) == ["called", False, "3"]
    changed = control.call("scope/tools/diff")["drifted"]["track"]
    dangers = {one["danger"] for one in changed}
    assert dangers == {"harmless"} if pull == "harmless" else "dangerous" in dangers
    until(lambda: ends.program.run("sessions", "list").returncode == 0 and ends.program.db.exists())
    accepted = ends.program.run("--json", "tools", "accept", "track")
    assert accepted.returncode == 0, accepted
    assert json.loads(accepted.stdout)["data"]["accepted"] == ["track"]
    assert viewer.names() == before
    until(lambda: viewer.does(TRACK)[0] == "called")
    viewer.leaves()
    noted = ends.notes("drift")
    assert [note for note in noted if "the tool track is not as it was accepted" in note] == noted[:1]
    assert SAID.get(pull, "inputSchema") in noted[0]
