"""What commands over recordings share: opening the database, and how times, sizes and frames are written."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from mcpscope.store.reader import Frame
from mcpscope.text import safe

ARROWS = {"c2s": "→", "s2c": "←", "": "·"}
NS = 1_000_000_000


def clock(at: int) -> str:
    """A time of day with milliseconds, local."""
    moment = datetime.datetime.fromtimestamp(at / NS)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def moment(at: int | None) -> str:
    """Date and time, local; "" for None."""
    return "" if at is None else f"{datetime.datetime.fromtimestamp(at / NS):%Y-%m-%d %H:%M:%S}"


def iso(at: int | None) -> str | None:
    """The same for machines: UTC with microseconds."""
    if at is None:
        return None
    return datetime.datetime.fromtimestamp(at / NS, datetime.UTC).isoformat().replace("+00:00", "Z")


def size(count: int) -> str:
    """A number of bytes as people write it."""
    if count < 1024:
        return f"{count} B"
    amount = float(count)
    for unit in ("KB", "MB", "GB"):
        amount /= 1024
        if amount < 1024 or unit == "GB":
            break
    return f"{amount:.1f} {unit}"


def frame_line(frame: Frame, *, width: int = 0) -> str:
    """One line, recorded text made safe, cut at ``width`` columns (0: whole)."""
    what = frame.method or frame.kind
    remarks = [word for word in (frame.marks, "ours" if frame.origin == "proxy" else "") if word]
    if frame.fate not in ("", "forwarded"):
        remarks.append(frame.fate)
    head = f"{clock(frame.at)} {frame.id:>6} {ARROWS.get(frame.dir, '?')} {safe(what)}"
    if frame.rpc_id:
        head += f" {safe(frame.rpc_id)}"
    if remarks:
        head += f" [{safe('; '.join(remarks))}]"
    text = safe(frame.raw.decode("utf-8", "backslashreplace"))
    line = f"{head}  {text}"
    if width and len(line) > width:
        note = f" … {size(frame.size)}"
        line = line[: max(0, width - len(note))] + note
    return line


def frame_json(frame: Frame) -> dict[str, Any]:
    """The same for machines: ``body`` is text, or ``body_base64`` where the bytes are not UTF-8."""
    said: dict[str, Any] = {
        "id": frame.id,
        "session": frame.session_id,
        "at": iso(frame.at),
        "at_ns": frame.at,
        "dir": frame.dir or None,
        "kind": frame.kind,
        "method": frame.method or None,
        "rpc_id": frame.rpc_id or None,
        "stream": frame.stream,
        "size": frame.size,
        "marks": frame.marks.split(),
    }
    if frame.dir:
        said |= {"fate": frame.fate, "origin": frame.origin}
    try:
        said["body"] = frame.raw.decode()
    except UnicodeDecodeError:
        said["body_base64"] = base64.b64encode(frame.raw).decode()
    return said
