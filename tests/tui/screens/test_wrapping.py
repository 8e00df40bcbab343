"""Wrapping from the first screen: shown, agreed to, undone to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.driver import Scope, opened

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]
CONFIG = """{
\t// mine
  "mcpServers": {
    "notes": {"command": "npx", "args": ["-y", "notes-server", "--token=abc123"]},
    "remote": {"url": "https://example.org/mcp"},
  }
}
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text(CONFIG)
    return path


async def dialog(scope: Scope, *texts: str) -> None:
    await scope.until(lambda: all(text in scope.text for text in texts), texts)


async def test_a_server_is_wrapped_and_unwrapped_from_the_first_screen(db: Path, config: Path) -> None:
    async with opened(db, (100, 30)) as scope:
        await scope.first.shows("mcpscope wrap NAME", "~/.cursor/mcp.json", "notes, remote").press("w")
        await scope.wrap.selected_is("notes").shows("not wrapped", "~/.cursor/mcp.json").press("enter")
        await dialog(scope, "y writes it", "--label notes -- npx", "--token=***")
        await scope.press("escape")
        await scope.wrap.shows("0 wrapped")
        assert config.read_text() == CONFIG
        await scope.press("enter")
        await dialog(scope, "y writes it")
        await scope.press("y")
        await scope.wrap.shows("Cursor: it reloads the file").selected_is("wrapped")
        assert '"--label", "notes", "--", "npx"' in config.read_text()
        await scope.press("w")
        await dialog(scope, "y writes it")
        await scope.press("y")
        await scope.wrap.selected_is("not wrapped")
        assert config.read_text() == CONFIG


async def test_a_file_that_changed_meanwhile_is_left_alone(db: Path, config: Path) -> None:
    async with opened(db, (100, 30)) as scope:
        await scope.first.press("w")
        await scope.wrap.selected_is("notes").press("A")
        await dialog(scope, "y writes it", "notes")
        config.write_text(CONFIG.replace("mine", "theirs"))
        await scope.press("y")
        await scope.wrap.shows("was changed meanwhile")
        assert config.read_text() == CONFIG.replace("mine", "theirs")


async def test_where_no_client_is_found_it_says_how_to_do_it_by_hand(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    async with opened(db, (100, 30)) as scope:
        await scope.first.press("w")
        await scope.wrap.shows("by hand it is").press("enter")
        await scope.wrap.shows("there is no server here")
