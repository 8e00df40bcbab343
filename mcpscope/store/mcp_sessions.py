"""The ids of MCP's own sessions within one recording: over HTTP a server may say them in its answers."""

from __future__ import annotations

import re
from pathlib import Path

import orjson

from mcpscope.store import schema

_STREAMS = "SELECT open, facts FROM streams WHERE session_id = ?"
_IN_TARGET = re.compile(r"[?&]session_?id=([^&#]+)", re.I)
MIN_ID_CHARS = 8


def mcp_session_ids(path: Path, session_id: int) -> frozenset[str]:
    """Every ``Mcp-Session-Id`` of a recording, and what stood in its place in addresses (HTTP+SSE)."""
    found: set[str] = set()
    connection = schema.connect_ro(path)
    try:
        for opened, facts in connection.execute(_STREAMS, (session_id,)):
            for said in (orjson.loads(text) for text in (opened, facts) if text):
                in_target = _IN_TARGET.search(str(said.get("target") or ""))
                found |= {str(said.get("mcp_session_id") or ""), in_target[1] if in_target else ""}
    finally:
        connection.close()
    return frozenset(name for name in found if len(name) >= MIN_ID_CHARS)
