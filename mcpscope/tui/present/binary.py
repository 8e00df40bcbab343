"""What bytes are, read from their first bytes: kind, dimensions, duration; no imaging library."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """``mime`` as the bytes say (``""``: unknown), and what the header tells: ``640x480``."""

    mime: str
    name: str
    detail: str = ""


_SIGNS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png", "PNG"),
    (b"\xff\xd8\xff", "image/jpeg", "JPEG"),
    (b"GIF8", "image/gif", "GIF"),
    (b"BM", "image/bmp", "BMP"),
    (b"fLaC", "audio/flac", "FLAC"),
    (b"OggS", "audio/ogg", "Ogg"),
    (b"ID3", "audio/mpeg", "MP3"),
    (b"\xff\xfb", "audio/mpeg", "MP3"),
    (b"\xff\xf3", "audio/mpeg", "MP3"),
    (b"%PDF-", "application/pdf", "PDF"),
    (b"PK\x03\x04", "application/zip", "ZIP"),
    (b"\x1f\x8b", "application/gzip", "gzip"),
)


def facts(data: bytes) -> Facts:
    """What ``data`` is; never fails, an unknown or broken header has no detail."""
    try:
        return _facts(data)
    except (struct.error, IndexError, ZeroDivisionError):
        return Facts(*_sniff(data))


def _sniff(data: bytes) -> tuple[str, str]:
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav", "WAV"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", "WebP"
    for sign, mime, name in _SIGNS:
        if data.startswith(sign):
            return mime, name
    if data.lstrip()[:5] in (b"<svg ", b"<?xml"):
        return "image/svg+xml", "SVG"
    return "", ""


def _facts(data: bytes) -> Facts:
    mime, name = _sniff(data)
    readers = {
        "PNG": _png,
        "JPEG": _jpeg,
        "GIF": _gif,
        "BMP": _bmp,
        "WebP": _webp,
        "WAV": _wav,
        "FLAC": _flac,
        "Ogg": _ogg,
    }
    reader = readers.get(name)
    return Facts(mime, name, reader(data) if reader else "")


def same_kind(said: str, found: str) -> bool:
    """Whether a declared mime type and the one the bytes show are the same thing."""
    alias = {
        "image/jpg": "image/jpeg",
        "audio/x-wav": "audio/wav",
        "audio/wave": "audio/wav",
        "audio/mp3": "audio/mpeg",
    }
    said = said.partition(";")[0].strip().lower()
    return alias.get(said, said) == found


def _png(data: bytes) -> str:
    wide, high = struct.unpack(">II", data[16:24])
    return f"{wide}x{high}"


def _gif(data: bytes) -> str:
    wide, high = struct.unpack("<HH", data[6:10])
    return f"{wide}x{high}"


def _bmp(data: bytes) -> str:
    wide, high = struct.unpack("<ii", data[18:26])
    return f"{wide}x{abs(high)}"


def _jpeg(data: bytes) -> str:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            high, wide = struct.unpack(">HH", data[at + 5 : at + 9])
            return f"{wide}x{high}"
        if marker in (0xFF, 0x01) or 0xD0 <= marker <= 0xD9:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return ""


def _webp(data: bytes) -> str:
    form = data[12:16]
    if form == b"VP8X":
        wide = int.from_bytes(data[24:27], "little") + 1
        high = int.from_bytes(data[27:30], "little") + 1
    elif form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        wide, high = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    else:
        wide, high = (part & 0x3FFF for part in struct.unpack("<HH", data[26:30]))
    return f"{wide}x{high}"


def _wav(data: bytes) -> str:
    at, channels, rate, per_second = 12, 0, 0, 0
    while at + 8 <= len(data):
        name, length = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        if name == b"fmt ":
            channels, rate, per_second = struct.unpack("<HII", data[at + 10 : at + 20])
        elif name == b"data":
            return f"{_sound(channels, rate)}  {length / per_second:.1f} s"
        at += 8 + length + (length & 1)
    return _sound(channels, rate) if rate else ""


def _flac(data: bytes) -> str:
    bits = int.from_bytes(data[18:26], "big")
    rate, channels, samples = bits >> 44, ((bits >> 41) & 7) + 1, bits & ((1 << 36) - 1)
    return f"{_sound(channels, rate)}  {samples / rate:.1f} s"


def _ogg(data: bytes) -> str:
    at = data.find(b"\x01vorbis", 0, 200)
    if at < 0:
        return ""
    channels, rate = struct.unpack("<BI", data[at + 11 : at + 16])
    return _sound(channels, rate)


def _sound(channels: int, rate: int) -> str:
    return f"{channels} ch {rate / 1000:g} kHz"
