"""The Inspector's command line gets of each of four servers through a gateway what it gets directly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateways import Gateway, four, repository, written
from tests.e2e.http_ends import HttpEnds
from tests.e2e.test_inspector import inspect
from tests.e2e.walks import masked
from tests.peers.found import Peers
from tests.program import Program

pytestmark = [pytest.mark.npm, pytest.mark.sdk2, pytest.mark.soak, pytest.mark.timeout(900)]


def call(name: str, *arguments: str) -> list[str]:
    return ["tools/call", "--tool-name", name, *(word for each in arguments for word in ("--tool-arg", each))]


def asked(upstream: str, folder: Path, prefix: str = "") -> list[list[str]]:
    """Each kind of request that the Inspector's command line can make, where the server has an answer."""
    repo = f"repo_path={folder / 'repository'}"
    return {
        "every": [
            call(f"{prefix}get-sum", "a=1", "b=2"),
            call(f"{prefix}get-structured-content", "location=Chicago"),
            ["resources/read", "--uri", "demo://resource/static/document/features.md"],
            ["prompts/get", "--prompt-name", f"{prefix}args-prompt", "--prompt-args", "city=Bern"],
        ],
        "git": [
            call(f"{prefix}git_status", repo),
            call(f"{prefix}git_diff_unstaged", repo),
            call(f"{prefix}git_log", repo),
            call(f"{prefix}git_branch", repo, "branch_type=local"),
            call(f"{prefix}git_show", repo, "revision=HEAD"),
        ],
        "time": [
            call(
                f"{prefix}convert_time",
                *("source_timezone=Europe/Zurich", "time=16:30", "target_timezone=Asia/Tokyo"),
            ),
        ],
        "docs": [
            call(f"{prefix}add", "a=1", "b=2"),
            ["resources/read", "--uri", "note://static"],
            ["prompts/get", "--prompt-name", f"{prefix}greet", "--prompt-args", "name=Ada"],
        ],
    }[upstream]


@pytest.mark.parametrize("where", ["stdio", "http"])
def test_the_inspector_gets_the_same_of_four_servers(
    ends: HttpEnds, peers: Peers, program: Program, tmp_path: Path, where: str
) -> None:
    upstreams, direct = four(ends, peers, tmp_path)
    repository(tmp_path)
    config = written(tmp_path, upstreams)
    if where == "http":
        whole = [Gateway(program, config).url]
    else:
        token = f"DOCS_TOKEN={program.env['DOCS_TOKEN']}"
        whole = ["/usr/bin/env", token, *program.bare_argv("gateway", config, "--stdio")]
    servers: dict[str, Any] = {name: _server(target) for name, target in {**direct, "whole": whole}.items()}
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": servers}))
    for name in upstreams:
        plain, prefixed = asked(name, tmp_path), asked(name, tmp_path, f"{name}__")
        for mine, theirs in zip(prefixed, plain, strict=True):
            assert masked(inspect(peers, file, "whole", mine)) == masked(inspect(peers, file, name, theirs))
    for kind in ("tools", "prompts", "resources"):
        lists = {name: inspect(peers, file, name, [f"{kind}/list"])[kind] for name in _offering(kind)}
        wanted = [{**one, "name": f"{name}__{one['name']}"} for name, items in lists.items() for one in items]
        assert masked(inspect(peers, file, "whole", [f"{kind}/list"])[kind]) == masked(wanted)


def _offering(kind: str) -> list[str]:
    return ["every", "git", "time", "docs"] if kind == "tools" else ["every", "docs"]


def _server(target: list[str]) -> dict[str, Any]:
    if "://" in target[0]:
        return {"type": "streamable-http", "url": target[0]}
    return {"command": target[0], "args": target[1:]}
