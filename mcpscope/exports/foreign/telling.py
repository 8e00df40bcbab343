"""One session of another program told as lines of ``store.jsonl``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from mcpscope.store.jsonl import FORMAT, VERSION, line

MS = 1_000_000
_LAST_NS = 1 << 62


class Telling:
    """Gathers what a file says, in any order; ``lines`` gives it in that of time. Times are unix ns."""

    def __init__(self, program: str, **facts: Any) -> None:
        self.facts: dict[str, Any] = {"version": program, **facts}
        self._told: list[tuple[int, int, dict[str, Any], bytes | None]] = []
        self._heads: list[dict[str, Any]] = []
        self.messages = 0

    def __repr__(self) -> str:
        return f"<Telling {self.messages} messages>"

    def message(self, at: int, dir: str, raw: bytes, **more: Any) -> None:
        """A message and the way it went: c2s or s2c."""
        self.messages += 1
        self._add(at, {"dir": dir, **more}, raw)

    def note(self, at: int, kind: str, text: str) -> None:
        self._add(at, {"note": kind}, text.encode("utf-8", "surrogatepass"))

    def stream(self, at: int, head: dict[str, Any]) -> int:
        """An HTTP request; returns the number that its messages and its end name."""
        said = {"stream": len(self._heads) + 1, "open": head}
        self._heads.append(said)
        self._add(at, said)
        return len(self._heads)

    def answered(self, stream: int, facts: dict[str, Any]) -> None:
        """The head of the answer of a stream."""
        self._heads[stream - 1]["facts"] = facts

    def closed(self, at: int, stream: int, end: dict[str, Any]) -> None:
        self._add(at, {"stream": stream, "close": end})

    def lines(self) -> Iterator[bytes]:
        """Header, lines, end."""
        self._told.sort(key=lambda told: told[:2])
        began = self._told[0][0] if self._told else 0
        facts = {name: value for name, value in self.facts.items() if value not in (None, "", [])}
        ended = self._told[-1][0] if self._told else began
        head = {"started_at": began, "ended_at": ended, "end_reason": "imported", "uid": self._uid(), **facts}
        yield line({"format": FORMAT, "version": VERSION, "session": head})
        for at, _, said, raw in self._told:
            yield line({"at": at - began, **said}, message=raw)
        yield line({"end": {"messages": self.messages, "masked": 0}})

    def _uid(self) -> str:
        """The same for the same conversation, whatever file it comes from."""
        digest = hashlib.blake2b(digest_size=8)
        for at, _, _, raw in self._told:
            digest.update(b"%d " % at + (raw or b""))
        return f"foreign-{digest.hexdigest()}"

    def _add(self, at: int, said: dict[str, Any], raw: bytes | None = None) -> None:
        self._told.append((at, len(self._told), said, raw))


def spelled(body: Any) -> bytes:
    """A body that a file has as JSON and not as bytes."""
    try:
        return orjson.dumps(body)
    except TypeError:  # an integer of more than 64 bits
        import json

        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def nanoseconds(text: Any) -> int | None:
    """Unix ns of a time in ISO 8601 (nanoseconds and Z included), or of unix seconds; None for all else."""
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text < 1 << 33:
        return round(text * 1e6) * 1000
    if not isinstance(text, str):
        return None
    whole, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    try:
        moment = datetime.fromisoformat(whole + rest[len(digits) :].replace("Z", "+00:00") if dot else text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    found = int(moment.timestamp()) * 1_000_000_000 + int(digits[:9].ljust(9, "0") or 0)
    return found if 0 <= found < _LAST_NS else None
