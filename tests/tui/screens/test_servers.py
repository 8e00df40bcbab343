"""``Ctrl-O``: the upstreams of a running gateway, how they do, and one restarted from the UI."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e.bare_client import Client, called
from tests.e2e.gateways import Gateway, written
from tests.e2e.test_gateway_safety import PID_SERVER, begun, messages
from tests.program import Program
from tests.tui.driver import opened

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_upstreams_are_shown_with_their_state_and_restarted(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", program.env["MCPSCOPE_RUNTIME_DIR"])
    upstreams = {
        "one": {"command": [sys.executable, "-c", PID_SERVER]},
        "lost": {"command": ["/no/such/program"]},
    }
    gateway = await asyncio.to_thread(Gateway, program, written(tmp_path, upstreams))
    async with Client(gateway.url) as client:
        await begun(client)

        async def pid(id: int) -> str:
            _, _, body = await client.ask(called(id, "one__pid"))
            return str(messages(body)[-1]["result"]["content"][0]["text"])

        before = await pid(1)
        async with opened(program.db, (120, 40)) as scope:
            await scope.traffic.shows("pid").press("ctrl+o")
            await scope.any.shows("gateway / one", "ready", "gateway / lost", "failed")
            await scope.press("1")
            await scope.any.shows("one: restarted for 1 session")
        assert await pid(2) != before
