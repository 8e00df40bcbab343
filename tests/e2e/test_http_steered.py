"""Real clients and servers over HTTP while somebody at the control socket holds and edits."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcpscope.control.client import Control
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = [pytest.mark.sdk2, pytest.mark.timeout(180)]

CALLER = """
import sys, anyio
from mcp.client import Client
async def main():
    async with Client(sys.argv[1]) as client:
        print((await client.call_tool("whisper", {"text": "psst"})).content[0].text)
anyio.run(main)
"""


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


def socket_of(program: Program) -> str:
    """The control socket of the one proxy that runs."""
    folder = Path(program.env["MCPSCOPE_RUNTIME_DIR"])

    def found() -> str:
        entries = [json.loads(path.read_text()) for path in folder.glob("*.json")]
        return next((entry["socket"] for entry in entries if entry.get("socket")), "")

    return until(found)


def held(control: Control) -> dict[str, Any]:
    found: list[dict[str, Any]] = until(lambda: control.call("scope/holds/list"))
    return found[0]


@pytest.mark.parametrize("shape", ["reverse", "process"])
def test_a_held_call_whose_tool_name_was_edited_is_accepted_by_a_real_server(
    ends: HttpEnds, peers: Peers, shape: str
) -> None:
    server = [peers.sdk2_python, str(SERVERS / "sdk2_server.py")]
    url = ends.proxy(ends.server(*server)) if shape == "reverse" else ends.proxy("--", *server)
    with Control(socket_of(ends.program), name="tester") as control:
        control.call("scope/subscribe")
        control.call("scope/breakpoints/add", filter="tool:whisper")
        caller = subprocess.Popen([peers.sdk2_python, "-c", CALLER, url], stdout=subprocess.PIPE)
        hold = held(control)
        other = [
            {"op": "replace", "path": "/params/name", "value": "slow"},
            {"op": "replace", "path": "/params/arguments", "value": {"seconds": 0}},
        ]
        control.call("scope/holds/edit", id=hold["id"], patch=other)
        assert caller.communicate(timeout=60)[0] == b"done at last\n"
    (row,) = ends.rows("SELECT count(*) FROM outcomes WHERE outcome = 'edited' AND actor = 'tester'")
    assert row == (1,)
    statuses = ends.rows("SELECT facts ->> 'status' FROM streams")
    assert {status for (status,) in statuses} <= {200, 202}


def test_a_hidden_tool_is_in_no_list(ends: HttpEnds, peers: Peers) -> None:
    url = ends.proxy("--hide", "add", ends.server(peers.sdk2_python, str(SERVERS / "sdk2_server.py")))
    listing = "print(sorted(tool.name for tool in (await client.list_tools()).tools))"
    caller = CALLER.replace(CALLER.splitlines()[5].strip(), listing)
    done = subprocess.run([peers.sdk2_python, "-c", caller, url], capture_output=True, timeout=60)
    assert b"'ask'" in done.stdout and b"'add'" not in done.stdout, done.stderr
