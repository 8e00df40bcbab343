"""Which proxies run, and what is left of those that were killed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

from mcpscope.control.registry import running


def test_what_a_killed_proxy_left_behind_is_cleaned_up(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    entry = tmp_path / f"{dead.pid}.json"
    entry.write_text(json.dumps({"pid": dead.pid}))
    address = tmp_path / f"{dead.pid}.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        assert running(tmp_path) == []
        assert entry.exists()  # somebody answers there, whose pid is not one of ours
    assert running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
