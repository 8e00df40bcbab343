"""Hidden, refused, announced and back: real clients of both eras on stdio, HTTP and both bridges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.http_ends import SERVERS
from tests.e2e.viewers import ADD, KINDS, PAIRS, WAYS, Ends, Viewer
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = [pytest.mark.sdk1, pytest.mark.sdk2, pytest.mark.npm, pytest.mark.timeout(240)]


@pytest.fixture
def ends(program: Program) -> Iterator[Ends]:
    made = Ends(program)
    yield made
    made.close()


@pytest.mark.parametrize(("kind", "way"), PAIRS)
def test_what_is_hidden_vanishes_is_refused_and_comes_back(
    ends: Ends, peers: Peers, kind: str, way: str
) -> None:
    hidden = ["tool:count", "prompt:no-such", "resource:no-such"]
    options = [word for glob in hidden for word in ("--hide", glob)]
    viewer, control = ends.view(peers, kind, way, *options)
    assert "add" in (first := viewer.names())
    assert "count" not in first
    refused = viewer.does('call count {"to":1}')
    assert refused[:2] == ["error", -32602], refused
    assert "Unknown tool: count" in refused[2]
    assert viewer.does(ADD) == ["called", False, "3"]
    assert names_of(viewer) == NAMES
    control.call("scope/tools/hide", globs=["tool:add", "prompt:greet", "resource:note://*"])
    viewer.hears_of("tools", "prompts", "resources")
    assert "add" not in viewer.names()
    assert names_of(viewer) == [[], [], []]
    assert viewer.does(ADD)[:2] == ["error", -32602]
    assert viewer.does("get greet")[:2] == ["error", -32602]
    missing = -32002 if kind in ("sdk1", "sdk2-legacy", "ts-v1") else -32602
    assert viewer.does("read note://static")[:2] == ["error", missing]
    assert viewer.does("read note://by-name/ada")[:2] == ["error", missing]
    control.call("scope/tools/unhide", globs=["*"])
    viewer.hears_of("tools", "prompts", "resources")
    assert {"add", "count"} <= set(viewer.names())
    assert names_of(viewer) == NAMES
    assert viewer.does(ADD) == ["called", False, "3"]
    assert viewer.does("get greet") == viewer.does("read note://static") == ["got"]
    viewer.leaves()
    notes = ends.notes()
    for surface in ("tools", "prompts", "resources"):
        assert sum(f"the client asked for its {surface} again after" in note for note in notes) == 2, notes
    denied = ends.rows("SELECT name FROM exchanges WHERE status = 'denied' ORDER BY id")
    assert [name for (name,) in denied] == ["count", "add", "greet", "note://static", "note://by-name/ada"]


NAMES = [["greet"], ["note://static"], ["note://by-name/{name}"]]


def names_of(viewer: Viewer) -> list[list[str]]:
    return [viewer.names(kind) for kind in ("prompts", "resources", "templates")]


def faces(peers: Peers, ttl_ms: int = 0) -> list[str]:
    return [peers.sdk2_python, str(SERVERS / "sdk2_faces_server.py"), str(ttl_ms)]


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        pytest.param(kind, way, marks=[] if (kind, way) == ("sdk2-auto", "http") else pytest.mark.soak)
        for kind in ("sdk2-auto", "ts-auto")
        for way in WAYS
    ],
)
def test_a_client_that_does_not_listen_sees_it_when_its_list_is_too_old(
    ends: Ends, peers: Peers, kind: str, way: str
) -> None:
    server = faces(peers, 4000)
    viewer, control = ends.view(peers, kind, way, server=server, env={"SEES_DEAF": "1"})
    assert "add" in viewer.names()
    control.call("scope/tools/hide", globs=["tool:add"])
    assert viewer.does(ADD)[:2] == ["error", -32602]
    assert "add" in viewer.names()  # from its own cache: nothing was asked
    until(lambda: "add" not in viewer.names(), every=0.3)
    control.call("scope/tools/unhide", globs=["*"])
    assert "add" in viewer.names()  # what was cut is too old at once
    assert viewer.does(ADD) == ["called", False, "3"]
    viewer.leaves()
    notes = ends.notes()
    assert any(
        "listens for no changes of tools: it asks again when its list is too old" in one for one in notes
    )
    waited = [one for one in notes if "nothing could be sent; the client asked for its tools again" in one]
    assert len(waited) == 2


RENAMED_SAMPLE = (("sdk2-auto", "http"), ("ts-auto", "http-stdio"), ("sdk2-legacy", "stdio-http"))
RENAMED = [
    pytest.param(kind, way, marks=[] if (kind, way) in RENAMED_SAMPLE else pytest.mark.soak)
    for kind in KINDS
    for way in WAYS
]
SHIP = 'call send {"region":"eu-ü","weight":3}'


@pytest.mark.parametrize(("kind", "way"), RENAMED)
def test_a_renamed_tool_works_end_to_end_with_its_mirrored_headers(
    ends: Ends, peers: Peers, kind: str, way: str
) -> None:
    options = ("--rename", "ship=send", "--describe", "ship=Sends", "--hide", "tool:track")
    viewer, control = ends.view(peers, kind, way, *options, server=faces(peers))
    assert viewer.names() == ["send", "pull", "add"]
    assert viewer.does("about send") == ["got", "Sends"]
    called = viewer.does(SHIP)
    assert called[:2] == ["called", False], called
    assert json.loads(called[2]) == seen_by_server(kind, way)
    for other in ("ship", "track"):
        refused = viewer.does(f'call {other} {{"region":"x","weight":1}}')
        assert refused[:2] == ["error", -32602]
        assert f"Unknown tool: {other}" in refused[2]
    control.call("scope/subscribe")
    control.call("scope/breakpoints/add", filter="tool:ship")
    told = in_background(viewer, SHIP)
    held = until(lambda: control.call("scope/holds/list"))[0]
    assert held["tool"] == "ship"
    control.call("scope/holds/edit", id=held["id"], set={"args.region": "us"})
    edited = json.loads(told()[2])
    assert edited == {**seen_by_server(kind, way), "region": "us"} | (
        {"mcp-param-region": "us"} if edited["mcp-name"] else {}
    )
    viewer.leaves()
    called = "SELECT DISTINCT tool FROM exchanges WHERE status = 'ok' AND tool != ''"
    assert ends.rows(called) == [("ship",)]
    lists = ends.rows("SELECT DISTINCT flags FROM exchanges WHERE method = 'tools/list'")
    assert all("hid1" in flags.split() for (flags,) in lists), lists


def seen_by_server(kind: str, way: str) -> dict[str, Any]:
    """The arguments, and on HTTP in the modern era the headers that go with the tool's own name."""
    mirrored = kind.endswith("auto") and way in ("http", "http-stdio")
    names = ("mcp-method", "mcp-name", "mcp-param-region")
    values = ("tools/call", "ship", "=?base64?ZXUtw7w=?=") if mirrored else (None, None, None)
    return {"region": "eu-ü", "weight": 3, **dict(zip(names, values, strict=True))}


def in_background(viewer: Viewer, what: str) -> Callable[[], list[Any]]:
    """Begin it; what is returned waits for the answer."""
    return ThreadPoolExecutor(1).submit(viewer.does, what).result
