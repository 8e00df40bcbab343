"""One JSON-RPC message as it crossed the wire: its exact bytes, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Direction(StrEnum):
    """Which way a message travels; the values are the filter language's words."""

    TO_SERVER = "c2s"
    TO_CLIENT = "s2c"

    @property
    def other(self) -> Direction:
        return Direction.TO_CLIENT if self is Direction.TO_SERVER else Direction.TO_SERVER


class Kind(StrEnum):
    """What a message is, by the members it has. ``BATCH`` is an array (2025-03-26 only)."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESULT = "result"
    ERROR = "error"
    BATCH = "batch"
    MALFORMED = "malformed"


RpcId = str | int | float | bool | None


@dataclass(
    slots=True
)  # not frozen, which would cost a microsecond a message; all the same nobody changes one
class Message:
    """A parsed frame. ``raw`` is what was received and what is forwarded, without its line end.

    ``id`` keeps the JSON type (1, "1" and 1.0 are three ids); ``has_id`` tells ``null`` from absent.
    ``body`` is the decoded object, ``{}`` for what is not an object; ``items`` are the elements of a batch.
    ``problems`` are the marks of the parser (words of protocol.parsing), empty for a clean message.
    """

    raw: bytes
    kind: Kind
    body: dict[str, Any]
    method: str = ""
    id: RpcId = None
    has_id: bool = False
    items: tuple[Message, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def params(self) -> dict[str, Any]:
        """``params`` where it is an object, else ``{}``."""
        found = self.body.get("params")
        return found if isinstance(found, dict) else {}

    @property
    def meta(self) -> dict[str, Any]:
        """``_meta`` of params or result, else ``{}``."""
        holder = self.body.get("params") if self.method else self.body.get("result")
        found = holder.get("_meta") if isinstance(holder, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def result(self) -> Any:
        return self.body.get("result")

    @property
    def error(self) -> dict[str, Any]:
        """``error`` where it is an object, else ``{}``."""
        found = self.body.get("error")
        return found if isinstance(found, dict) else {}

    @property
    def is_answer(self) -> bool:
        return self.kind in (Kind.RESULT, Kind.ERROR)
