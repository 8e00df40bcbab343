"""What the headers of a recording's file say, read without a database."""

from __future__ import annotations

import json
from pathlib import Path

_HEADER = b'{"format":"mcpscope"'


def expiries(path: Path) -> list[str]:
    """The dates until which its sessions are good; [] for a file that is not there or is none of ours."""
    found = []
    try:
        with path.open("rb") as lines:
            heads = [line for line in lines if line.startswith(_HEADER)]
    except OSError:
        return []
    for head in heads:
        try:
            detail = json.loads(head)["session"].get("detail")
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
        if isinstance(detail, dict) and isinstance(detail.get("expires"), str):
            found.append(detail["expires"])
    return found
