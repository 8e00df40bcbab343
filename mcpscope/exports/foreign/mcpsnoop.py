"""The session logs of mcpsnoop (an envelope a line) and what its ``export`` writes as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mcpscope.engine.spans import slots
from mcpscope.exports.foreign.telling import Telling, nanoseconds, spelled

PROGRAM = "mcpsnoop"
_DIRS = ("c2s", "s2c")


def of_log(lines: Iterable[tuple[bytes, dict[str, Any]]]) -> Iterator[Telling]:
    """The sessions of a log, each line as bytes and as JSON; clients that share a proxy have one each."""
    found: dict[tuple[str, str], Telling] = {}
    last: dict[str, int] = {}
    metas: dict[str, dict[str, Any]] = {}
    for raw, said in lines:
        session = str(said.get("session_id") or "")
        missed = _missed(last, session, said.get("seq"))
        if said.get("direction") == "meta":
            metas[session] = said["raw"] if isinstance(said.get("raw"), dict) else {}
            continue
        key = (session, str(said.get("conn_id") or ""))
        telling = found.get(key)
        if telling is None:
            command = metas.get(session, {}).get("command")
            telling = found[key] = _telling(said.get("server_label"), said.get("transport"), command=command)
        if missed:
            telling.facts["lost_messages"] = telling.facts.get("lost_messages", 0) + missed
        _take(telling, said, "ts", _raw(raw))
    yield from found.values()


def of_export(data: dict[str, Any]) -> Iterator[Telling]:
    """The one session of ``mcpsnoop export -T json``."""
    session = data["session"] if isinstance(data.get("session"), dict) else {}
    telling = _telling(session.get("label"), session.get("transport"), url=session.get("endpoint"))
    missing = session.get("missing_frames")
    telling.facts["lost_messages"] = missing if isinstance(missing, int) else 0
    for said in data["events"]:
        if isinstance(said, dict):
            _take(telling, said, "timestamp", spelled(said["raw"]) if said.get("raw") is not None else None)
    yield telling


def _telling(label: Any, transport: Any, **facts: Any) -> Telling:
    kind = "http" if transport == "http" else "stdio"
    return Telling(PROGRAM, label=label, client_transport=kind, server_transport=kind, **facts)


def _take(telling: Telling, said: dict[str, Any], clock: str, raw: bytes | None) -> None:
    at = nanoseconds(said.get(clock))
    if at is None:
        return
    if said.get("direction") in _DIRS:
        text = str(said.get("text") or "").encode("utf-8", "surrogatepass")
        telling.message(at, said["direction"], raw if raw is not None else text)
    elif said.get("direction") == "stderr":
        telling.note(at, "stderr", str(said.get("text") or ""))


def _raw(line: bytes) -> bytes | None:
    """The bytes of a message as they stand in their line."""
    return next((line[slot.value : slot.end] for slot in slots(line, 0) if slot.key == "raw"), None)


def _missed(last: dict[str, int], session: str, seq: Any) -> int:
    """How many envelopes are missing before this one."""
    if not isinstance(seq, int):
        return 0
    before, last[session] = last.get(session, seq - 1), seq
    return max(seq - before - 1, 0)
