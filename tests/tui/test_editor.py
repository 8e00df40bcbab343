"""Which editor of the person's is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpscope.errors import ScopeError
from mcpscope.tui import editor


def test_without_an_editor_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ScopeError, match="there is no editor"):
        editor.command({})
    with pytest.raises(ScopeError, match="names 'emacs'"):
        editor.command({"EDITOR": "emacs -nw"})


def test_the_variables_are_asked_in_their_order() -> None:
    found = editor.command({"MCPSCOPE_EDITOR": "sh -c true", "VISUAL": "cat", "EDITOR": "ls"})
    assert found == ["sh", "-c", "true"]
    assert editor.command({"VISUAL": "cat", "EDITOR": "ls"}) == ["cat"]
