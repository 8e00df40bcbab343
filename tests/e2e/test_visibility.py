"""Hidden, refused, announced and back: real clients of both eras on stdio, HTTP and both bridges."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.viewers import ADD, PAIRS, WAYS, Ends
from tests.peers.found import Peers
from tests.program import Program

pytestmark = [pytest.mark.sdk1, pytest.mark.sdk2, pytest.mark.npm, pytest.mark.timeout(240)]


@pytest.fixture
def ends(program: Program) -> Iterator[Ends]:
    made = Ends(program)
    yield made
    made.close()


@pytest.mark.parametrize(("kind", "way"), PAIRS)
def test_a_tool_vanishes_is_refused_and_comes_back(ends: Ends, peers: Peers, kind: str, way: str) -> None:
    viewer, control = ends.view(peers, kind, way, "--hide", "tool:count")
    first = viewer.does("list", "list")[1]
    assert "add" in first
    assert "count" not in first
    refused = viewer.does('call count {"to":1}', "called")
    assert refused[:2] == ["error", -32602], refused
    assert "Unknown tool: count" in refused[2]
    assert viewer.does(ADD, "called") == ["called", False, "3"]
    control.call("scope/tools/hide", globs=["tool:add"])
    viewer.hears("changed")
    assert "add" not in viewer.does("list", "list")[1]
    assert viewer.does(ADD, "called")[:2] == ["error", -32602]
    control.call("scope/tools/unhide", globs=["*"])
    viewer.hears("changed")
    assert {"add", "count"} <= set(viewer.does("list", "list")[1])
    assert viewer.does(ADD, "called") == ["called", False, "3"]
    viewer.does("quit", "bye")
    viewer.process.wait(30)
    found = ends.notes()
    assert sum("the client asked for its tools again after" in text for text in found) == 2, found
    statuses = ends.rows("SELECT tool, status FROM exchanges WHERE status = 'denied' ORDER BY id")
    assert ("count", "denied") in statuses
    assert ("add", "denied") in statuses


@pytest.mark.parametrize("way", WAYS)
def test_a_renamed_tool_is_called_by_its_new_name_alone(ends: Ends, peers: Peers, way: str) -> None:
    viewer, _ = ends.view(peers, "sdk2-auto", way, "--rename", "add=plus", "--describe", "add=Sums")
    names = viewer.does("list", "list")[1]
    assert "plus" in names
    assert "add" not in names
    assert viewer.does('call plus {"a":1,"b":2}', "called") == ["called", False, "3"]
    assert viewer.does(ADD, "called")[:2] == ["error", -32602]
    viewer.does("quit", "bye")
