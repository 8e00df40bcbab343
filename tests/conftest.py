"""Fixtures every test may use: the program as a user starts it, and the real peers."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.found import Peers
from tests.program import Program

SOAK = bool(os.environ.get("MCPSCOPE_SOAK"))

# A shell that wants no byte code, as many images of containers have it, would let each of the thousands of
# starts in here compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(scope="session")
def peers() -> Peers:
    """The real peers; asking for one that is not installed skips the test with the reason."""
    return Peers()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """``python -m mcpscope`` with a database, state and runtime folder of its own."""
    # A socket's path has 108 bytes at most, which pytest's own folders may use up.
    runtime = Path(tempfile.mkdtemp(prefix="ms-", dir="/tmp"))
    started = Program(tmp_path, runtime)
    yield started
    started.close()
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the properties run in full length (``make soak``) or as a seeded sample."""
    return SOAK


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only ``make soak`` runs."""
    if SOAK:
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
