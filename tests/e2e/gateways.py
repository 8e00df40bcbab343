"""A gateway over real servers for the tests: its file, its start."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.runs import server_command
from tests.peers.found import Peers
from tests.program import Program, until

TOKEN = "docs-token-1234567890"
_ADA = [
    f"GIT_{role}_{what}={value}"
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "2026-01-02T03:04:05+00:00"))
]
"""Who makes every commit, and when: so that it has the same name in every run."""


def repository(folder: Path) -> Path:
    """A git repository with one commit and a change, made anew."""
    made = folder / "repository"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    (made / "a.txt").write_text("one\n")
    for argv in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["/usr/bin/env", *_ADA, "git", *argv], cwd=made, check=True, timeout=30)
    (made / "a.txt").write_text("two\n")
    (made / "b.txt").write_text("new\n")
    return made


def four(ends: HttpEnds, peers: Peers, folder: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The upstreams of a gateway over four real servers, the last one on HTTP behind a token; and where a
    client finds the same servers directly.
    """
    documents = [peers.sdk2_python, "-W", "ignore", str(SERVERS / "sdk2_server.py")]
    commands = {
        "every": ["/usr/bin/env", "-i", f"PATH={os.environ['PATH']}", *server_command(peers, "everything")],
        "git": ["/usr/bin/env", *_ADA, peers.git_server, "--repository", str(folder / "repository")],
        "time": [peers.time_server, "--local-timezone", "Europe/Zurich"],
    }
    ends.program.env["DOCS_TOKEN"] = TOKEN
    guarded = ends.server("/usr/bin/env", f"NEEDS_TOKEN={TOKEN}", *documents)
    upstreams = {name: {"command": command} for name, command in commands.items()}
    headers = {"authorization": "Bearer ${env:DOCS_TOKEN}"}
    return {**upstreams, "docs": {"url": guarded, "headers": headers}}, {
        **commands,
        "docs": [ends.server(*documents)],
    }


def written(folder: Path, upstreams: Mapping[str, Any], **more: Any) -> str:
    """The gateway's file: YAML has all of JSON."""
    path = folder / "gateway.yaml"
    path.write_text(json.dumps({"version": 1, "upstreams": upstreams, **more}))
    return str(path)


class Gateway:
    """One that runs: ``url`` is its ``/mcp``, ``at`` that of one upstream."""

    def __init__(self, program: Program, config: str, *args: str) -> None:
        self.log = program.folder / "gateway.log"
        with self.log.open("wb") as out:
            self.process = program.popen("gateway", config, "--port", "0", *args, stdout=out, stderr=out)

        def said() -> re.Match[str] | None:
            assert self.process.poll() is None, self.log.read_text()
            return re.search(r"listening on (\S+)", self.log.read_text())

        self.url = until(said)[1]

    def at(self, name: str) -> str:
        return self.url.removesuffix("/mcp") + f"/{name}/mcp"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
