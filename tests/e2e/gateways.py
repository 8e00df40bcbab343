"""A gateway over real servers for the tests: its file, its start, and what is compared of a client's run."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.runs import server_command
from tests.peers.found import Peers
from tests.program import Program, until

TOKEN = "docs-token-1234567890"
_NOT_COMPARED = ("ping", "logging/setLevel", "initialize")
_CLOCK = re.compile(r"\d{1,2}:\d\d:\d\d [AP]M")
_OF_ITS_ERA = ("ttlMs", "cacheScope", "resultType", "execution")
"""What the SDKs know in one of the eras only."""


def repository(folder: Path) -> Path:
    """A git repository with one commit."""
    made = folder / "repository"
    made.mkdir(exist_ok=True)
    (made / "a.txt").write_text("one\n")
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for argv in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *argv], cwd=made, check=True, capture_output=True, timeout=30)
    return made


def four(ends: HttpEnds, peers: Peers, folder: Path) -> dict[str, Any]:
    """The upstreams of a gateway over four real servers, the last one on HTTP behind a token."""
    url = ends.server(peers.sdk2_python, "-W", "ignore", str(SERVERS / "sdk2_server.py"))
    git = str(Path(peers.python("git")).with_name("mcp-server-git"))
    time = str(Path(peers.python("time")).with_name("mcp-server-time"))
    return {
        "every": {"command": server_command(peers, "everything")},
        "git": {"command": [git, "--repository", str(repository(folder))]},
        "time": {"command": [time, "--local-timezone", "Europe/Zurich"]},
        "docs": {"url": url, "headers": {"authorization": "Bearer ${env:DOCS_TOKEN}"}},
    }


def written(folder: Path, upstreams: Mapping[str, Any], **more: Any) -> str:
    """The gateway's file: YAML has all of JSON."""
    path = folder / "gateway.yaml"
    path.write_text(json.dumps({"version": 1, "upstreams": upstreams, **more}))
    return str(path)


class Gateway:
    """One that runs: ``url`` is its ``/mcp``, ``at`` that of one upstream."""

    def __init__(self, program: Program, config: str, *args: str) -> None:
        program.env.setdefault("DOCS_TOKEN", TOKEN)
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


def steady(report: dict[str, Any], others: tuple[str, ...] = ()) -> list[Any]:
    """The steps of a tour without what depends on the clock, the era or the other upstreams."""
    kept = [step for step in report["results"] if step[0] not in _NOT_COMPARED]
    return [_steady(_told(step), others) for step in kept]


def _told(step: list[Any]) -> list[Any]:
    """A resource that no upstream has: the words are the gateway's own."""
    method, name, result, seen = step
    unknown = method == "resources/read" and isinstance(result, dict) and "raised" in result
    return [method, name, "raised" if unknown else result, seen]


def _steady(value: Any, others: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {
            key: _steady(item, others)
            for key, item in value.items()
            if key not in _OF_ITS_ERA and not (key == "_meta" and _is_server_info(item)) and key != "blob"
        }
    if isinstance(value, list):
        return [_steady(item, others) for item in value if not _is_anothers(item, others)]
    return _CLOCK.sub("TIME", value) if isinstance(value, str) else value


def _is_server_info(meta: Any) -> bool:
    return isinstance(meta, dict) and set(meta) <= {"io.modelcontextprotocol/serverInfo"}


def _is_anothers(item: Any, others: tuple[str, ...]) -> bool:
    if isinstance(item, dict):
        return str(item.get("name", "")).startswith(others) if others else False
    is_log = isinstance(item, list) and item[:1] == ["notifications/message"]
    return is_log and "Roots updated" in json.dumps(item)
