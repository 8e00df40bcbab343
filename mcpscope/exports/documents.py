"""A session and its exchanges as one JSON document."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from mcpscope.exports.masked import Masked
from mcpscope.store.directory import SessionInfo
from mcpscope.store.query import Query
from mcpscope.store.subjects import Recorded
from mcpscope.store.writing_out import Mask
from mcpscope.text import json_text

_LONG_NUMBER = re.compile(rb"[0-9]{16}")


@dataclass(frozen=True, slots=True)
class Source:
    """What is exported: the exchanges of one session that pass ``query``; ``whole`` if that is every one.

    ``steady``: without what the clock and chance say.
    """

    connection: sqlite3.Connection
    session: SessionInfo
    query: Query
    mask: Mask
    whole: bool
    steady: bool = False


def as_document(source: Source, shown: bool) -> Iterator[bytes]:
    """``{"session": …, "exchanges": […], "masked": N}``, an exchange a line."""
    yield b'{"session":' + json_text(session_facts(source)).encode() + b',"exchanges":[\n'
    between = b""
    for one in source.query.oldest():
        yield between + json_text(exchange_facts(one, Masked(one, source.mask))).encode()
        between = b",\n"
    yield b'\n],"masked":%d}\n' % source.mask.count


def session_facts(source: Source) -> dict[str, Any]:
    """Who spoke with whom, and when."""
    info, mask = source.session, source.mask
    facts = {
        "id": info.id,
        "name": info.name,
        "label": info.label,
        "command": mask.value(_command(info.command)),
        "url": mask.text(info.url),
        "client": f"{info.client_name} {info.client_version}".strip(),
        "server": f"{info.server_name} {info.server_version}".strip(),
        "revision": info.revision,
        "started": iso(info.started_at),
        "ended": iso(info.ended_at) if info.ended_at else "",
        "ending": info.ending,
        "messages": info.messages,
        "lost_messages": info.lost_messages,
        "note": mask.text(info.note),
    }
    return {name: value for name, value in facts.items() if value}


def exchange_facts(one: Recorded, masked: Masked) -> dict[str, Any]:
    """One exchange with its request and answer as JSON, or their text where they are none."""
    facts: dict[str, Any] = {
        "id": one.seq,
        "time": iso(one.opened_at),
        "dir": one.dir,
        "kind": one.kind,
        "method": one.method,
        "tool": one.tool,
        "name": masked.name,
        "rpc_id": one.rpc_id,
        "status": one.status,
        "code": one.code,
        "dur_ms": None if one.dur_ns is None else one.dur_ns / 1e6,
        "flags": list(one.flags),
        "request": payload(masked.request),
        "answer": payload(masked.answer),
        "notes": masked.notes,
    }
    return {name: value for name, value in facts.items() if value is not None and value not in ("", [])}


def payload(raw: bytes | None) -> Any:
    """What a message says; text or base64 where it is not JSON."""
    if raw is None:
        return None
    try:
        # Not orjson: a number of more than 64 bits is to stay what it is.
        return json.loads(raw) if _LONG_NUMBER.search(raw) else orjson.loads(raw)
    except ValueError:
        pass
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def iso(at: int) -> str:
    """Unix ns as UTC with milliseconds."""
    moment = datetime.fromtimestamp(at // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at // 1_000_000 % 1000:03}Z"


def _command(text: str) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None
