"""A small PNG picture, encoded here: a bar chart, so that the demo has an image to show."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

_PAPER, _INK, _BAR = b"\xfa\xf8\xf2", b"\x40\x48\x58", b"\x3a\x86\xc8"


def bar_chart(values: Sequence[int], *, width: int = 96, height: int = 48) -> bytes:
    """An 8-bit RGB PNG with a bar for each value (0 to 100) over a base line."""
    slot = max(2, width // max(1, len(values)))
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # the filter type of the row: none
        for x in range(width):
            rows += _pixel(x, y, values, slot, height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _pixel(x: int, y: int, values: Sequence[int], slot: int, height: int) -> bytes:
    if y == height - 1:
        return _INK
    bar, inside = divmod(x, slot)
    if bar < len(values) and 0 < inside < slot - 1 and y >= height - 1 - values[bar] * (height - 2) // 100:
        return _BAR
    return _PAPER


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
