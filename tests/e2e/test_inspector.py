"""The Inspector's command line gives the same through mcpscope, put into its config as a user would."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.recorded import exchanges_of, sessions_of
from tests.e2e.runs import server_command
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = pytest.mark.timeout(240)

ASKED = [
    ["tools/list"],
    ["tools/call", "--tool-name", "get-sum", "--tool-arg", "a=1", "--tool-arg", "b=2"],
    ["resources/read", "--uri", "demo://resource/static/document/features.md"],
    ["prompts/get", "--prompt-name", "args-prompt", "--prompt-args", "city=Bern"],
]


def inspect(peers: Peers, config: Path, server: str, asked: list[str]) -> Any:
    """What the Inspector prints, as JSON."""
    command = [*peers.inspector, "--cli", "--config", str(config), "--server", server, "--method", *asked]
    env = {**os.environ, "HOME": str(config.parent)}
    done = subprocess.run(command, capture_output=True, env=env, timeout=60)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-1000:]
    return json.loads(done.stdout)


def test_the_inspector_gets_the_same(peers: Peers, program: Program, tmp_path: Path) -> None:
    direct = server_command(peers, "everything")
    wrapped = program.bare_argv("--label", "everything", "--", *direct)
    servers = {
        name: {"command": command[0], "args": command[1:]}
        for name, command in (("direct", direct), ("wrapped", wrapped))
    }
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": servers}))
    for asked in ASKED:
        assert inspect(peers, config, "wrapped", asked) == inspect(peers, config, "direct", asked)
    sessions = until(lambda: [s for s in sessions_of(program.db) if s.ended] if ended(program) else [])
    methods = [[row["method"] for row in exchanges_of(program.db, session.id)] for session in sessions]
    assert [asked[0] in found for asked, found in zip(ASKED, methods, strict=True)] == [True] * len(ASKED)


def ended(program: Program) -> bool:
    """Whether all runs are in the database to their ends."""
    found = sessions_of(program.db)
    return len(found) == len(ASKED) and all(session.ended for session in found)
