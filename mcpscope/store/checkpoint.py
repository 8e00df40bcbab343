"""How far the recorder is, for a gate that takes up in mid-session, and the form of that state as bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import orjson

from mcpscope.store.tail import Position

CHECKPOINT_NAME = "checkpoint.json"


def dump_state(state: dict[str, Any]) -> bytes:
    """``state`` as JSON, lone surrogates and integers of any size included: peers use them as ids."""
    try:
        return orjson.dumps(state)
    except TypeError:
        return json.dumps(state).encode()


def load_state(data: bytes) -> dict[str, Any]:
    """Read ``dump_state`` back; ``{}`` for what is no JSON object."""
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def write_checkpoint(folder: Path, position: Position, state: dict[str, Any]) -> None:
    """Replace the checkpoint in one step; a reader sees the old one or the new one, whole."""
    fresh = folder / (CHECKPOINT_NAME + ".new")
    fd = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(dump_state({"segment": position[0], "offset": position[1], **state}))
    fresh.replace(folder / CHECKPOINT_NAME)


def read_checkpoint(folder: Path) -> dict[str, Any]:
    """The last checkpoint: ``segment`` and ``offset`` (the tail begins there), ``sessions``, ``lanes``.

    ``{}`` where there is none yet: the journal is then read from its beginning.
    """
    try:
        return load_state((folder / CHECKPOINT_NAME).read_bytes())
    except FileNotFoundError:
        return {}
