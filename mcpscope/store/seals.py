"""The chain over a session under a policy: what a seal covers, and how it is bound to the one before it.

Each commit of the recorder adds one seal a session: an entry for every row it wrote, and a keyed digest over
these entries and the seal before. The first seal says which session it is, the last that it is over. Rows
are digested as the database gives them back, so that whoever has the key can do it again.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from zlib import crc32

OPEN, ROWS, CLOSE, REMOVED = "open", "rows", "close", "removed"
KEY_PURPOSE = "audit"
DIGEST_BYTES = 12
PEOPLES_FLAGS = frozenset({"note", "*"})  # people write them on an exchange when all is over

# What a row of each kind is, but for its id, its place and what it holds in bytes.
FIELDS: dict[str, tuple[str, ...]] = {
    "message": (
        *("exchange_id", "at", "dir", "stream", "kind", "method", "rpc_id", "size", "kept", "sha256"),
        *("marks", "origin"),
    ),
    "outcome": ("outcome", "actor", "rule", "at", "waited_ns", "detail"),
    "note": ("at", "kind", "detail"),
    "definition": ("at", "kind", "name", "digest"),
    "exchange": (
        *("kind", "dir", "method", "tool", "name", "rpc_id", "status", "code", "opened_at", "ended_at"),
        *("dur_ns", "request_id", "answer_id", "req_bytes", "res_bytes", "flags", "parent_id", "legs"),
        *("summary", "stream"),
    ),
    "fate": ("fate",),
    "stream": ("opened_at", "closed_at", "open", "facts", "close"),
    "session": (
        *("uid", "journal", "number", "label", "command", "url", "client_transport", "server_transport"),
        *("client_name", "client_version", "server_name", "server_version", "revision", "era", "pid"),
        *("version", "started_at", "last_at", "ended_at", "end_reason", "exit_code", "record_mode"),
        *("lost_messages", "lost_bytes", "gaps", "messages", "exchanges", "bytes", "detail"),
    ),
}
BODY = {"message": "body", "outcome": "bytes sent", "note": "text", "definition": "body"}
_KINDS = tuple(FIELDS)
_SIGNS = {kind: number for number, kind in enumerate(_KINDS)}
_HEAD = struct.Struct(f"<Bq{DIGEST_BYTES}s{DIGEST_BYTES}s")
_LINK = struct.Struct("<qqq")
_INT64 = 1 << 63


class Entry(NamedTuple):
    """One row as sealed. ``hints`` have a byte for every field, to say which of them is another now."""

    kind: str
    id: int
    facts: bytes
    body: bytes
    hints: bytes


def entry(key: bytes, kind: str, id: int, values: Sequence[Any], body: bytes | None = None) -> Entry:
    """The entry of a row: ``values`` in the order of FIELDS, ``body`` what it holds in bytes."""
    spelled = [_spelled(value) for value in values]
    facts = hashlib.blake2b(b"\0".join(spelled), key=key, digest_size=DIGEST_BYTES, person=b"facts").digest()
    held = b"none" if body is None else b"some" + body
    digest = hashlib.blake2b(held, key=key, digest_size=DIGEST_BYTES, person=b"body").digest()
    return Entry(kind, id, facts, digest, bytes(crc32(text) & 0xFF for text in spelled))


def packed(found: Entry) -> bytes:
    """As it lies in a seal."""
    return _HEAD.pack(_SIGNS[found.kind], found.id, found.facts, found.body) + found.hints


def unpacked(data: bytes) -> Iterator[Entry]:
    """``packed`` entries one after the other; ends early where they make no sense."""
    at = 0
    while at + _HEAD.size <= len(data):
        sign, id, facts, body = _HEAD.unpack_from(data, at)
        if sign >= len(_KINDS):
            return
        kind = _KINDS[sign]
        at += _HEAD.size
        end = at + len(FIELDS[kind])
        yield Entry(kind, id, facts, body, data[at:end])
        at = end


def linked(key: bytes, before: bytes, kind: str, link: tuple[int, int, int], entries: bytes) -> bytes:
    """The digest of a seal; ``link`` is its number, its time and the count of all entries up to it."""
    digest = hmac.new(key, before, hashlib.sha256)
    digest.update(kind.encode() + b"\0" + _LINK.pack(*link))
    digest.update(entries)
    return digest.digest()


def key_id(key: bytes) -> str:
    """Which key it is, without saying the key."""
    return hmac.new(key, b"id", hashlib.sha256).hexdigest()[:8]


def own_flags(flags: Any) -> Any:
    """The flags of an exchange that nobody but the recorder writes."""
    if not flags:
        return None
    if not isinstance(flags, str):
        return flags  # no recorder of ours wrote that
    return " ".join(word for word in flags.split() if word not in PEOPLES_FLAGS) or None


def _spelled(value: Any) -> bytes:
    """A value as SQLite gives it back, unmistakably."""
    if value is None:
        return b"-"
    if isinstance(value, bytes | memoryview):
        return b"b" + bytes(value)
    if isinstance(value, str):
        return b"t" + value.encode("utf-8", "backslashreplace")
    if isinstance(value, float) and value.is_integer() and abs(value) < _INT64:
        value = int(value)
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        value = float(value)
    return b"n" + repr(value + 0).encode()


def as_bytes(value: Any) -> bytes:
    """A value as bytes, also where a column for bytes holds something else now."""
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else repr(value).encode()
