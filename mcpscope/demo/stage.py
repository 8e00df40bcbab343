"""What the demo's server and client stand on: a way to send, a way to wait, and the messages they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import orjson

Json = dict[str, Any]
MODERN = "2026-07-28"
LEGACY = "2025-11-25"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"


class Stage(Protocol):
    """The world of one side; virtual time and a real process offer the same."""

    def send(self, line: bytes) -> None:
        """Write one line, newline included, to the other side."""

    def complain(self, text: str) -> None:
        """Write a line of text to standard error."""

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back after so many seconds."""


def request(number: int | str, method: str, params: Json | None = None) -> bytes:
    """A request as one line."""
    return line(
        {"jsonrpc": "2.0", "id": number, "method": method, **({} if params is None else {"params": params})}
    )


def notification(method: str, params: Json | None = None) -> bytes:
    """A notification as one line."""
    return line({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})})


def result(number: Any, found: Json) -> bytes:
    """A successful answer as one line."""
    return line({"jsonrpc": "2.0", "id": number, "result": found})


def error(number: Any, code: int, message: str) -> bytes:
    """An error answer as one line."""
    return line({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}})


def line(message: Json) -> bytes:
    """Compact JSON and a newline."""
    return orjson.dumps(message) + b"\n"
