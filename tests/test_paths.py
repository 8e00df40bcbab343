"""Where files lie, and whose folders are closed."""

from __future__ import annotations

import stat
from pathlib import Path

from mcpscope.paths import private_dir


def test_a_folder_that_everybody_shares_is_not_closed(tmp_path: Path) -> None:
    shared, ours = tmp_path / "shared", tmp_path / "ours"
    shared.mkdir()
    shared.chmod(0o1777)
    ours.mkdir()
    ours.chmod(0o755)
    assert stat.S_IMODE(private_dir(shared).stat().st_mode) == 0o1777
    assert stat.S_IMODE(private_dir(ours).stat().st_mode) == 0o700
    assert stat.S_IMODE(private_dir(tmp_path / "new" / "er").stat().st_mode) == 0o700
