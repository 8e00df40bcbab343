"""The steady form of a recording: lines in which two recordings of the same conversation are alike.

Made for recordings that are kept in git and recorded again. What the clock, the machine and chance said is
left out or counted: times, process and session ids, dates in headers, and in messages what a protocol calls
minted, as well as UUIDs. A value has the same stand-in wherever it stands, so that the recording replays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mcpscope.store.jsonl import STEADY
from mcpscope.store.writing_out import Mask

_CHANCE = frozenset(
    {
        "uid", "pid", "number", "started_at", "started_at_ns", "ended_at", "last_at", "peer", "first_byte_at",
        "last_byte_at", "waited_ns",
    }
)  # fmt: skip
_CHANCE_HEADERS = frozenset(
    {
        "age", "cf-ray", "content-length", "date", "last-event-id", "request-id", "server-timing",
        "traceparent", "tracestate", "x-request-id",
    }
)  # fmt: skip
_MINTED = (
    "cursor",
    "elicitationId",
    "nextCursor",
    "requestState",
    "taskId",
    "mcp-session-id",
    "mcp_session_id",
)
_TIMES = ("createdAt", "lastUpdatedAt")
_SHARED = {"nextCursor": "cursor", "mcp_session_id": "mcp-session-id"}
_A_TIME = b"2000-01-01T00:00:00Z"
_STRING = rb'((?:[^"\\]|\\.)+)'
_MEMBER = re.compile(rb'("(?:%b)"\s*:\s*)"%b"' % ("|".join(_MINTED).encode(), _STRING))
_NAME = re.compile(rb'"([\w-]+)"')
_TIME = re.compile(rb'("(?:%b)"\s*:\s*)"%b"' % ("|".join(_TIMES).encode(), _STRING))
_RANDOM = re.compile(
    rb"(?<![0-9A-Za-z])(?:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    rb"|(?=[a-f]*[0-9])[0-9a-f]{32})(?![0-9A-Za-z])",
    re.IGNORECASE,
)


class Steady:
    """One export: a mask over another one, and the maker of lines without times."""

    def __init__(self, mask: Mask, make_line: Callable[..., bytes]) -> None:
        self._mask = mask
        self._make = make_line
        self._known: dict[tuple[str, bytes], bytes] = {}
        self._counts: dict[str, int] = {}
        self._places: dict[int, int] = {}
        self._count = 0

    @property
    def count(self) -> int:
        return self._mask.count

    def message(self, raw: bytes) -> bytes:
        """The bytes of a message with stand-ins for what was minted."""
        found = _MEMBER.sub(self._minted, self._mask.message(raw))
        found = _TIME.sub(rb'\1"%b"' % _A_TIME, found)
        return _RANDOM.sub(self._random, found)

    def text(self, text: str) -> str:
        masked = self._mask.text(text).encode("utf-8", "surrogatepass")
        return _RANDOM.sub(self._random, masked).decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        return self._without_chance(self._mask.value(value))

    def line(self, said: dict[str, Any], **payloads: bytes | None) -> bytes:
        """A line of ``store.jsonl``. An outcome says how many messages back its own is, if not the last."""
        said = dict(said)
        if "format" in said:
            said["session"] = self._without_chance(said["session"])
            return self._make({**said, STEADY: True}, **payloads)
        if "dir" in said:
            self._places.setdefault(
                said["at"], self._count
            )  # an answer of ours has the time of what it answers
            self._count += 1
        if "of" in said:
            back = self._count - 1 - self._places.get(said.pop("of"), self._count - 1)
            said["back"] = back or None
        for name in ("at", *_CHANCE):
            said.pop(name, None)
        return self._make(said, **payloads)

    def _without_chance(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._member(key, item) for key, item in value.items() if key not in _CHANCE}
        if isinstance(value, list):
            return [self._without_chance(item) for item in value if not _is_header_of_chance(item)]
        return self.text(value) if isinstance(value, str) else value

    def _member(self, key: str, value: Any) -> Any:
        if key in _MINTED and isinstance(value, str):
            return self._stand_in(key, value.encode()).decode()
        return self._without_chance(value)

    def _minted(self, found: re.Match[bytes]) -> bytes:
        name = _NAME.match(found[1])
        key = name[1].decode() if name else ""
        if _RANDOM.fullmatch(found[2]):
            return found[0]
        return found[1] + b'"' + self._stand_in(key, found[2]) + b'"'

    def _stand_in(self, key: str, value: bytes) -> bytes:
        if random := _RANDOM.fullmatch(value):
            return self._random(random)
        key = _SHARED.get(key, key)
        return self._numbered(key, value, lambda number: f"{key}-{number}")

    def _random(self, found: re.Match[bytes]) -> bytes:
        value = found[0]
        if b"-" in value:
            return self._numbered("uuid", value.lower(), lambda n: f"00000000-0000-4000-8000-{n:012}")
        return self._numbered("hex", value.lower(), lambda n: f"{n:032}")

    def _numbered(self, key: str, value: bytes, spell: Callable[[int], str]) -> bytes:
        if (key, value) not in self._known:
            self._counts[key] = self._counts.get(key, 0) + 1
            self._known[key, value] = spell(self._counts[key]).encode()
        return self._known[key, value]


def _is_header_of_chance(item: Any) -> bool:
    return (
        isinstance(item, list)
        and len(item) == 2
        and isinstance(item[0], str)
        and item[0].lower() in _CHANCE_HEADERS
    )
