"""Every UI test runs with the same terminal: colours, UTF-8, no animations, no state of the person's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import Program
from tests.session.steered import Steered
from tests.tui.tape import Tape

SCHEMA = {
    "type": "object",
    "required": ["query"],
    "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "maximum": 50}},
}
TOOLS = [{"name": "search_docs", "description": "Full-text search.", "inputSchema": SCHEMA}]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal with everything, whatever the test run's own is."""
    for name in ("NO_COLOR", "COLORFGBG", "MCPSCOPE_ASCII", "MCPSCOPE_DB", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("MCPSCOPE_CONFIG", raising=False)
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "scope.db"


@pytest.fixture
def tape(db: Path) -> Tape:
    """A session of which the handshake is over."""
    return Tape(db).start(tools=TOOLS)


@pytest.fixture
def steered(program: Program, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Steered]:
    """Starts a proxy that a UI of this test finds."""
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", program.env["MCPSCOPE_RUNTIME_DIR"])
    return lambda *options, **how: Steered(program, *options, **how)
