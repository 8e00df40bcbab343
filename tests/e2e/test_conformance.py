"""The public conformance suite gives, check by check, the same through every shape of proxy as without."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.peers.found import Peers
from tests.program import Program

pytestmark = [pytest.mark.npm, pytest.mark.sdk2, pytest.mark.timeout(400)]

Checks = list[tuple[str, str, str]]
REQUIRED = {"2025-11-25": 30, "2026-07-28": 37}


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


def suite(peers: Peers, url: str, folder: Path, *which: str) -> Checks:
    """Run the suite against ``url``: scenario, check and status of everything it looked at."""
    argv = [*peers.conformance, "server", "--url", url, "-o", str(folder), *which]
    subprocess.run(argv, capture_output=True, timeout=300, cwd=folder.parent)
    found: Checks = []
    for checks in sorted(folder.glob("*/checks.json")):
        scenario = re.sub(r"^server-|-20\d\d-\d\d-\d\dT.*$", "", checks.parent.name)
        found += [(scenario, check["id"], check["status"]) for check in json.loads(checks.read_text())]
    assert found, "the suite has looked at nothing"
    return sorted(found)


def server_argv(peers: Peers) -> list[str]:
    return [peers.sdk2_python, "-W", "ignore", str(SERVERS / "conformant_server.py")]


def passed(found: Checks, required: set[str]) -> set[str]:
    """The scenarios among ``required`` in which nothing failed."""
    failed = {scenario for scenario, _, status in found if status == "FAILURE"}
    return {scenario for scenario, _, _ in found if scenario in required} - failed


@pytest.mark.parametrize(
    "which",
    [
        ("--spec-version", "2025-03-26", "--suite", "all"),
        ("--spec-version", "2025-06-18", "--suite", "all"),
        ("--requirements", "2025-11-25"),
        ("--requirements", "2026-07-28"),
    ],
    ids=lambda which: which[1],
)
def test_the_reverse_proxy_changes_no_check(
    ends: HttpEnds, peers: Peers, tmp_path: Path, which: tuple[str, ...]
) -> None:
    url = ends.server(*server_argv(peers))
    direct = suite(peers, url, tmp_path / "direct", *which)
    assert suite(peers, ends.proxy(url), tmp_path / "proxied", *which) == direct


@pytest.mark.parametrize(
    ("revision", "shape"),
    [
        ("2025-11-25", "process"),
        ("2026-07-28", "remote"),
        pytest.param("2025-11-25", "remote", marks=pytest.mark.soak),
        pytest.param("2026-07-28", "process", marks=pytest.mark.soak),
    ],
)
def test_each_bridge_passes_all_that_a_revision_requires(
    ends: HttpEnds, peers: Peers, tmp_path: Path, revision: str, shape: str
) -> None:
    required = requirements(peers, revision)
    assert len(required) == REQUIRED[revision]
    command = server_argv(peers)
    if shape == "remote":
        command = [sys.executable, "-m", "mcpscope", "proxy", "--stdio", ends.server(*command)]
    found = suite(peers, ends.proxy("--", *command), tmp_path / shape, "--requirements", revision)
    assert required - passed(found, required) == set()


def requirements(peers: Peers, revision: str) -> set[str]:
    """The names of the server scenarios that ``revision`` requires."""
    package = Path(peers.conformance[1]).parent.parent
    lines = (package / "requirements" / f"{revision}.yaml").read_text().splitlines()
    begin = lines.index("server:") + 1
    names: set[str] = set()
    for line in lines[begin:]:
        if line.startswith("  - "):
            names.add(line[4:].strip())
        elif line.strip() and not line.startswith((" ", "#")):
            break
    return names
