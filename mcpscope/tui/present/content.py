"""Content blocks that are not for reading as text: images, audio and blobs as one line each (ux.md 2.15)."""

from __future__ import annotations

import binascii
import hashlib
import re
from bisect import bisect_left
from dataclasses import dataclass

from mcpscope.tui.present import binary, figures
from mcpscope.tui.present.jsonindex import JsonIndex

_HOLDER = re.compile(rb'"(data|blob)"\s*:\s*"')
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/svg+xml": ".svg",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "application/pdf": ".pdf",
    "application/json": ".json",
    "text/plain": ".txt",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One base64 value: the line it stands on, its bytes (None where they are broken) and how it reads."""

    line: int
    kind: str
    mime: str
    text: str
    problem: str = ""
    size: int = 0
    sha256: str = ""

    @property
    def suffix(self) -> str:
        """The file name's ending that a viewer expects."""
        return _SUFFIXES.get(self.mime.partition(";")[0].strip().lower(), ".bin")


def blocks(index: JsonIndex) -> dict[int, Block]:
    """Every base64 value of an indexed message by its line; decodes each, so call it off the UI thread."""
    found: dict[int, Block] = {}
    if not index.valid:
        return found
    for hit in _HOLDER.finditer(index.source):
        line = bisect_left(index.start, hit.end() - 1)
        if line >= len(index) or index.start[line] != hit.end() - 1 or index.key_start[line] != hit.start():
            continue
        block = _block(index, line, hit.group(1).decode())
        if block is not None:
            found[line] = block
    return found


def decoded(index: JsonIndex, line: int) -> bytes:
    """The bytes of the base64 value on ``line``; raises ValueError where it is broken."""
    return binascii.a2b_base64(_payload(index, line), strict_mode=True)


def _payload(index: JsonIndex, line: int) -> bytes:
    return index.source[index.start[line] + 1 : index.end[line] - 1].replace(b"\\/", b"/")


def _block(index: JsonIndex, line: int, key: str) -> Block | None:
    holder = index.parent[line]
    if holder < 0 or index.in_array(line):
        return None
    kind, mime = _text_of(index, holder, "type"), _text_of(index, holder, "mimeType")
    if key == "blob":
        kind = "blob"
    elif kind not in ("image", "audio"):
        return None
    payload = _payload(index, line)
    good = _BASE64.match(payload)
    stop = good.end() if good else 0
    if stop < len(payload) or len(payload) % 4:
        where = stop if stop < len(payload) else len(payload)
        problem = f"! base64 invalid at {figures.count(where)}"
        return Block(line, kind, mime, f"{kind}  {mime or '?'}  {problem}", problem)
    try:
        data = binascii.a2b_base64(payload, strict_mode=True)
    except binascii.Error:
        problem = "! base64 invalid at its end"
        return Block(line, kind, mime, f"{kind}  {mime or '?'}  {problem}", problem)
    return describe(line, kind, mime, data)


def _text_of(index: JsonIndex, holder: int, key: str) -> str:
    line = index.child(holder, key)
    if line < 0:
        return ""
    value = index.value(line, 200)
    return value[1:-1] if value.startswith('"') else ""


def describe(line: int, kind: str, mime: str, data: bytes) -> Block:
    """The block of decoded ``data``: type, size, dimensions or duration, sha256; and whether it lies."""
    found = binary.facts(data[: 1 << 20])
    digest = hashlib.sha256(data).hexdigest()
    problem = ""
    if found.mime and kind in ("image", "audio") and mime and not binary.same_kind(mime, found.mime):
        problem = f"! says {mime}, bytes look like {found.name}"
    parts = [kind, mime or found.mime or "?"]
    if problem:
        parts.append(problem)
    if found.detail:
        parts.append(found.detail)
    parts += [figures.long_size(len(data)), f"sha256 {digest[:4]}…{digest[-2:]}"]
    if kind == "blob" and data[:8].isascii() and data[:8].decode("ascii").isprintable() and data:
        parts.append(f'"{data[:8].decode("ascii")}"')
    return Block(line, kind, mime or found.mime, "  ".join(parts), problem, len(data), digest)
