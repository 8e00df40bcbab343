"""Heads that a parser took before, by their exact bytes: the same bytes mean the same, without parsing again.

What a client sends repeats from call to call, and most of what a call costs is its head. Only heads whose
message came whole with one read, framed by its length, are kept; anything else is the parser's every time.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Head = TypeVar("Head")

LARGEST_HEAD_BYTES = 2048
KEPT_HEADS = 512
_END = b"\r\n\r\n"


class KnownHeads(Generic[Head]):
    """Bounded: a full one begins anew."""

    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[Head, int]] = {}

    def __repr__(self) -> str:
        return f"<KnownHeads {len(self._heads)}>"

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """Head and body of ``data``, which is one whole message and nothing else, with a known head."""
        end = data.find(_END, 0, LARGEST_HEAD_BYTES) + 4
        found = self._heads.get(data[:end])
        if found is None or len(data) != end + found[1]:
            return None
        return found[0], data[end:]

    def learn(self, data: bytes, head: Head, body_bytes: int) -> None:
        """The parser found ``head`` and so many bytes of body in ``data``, and nothing else in it."""
        end = data.find(_END, 0, LARGEST_HEAD_BYTES) + 4
        # A parser that saw the head end elsewhere read something else than this would.
        if end > 3 and len(data) == end + body_bytes:
            if len(self._heads) >= KEPT_HEADS:
                self._heads.clear()
            self._heads[data[:end]] = (head, body_bytes)
