"""The conformance suite's client mode: a real client behind a proxy does what it does without."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.http_ends import CLIENTS
from tests.peers.found import Peers
from tests.program import Program

pytestmark = [pytest.mark.npm, pytest.mark.sdk2, pytest.mark.timeout(300)]

HTTP = ("--transport", "http")  # some of the suite's servers have no path
ATTEMPTS = 3  # the suite gives a client 30 s, and a loaded machine may need more


@dataclass(frozen=True)
class Found:
    """What the suite says of one scenario: each check's id, name and status, and whether all is well."""

    checks: list[tuple[str, str, str]]
    passed: bool


@dataclass(frozen=True)
class Suite:
    """One scenario of the suite at a time, with the client alone or behind a proxy."""

    peers: Peers
    program: Program
    folder: Path

    def run(self, scenario: str, revision: str, *behind: str) -> Found:
        """``behind`` are the proxy's options; without any there is no proxy."""
        client = [self.peers.sdk2_python, "-W", "ignore", str(CLIENTS / "conformance2.py")]
        if behind:
            client = [sys.executable, str(CLIENTS / "behind.py"), *behind, "--", *client]
        for attempt in range(ATTEMPTS):
            folder = self.folder / f"{scenario}-{revision}-{attempt}-{len(behind)}"
            folder.mkdir(parents=True)
            argv = [*self.peers.conformance, "client", "--command", shlex.join(client), "-o", str(folder)]
            argv += ["--scenario", scenario, "--spec-version", revision]
            done = subprocess.run(argv, env=self.program.env, capture_output=True, text=True, cwd=folder)
            if "timed out" not in done.stdout + done.stderr:
                break
        (made,) = folder.glob("**/checks.json")
        said = [(check["id"], check["name"], check["status"]) for check in json.loads(made.read_text())]
        assert said, done.stdout
        return Found(sorted(said), done.returncode == 0)


@pytest.fixture
def suite(peers: Peers, program: Program, tmp_path: Path) -> Suite:
    return Suite(peers, program, tmp_path / "suite")


def required(peers: Peers, revision: str) -> list[str]:
    """The client scenarios that ``revision`` requires."""
    package = Path(peers.conformance[1]).parent.parent
    lines = (package / "requirements" / f"{revision}.yaml").read_text().splitlines()
    listed = lines[lines.index("client:") + 1 :]
    return [line[4:].strip() for line in listed[: listed.index("")] if line.startswith("  - ")]


@pytest.mark.parametrize(
    ("scenario", "revision"),
    [
        pytest.param("sse-retry", "2025-11-25", marks=pytest.mark.soak),
        ("http-custom-headers", "2026-07-28"),
    ],
)
def test_a_client_behind_the_proxy_passes_what_it_passes_alone(
    suite: Suite, scenario: str, revision: str
) -> None:
    alone = suite.run(scenario, revision)
    assert alone.passed, alone.checks
    assert suite.run(scenario, revision, *HTTP) == alone


def test_a_client_logs_in_through_the_proxy_with_rewritten_metadata(suite: Suite) -> None:
    assert suite.run("auth/basic-cimd", "2025-11-25", *HTTP, "--rewrite-oauth").passed


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_every_scenario_that_does_not_log_in_is_the_same_check_by_check(
    suite: Suite, peers: Peers, revision: str
) -> None:
    scenarios = [name for name in required(peers, revision) if not name.startswith("auth/")]
    scenarios += ["json-schema-2020-12-preservation"]
    differing = {}
    for scenario in scenarios:
        alone = suite.run(scenario, revision)
        behind = suite.run(scenario, revision, *HTTP)
        assert alone.passed, (scenario, alone.checks)
        if alone != behind:
            differing[scenario] = set(alone.checks) ^ set(behind.checks)
    assert differing == {}


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("revision", "least"), [("2025-11-25", 11), ("2026-07-28", 25)])
def test_clients_log_in_through_the_proxy_as_often_as_an_own_address_lets_them(
    suite: Suite, peers: Peers, revision: str, least: int
) -> None:
    scenarios = required(peers, revision)
    passed = [name for name in scenarios if suite.run(name, revision, *HTTP, "--rewrite-oauth").passed]
    print(f"{revision}: {len(passed)} of {len(scenarios)}; not {sorted(set(scenarios) - set(passed))}")
    assert len(passed) >= least, sorted(set(scenarios) - set(passed))
