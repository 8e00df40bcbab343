"""One run of a client script against a server, direct or through anything that can be put between them."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.peers.found import Peers

HERE = Path(__file__).resolve().parent
SERVERS = HERE.parents[1] / "fixtures" / "servers"
CLIENTS = ("sdk1", "sdk2-legacy", "sdk2-auto", "ts-legacy", "ts-auto")
SERVER_NAMES = ("everything", "sdk1", "sdk2")
PAIRS = [
    pytest.param(client, server, marks=[] if (turn - place) % 3 == 0 else [pytest.mark.soak])
    for turn, client in enumerate(CLIENTS)
    for place, server in enumerate(SERVER_NAMES)
]
"""Every client with every server; outside ``make soak`` each client with one of them."""
RUN_SECONDS = 90

# The reference server tells the time in its resources.
_CLOCK = re.compile(r"\d{1,2}:\d\d:\d\d [AP]M")


def server_command(peers: Peers, name: str) -> list[str]:
    """The command line of a real server on stdio."""
    if name == "everything":
        return [*peers.everything, "stdio"]
    python = peers.sdk1_python if name == "sdk1" else peers.sdk2_python
    return [python, str(SERVERS / f"{name}_server.py")]


def client_command(peers: Peers, name: str, folder: Path) -> list[str]:
    """The command line of a client script; the server's command or address is to follow."""
    kind, _, mode = name.partition("-")
    if kind == "ts":
        return [*node_script(peers, "typescript.mjs", folder), mode]
    python = peers.sdk1_python if kind == "sdk1" else peers.sdk2_python
    return [python, str(HERE / "clients" / f"{kind}.py"), *([mode] if mode else [])]


def node_script(peers: Peers, name: str, folder: Path) -> list[str]:
    """The command line of a script of ``clients/``, from a place below ``folder`` where it finds the SDKs."""
    home = folder / "ts"
    if not home.exists():
        home.mkdir()
        (home / "node_modules").symlink_to(peers.npm_home / "node_modules")
        for script in (HERE / "clients").glob("*.mjs"):
            shutil.copy(script, home)
    return [peers.node, str(home / name)]


def run_client(
    client: list[str], target: list[str], *, env: dict[str, str] | None = None, timeout: float = RUN_SECONDS
) -> dict[str, Any]:
    """Run to the end and return the client's report: what it got (without what changes by itself) and did."""
    done = subprocess.run([*client, *target], capture_output=True, env=env, timeout=timeout)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    report["results"] = [_steady(result) for result in report["results"]]
    return report


def tee(folder: Path, command: list[str]) -> list[str]:
    """``command`` with a witness in front of it that keeps the bytes of both directions in ``folder``."""
    folder.mkdir(exist_ok=True)
    return [sys.executable, str(HERE / "tee.py"), str(folder), *command]


def witnessed(folder: Path) -> list[tuple[bytes, bytes]]:
    """What each witness in ``folder`` saw: bytes up, bytes down; one pair a session, in order of start."""
    ups = sorted(folder.glob("*.up"), key=lambda path: int(path.stem))
    return [(path.read_bytes(), path.with_suffix(".down").read_bytes()) for path in ups]


def _steady(value: Any) -> Any:
    """Without the time of day, and without the log line that comes whenever the server has read the roots."""
    if isinstance(value, dict):
        return {key: _blob(item) if key == "blob" else _steady(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_steady(item) for item in value if not _is_roots_log(item)]
    return _CLOCK.sub("TIME", value) if isinstance(value, str) else value


def _is_roots_log(value: Any) -> bool:
    return (
        isinstance(value, list) and value[:1] == ["notifications/message"] and "Roots updated" in str(value)
    )


def _blob(value: str) -> str:
    return _CLOCK.sub("TIME", base64.b64decode(value).decode(errors="replace"))
