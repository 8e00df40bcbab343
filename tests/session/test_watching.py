"""What is watched is looked at once, however links lead."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mcpscope.session.watching import Watching


def test_links_in_circles_end(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "server.py").write_text("x")
    loop: Any = SimpleNamespace(call_later=lambda delay, callback: None)
    assert len(Watching(loop, [str(tmp_path)], lambda: None)._look()) == 1
