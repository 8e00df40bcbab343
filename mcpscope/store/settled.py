"""What reviews have settled for a recording, as its file carries it: masks, and values to say otherwise."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

_NEWEST = "SELECT masks, maps FROM revisions WHERE recording_id = ? ORDER BY number DESC"
_ADD = """
    INSERT INTO revisions (recording_id, number, at, masks, answers, maps) VALUES (?, 1, ?, ?, '{}', ?)
"""


def settled_for(connection: sqlite3.Connection, recording_id: int) -> dict[str, Any]:
    """``masks`` (JSON paths) and ``maps`` (recorded to live values) of the newest revision, if any."""
    row = connection.execute(_NEWEST, (recording_id,)).fetchone()
    if row is None:
        return {}
    masks, maps = (orjson.loads(text) if text else None for text in row)
    found = {"masks": masks, "maps": maps}
    return {name: value for name, value in found.items() if value}


def settle_for(connection: sqlite3.Connection, recording_id: int, at: int, said: dict[str, Any]) -> None:
    """Give an imported recording what its file says of that; what makes no sense there is left out."""
    masks, maps = said.get("masks"), said.get("maps")
    kept = [mask for mask in masks if isinstance(mask, str)] if isinstance(masks, list) else []
    said_otherwise = {k: v for k, v in maps.items() if isinstance(v, str)} if isinstance(maps, dict) else {}
    if kept or said_otherwise:
        given = (orjson.dumps(kept).decode(), orjson.dumps(said_otherwise).decode())
        connection.execute(_ADD, (recording_id, at, *given))
