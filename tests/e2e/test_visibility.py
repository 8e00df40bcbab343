"""Hidden, refused, announced and back: real clients of both eras on stdio, HTTP and both bridges."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcpscope.control.client import Control
from mcpscope.control.registry import running
from tests.e2e.http_ends import CLIENTS, SERVERS, HttpEnds
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = [pytest.mark.sdk1, pytest.mark.sdk2, pytest.mark.timeout(240)]

WAYS = ("stdio", "http", "stdio-http", "http-stdio")
KINDS = ("sdk1", "sdk2-legacy", "sdk2-auto", "ts-legacy", "ts-auto")
ADD = 'call add {"a":1,"b":2}'


class Viewer:
    """A client that does what it is told, and says what it got."""

    def __init__(self, argv: list[str], env: dict[str, str], log: Path) -> None:
        pipes: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "text": True,
            "bufsize": 1,
        }
        self.process = subprocess.Popen(argv, env=env, stderr=log.open("w"), **pipes)
        self.log = log
        self.changes = 0

    def hears(self, word: str, seconds: float = 60) -> list[Any]:
        """The next line that begins with ``word``; changes on the way are counted."""
        assert self.process.stdout
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            line = self.process.stdout.readline() if ready else ""
            assert line, f"nothing came: {self.log.read_text()[-2000:]}"
            said = json.loads(line)
            self.changes += said[0] == "changed"
            if said[0] in (word, "error", "timeout"):
                return list(said)

    def does(self, what: str, word: str) -> list[Any]:
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.hears(word)


class Ends(HttpEnds):
    """A viewer in front of a real server, with somebody at the control socket."""

    def view(self, peers: Peers, kind: str, way: str, *options: str) -> tuple[Viewer, Control]:
        server = [peers.sdk2_python, str(SERVERS / "sdk2_server.py")]
        if way == "stdio":
            target = ["--", *self.program.bare_argv("proxy", *options, "--", *server)]
        elif way == "http-stdio":
            target = ["--", *self.program.bare_argv("proxy", *options, "--stdio", self.server(*server))]
        elif way == "http":
            target = [self.proxy(*options, self.server(*server))]
        else:
            target = [self.proxy(*options, "--", *server)]
        client, _, mode = kind.partition("-")
        if client == "ts":
            home = self.program.folder / "ts"
            home.mkdir()
            (home / "node_modules").symlink_to(peers.npm_home / "node_modules")
            shutil.copy(CLIENTS / "sees.mjs", home)
            argv = [peers.node, str(home / "sees.mjs"), mode, *(target[1:] if target[0] == "--" else target)]
        else:
            argv = [
                peers.python(client),
                str(CLIENTS / f"sees{client[-1]}.py"),
                *([mode] if mode else []),
                *target,
            ]
        viewer = Viewer(argv, self.program.env, self.program.folder / "viewer.log")
        runtime = Path(self.program.env["MCPSCOPE_RUNTIME_DIR"])
        viewer.hears("ready")  # a client that probes has ended its first proxy by now
        entry = until(lambda: next((one for one in running(runtime) if one.socket), None))
        return viewer, Control(entry.socket, "tester", timeout=30)


@pytest.fixture
def ends(program: Program) -> Iterator[Ends]:
    made = Ends(program)
    yield made
    made.close()


def notes(ends: Ends) -> list[str]:
    found = ends.rows("SELECT text FROM notes WHERE kind = 'visibility' ORDER BY id")
    return [text if isinstance(text, str) else text.decode() for (text,) in found]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
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
    found = notes(ends)
    assert sum("the client asked for its tools again after" in text for text in found) == 2, found
    statuses = ends.rows("SELECT tool, status FROM exchanges WHERE status = 'denied' ORDER BY id")
    assert ("count", "denied") in statuses
    assert ("add", "denied") in statuses


FAULTS: list[tuple[str, Callable[[list[Any]], bool]]] = [
    ("tool:add error code=-32050 message=down", lambda said: said == ["error", -32050, "down"]),
    ("tool:add rate-limit 0/hour", lambda said: said[:2] == ["error", -32000]),
    ("tool:add empty", lambda said: said in (["called", False, ""],) or said[0] == "error"),
    ("tool:add delay 300ms jitter=100ms", lambda said: said == ["called", False, "3"]),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["sdk1", "sdk2-auto", "ts-auto"])
def test_faults_are_what_such_a_server_does(ends: Ends, peers: Peers, kind: str, way: str) -> None:
    viewer, control = ends.view(peers, kind, way)
    viewer.does("list", "list")
    for text, expected in FAULTS:
        match, fault, value, *rest = [*text.split(), ""]
        more: dict[str, Any] = dict(pair.split("=") for pair in [value, *rest] if "=" in pair)
        if "code" in more:
            more["code"] = int(more["code"])
        value = "" if "=" in value else value
        rule = control.call("scope/faults/add", match=match, fault=fault, value=value, **more)
        assert expected(said := viewer.does(ADD, "called")), (text, said)
        control.call("scope/rules/remove", name=rule["name"])
    assert viewer.does(ADD, "called") == ["called", False, "3"]
    viewer.does("quit", "bye")
    viewer.process.wait(30)
    rows = ends.rows("SELECT flags FROM exchanges WHERE tool = 'add' ORDER BY id")
    assert ["fault" in (flags or "").split() for (flags,) in rows] == [True] * 4 + [False]


@pytest.mark.parametrize("way", WAYS)
def test_a_renamed_tool_is_called_by_its_new_name_alone(ends: Ends, peers: Peers, way: str) -> None:
    viewer, _ = ends.view(peers, "sdk2-auto", way, "--rename", "add=plus", "--describe", "add=Sums")
    names = viewer.does("list", "list")[1]
    assert "plus" in names
    assert "add" not in names
    assert viewer.does('call plus {"a":1,"b":2}', "called") == ["called", False, "3"]
    assert viewer.does(ADD, "called")[:2] == ["error", -32602]
    viewer.does("quit", "bye")
