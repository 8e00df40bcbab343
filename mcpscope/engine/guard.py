"""What no edit may change: a message's id, its kind, and ``requestState`` unless it was unlocked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mcpscope.engine import patch, spans
from mcpscope.engine.patch import PatchError
from mcpscope.engine.rewrite import rewrite
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse

_STATES = (("params", "requestState"), ("result", "requestState"))


def edited(message: Message, operations: Iterable[Mapping[str, Any]], *, unlock: bool = False) -> Message:
    """``message`` after a JSON Patch; raises PatchError where it cannot be made or is not allowed."""
    return checked(message, patch.apply(_readable(message), operations), unlock=unlock)


def rewritten(message: Message, path: patch.Pointer, text: str, *, unlock: bool = False) -> Message:
    """``message`` with ``text`` at ``path``; the same object where it says nothing new."""
    raw = rewrite(_readable(message), path, text)
    return message if raw == message.raw else checked(message, raw, unlock=unlock)


def checked(old: Message, raw: bytes, *, unlock: bool = False) -> Message:
    """``raw`` as the message that takes the place of ``old``; raises PatchError."""
    new = parse(spans.compact(raw) if b"\n" in raw or b"\r" in raw else raw)
    if new.kind is not old.kind:
        raise PatchError(f"an edit cannot make a {new.kind.value} of a {old.kind.value}")
    if _text(old.raw, ("id",)) != _text(new.raw, ("id",)):
        raise PatchError("an edit cannot change the id")
    if not unlock:
        for path in _STATES:
            if _text(old.raw, path) != _text(new.raw, path):
                raise PatchError("requestState belongs to the server; unlock it to change it")
    return new


def _readable(message: Message) -> bytes:
    if message.kind in (Kind.MALFORMED, Kind.BATCH):
        raise PatchError(f"a {message.kind.value} message cannot be edited")
    return message.raw


def _text(raw: bytes, path: patch.Pointer) -> bytes | None:
    there = spans.find(raw, path)
    return None if there is None else raw[there[0] : there[1]]
