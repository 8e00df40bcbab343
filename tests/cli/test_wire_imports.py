"""What the wire may load before its first byte (performance.md, 4)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOO_DEAR = [
    "typing",
    "pathlib",
    "dataclasses",
    "enum",
    "re",
    "json",
    "socket",
    "signal",
    "subprocess",
    "threading",
    "logging",
    "asyncio",
    "anyio",
    "click",
    "textual",
    "httpx",
    "sqlite3",
    "sqlite_utils",
    "orjson",
    "ctypes",
]
LOADED = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    "import mcpscope.cli.wire, mcpscope.proxy.runner; print(*sys.modules)"
)


def test_the_wire_loads_nothing_dear() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & set(TOO_DEAR)
