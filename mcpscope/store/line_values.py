"""What single lines of ``store.jsonl`` say, as values of the engine."""

from __future__ import annotations

from typing import Any

import orjson

from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.protocol.message import Kind, Message
from mcpscope.store.jsonl import Line, bad_line

_INT64 = 1 << 62


def outcome_of(line: Line, number: int, start: int, at: int) -> Outcome:
    """The outcome that a line tells; times in the file are counted from ``start``."""
    said = line.said
    try:
        word = Word(said["outcome"])
    except ValueError:
        raise bad_line(number, f"{said['outcome']!r} is not an outcome") from None
    return Outcome(
        of=start + number_of(said.get("of")),
        word=word,
        at=at,
        actor=str(said.get("actor") or ""),
        rule=str(said.get("rule") or ""),
        waited_ns=number_of(said.get("waited_ns")),
        sent=line.payload("sent"),
        detail=said["detail"] if isinstance(said.get("detail"), dict) else {},
    )


def cut_message(raw: bytes, cut: dict[str, Any]) -> Message:
    """A message of which only the beginning was kept, as what it was as a whole."""
    try:
        kind = Kind(str(cut.get("kind")))
    except ValueError:
        kind = Kind.MALFORMED
    rpc_id = cut.get("rpc_id")
    try:
        id = orjson.loads(rpc_id) if isinstance(rpc_id, str) else None
    except orjson.JSONDecodeError:
        id = None
    return Message(raw, kind, {}, str(cut.get("method") or ""), id, rpc_id is not None)


def number_of(value: Any) -> int:
    return value if isinstance(value, int) and -_INT64 < value < _INT64 else 0


def object_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:
    """A text that SQLite takes; None for anything else."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else None


def digest_of(value: Any) -> bytes | None:
    """The bytes of a digest in hexadecimal."""
    try:
        return bytes.fromhex(value) or None if isinstance(value, str) else None
    except ValueError:
        return None
