"""The pytest plugin: recordings as fixtures, in the words of VCR.py and pytest-recording."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from mcpscope.testing.network import Network
from mcpscope.testing.scope import Asked, Scope, stale

MODES = ("none", "once", "new", "all", "rewrite")
SUFFIX = ".mcpscope.jsonl"
_KNOWN = frozenset({"server", "mode", "masks", "level", "options", "allow", "expires", "steady", "speed"})


class StaleRecording(UserWarning):
    """A recording is older than it said it may become."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mcpscope", "recordings of MCP servers")
    group.addoption(
        "--mcpscope-mode",
        choices=MODES,
        default=None,
        help="none (default): play recordings only. once: record those that are not there. new: play, and "
        "record what is missing. all: record everything. rewrite: record everything anew.",
    )
    group.addoption("--mcpscope-server", metavar="CMD|URL", help="The server under test, and to record from.")
    group.addoption(
        "--mcpscope-stale", choices=("warn", "error"), default="warn", help="What an old recording does."
    )
    parser.addini("mcpscope_mode", "as --mcpscope-mode", default="none")
    parser.addini("mcpscope_server", "as --mcpscope-server", default="")
    parser.addini("mcpscope_recordings", "the folder of recordings beside a test file", default="recordings")
    parser.addini(
        "mcpscope_allow", "hosts that may be reached while recordings are played", type="args", default=[]
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "mcpscope(*recordings, server=, mode=, masks=, level=, options=, allow=, expires=, steady=, speed=): "
        "these recordings (names beside the test, or paths) stand in for an MCP server, without network",
    )


@pytest.fixture
def mcpscope(request: pytest.FixtureRequest) -> Iterator[Scope]:
    """The recording of this test: ``url``, ``command``, ``replay()``, ``call()``, ``check()``."""
    asked = _asked(request)
    network: Any = nullcontext()
    if asked.mode == "none" and request.node.get_closest_marker("mcpscope") is not None:
        network = Network(
            asked.allow, why="--mcpscope-mode once or new lets it through, mcpscope_allow a host"
        )
    with network as guard:
        scope = Scope(asked, guard)
        try:
            yield scope
        finally:
            scope.close()


@pytest.fixture
def mcpscope_url(mcpscope: Scope) -> str:
    """The address of a server that answers from the recording."""
    return mcpscope.url


@pytest.fixture
def mcpscope_command(mcpscope: Scope) -> list[str]:
    """The command of a server on stdio that answers from the recording."""
    return mcpscope.command


@pytest.fixture
def mcpscope_replay(mcpscope: Scope) -> Callable[..., Any]:
    """Says the recording to the server under test, and fails where it answers otherwise."""
    return mcpscope.replay


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marked test is kept off the network, and told of old recordings, whatever fixtures it asks for."""
    marker = item.get_closest_marker("mcpscope")
    if marker is not None and isinstance(item, pytest.Function) and "mcpscope" not in item.fixturenames:
        item.fixturenames.append("mcpscope")


def _asked(request: pytest.FixtureRequest) -> Asked:
    config, marker = request.config, request.node.get_closest_marker("mcpscope")
    said: dict[str, Any] = dict(marker.kwargs) if marker is not None else {}
    if unknown := sorted(set(said) - _KNOWN):
        raise pytest.UsageError(
            f"the mcpscope marker takes no {', '.join(unknown)}; it takes {sorted(_KNOWN)}"
        )
    paths = _paths(request, marker.args if marker is not None else ())
    mode = config.getoption("--mcpscope-mode") or said.get("mode") or config.getini("mcpscope_mode")
    if mode not in MODES:
        raise pytest.UsageError(f"mcpscope knows no mode {mode!r}; there are {', '.join(MODES)}")
    if mode != "rewrite":
        _tell_stale(config, paths)
    return Asked(
        paths,
        mode,
        config.getoption("--mcpscope-server") or said.get("server") or config.getini("mcpscope_server") or (),
        _several(said.get("masks", ())),
        said.get("level", "semantic"),
        [*_several(said.get("options", ())), *_options(said)],
        [*config.getini("mcpscope_allow"), *_several(said.get("allow", ()))],
    )


def _options(said: dict[str, Any]) -> list[str]:
    found = ["--steady"] if said.get("steady") else []
    for name in ("expires", "speed"):
        if said.get(name) is not None:
            found += [f"--{name}", str(said[name])]
    return found


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _paths(request: pytest.FixtureRequest, words: tuple[Any, ...]) -> list[Path]:
    """Paths from the test's folder; names in the folder of recordings; for none the name of the test."""
    beside = request.path.parent
    folder = beside / request.config.getini("mcpscope_recordings")
    found = []
    for word in map(str, words):
        is_path = word.endswith(".jsonl") or os.sep in word
        found.append(beside / word if is_path else folder / f"{word}{SUFFIX}")
    own = request.node.originalname if isinstance(request.node, pytest.Function) else request.node.name
    return found or [folder / request.path.stem / f"{own}{SUFFIX}"]


def _tell_stale(config: pytest.Config, paths: list[Path]) -> None:
    for path in paths:
        since = stale(path, datetime.datetime.now(datetime.UTC))
        if not since:
            continue
        text = f"the recording {path.name} was good until {since}; renew it with --mcpscope-mode rewrite"
        if config.getoption("--mcpscope-stale") == "error":
            pytest.fail(text, pytrace=False)
        config.issue_config_time_warning(StaleRecording(text), stacklevel=2)
