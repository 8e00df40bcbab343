"""Running proxies, found by the entries they leave in the runtime folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mcpscope.paths import runtime_dir


def live_databases() -> list[Path]:
    """The databases that running proxies record into, each once."""
    found: dict[Path, None] = {}
    for entry in sorted(runtime_dir().glob("*.json")):
        try:
            facts = json.loads(entry.read_bytes())
            os.kill(int(facts["pid"]), 0)
            found[Path(facts["db"])] = None
        except (OSError, ValueError, KeyError, TypeError):
            continue  # gone in this moment, left behind by a killed one, or not an entry at all
    return list(found)
