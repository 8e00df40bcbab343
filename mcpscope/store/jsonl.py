"""The portable form of a session: JSON Lines, one message a line, made to be read in a diff.

The first line is a header (``format``, ``version``, ``session``, and what reviews settled: ``masks`` and
``maps``), the last an ``end`` with counts, so that a cut file is noticed; sessions may follow each other in a
file, each from its header to its end. Members of our own are sorted; ``at`` is nanoseconds since the start of
the session. The bytes of a message stand in ``message`` as they were; where they are not one line of JSON, in
``text``; where they are not UTF-8 either, in ``base64``.

In the steady form (``steady`` in the header) nothing tells the time: lines follow each other, and an outcome
is about the last message, or the one as many messages before it as ``back`` says.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from mcpscope.engine.spans import slots
from mcpscope.errors import Exit, ScopeError
from mcpscope.text import json_text, safe

FORMAT = "mcpscope"
VERSION = 2
"""Since 2, sessions may follow each other in one file."""
READABLE = (1, 2)
SUFFIX = ".mcpscope.jsonl"
STEADY = "steady"

_HEADER = b'{"format":"%b"' % FORMAT.encode()
_BRACKETS = {b"{": b"}", b"[": b"]"}
_PLACES = {"message": ("message", "text", "base64"), "sent": ("sent", "sent_text", "sent_base64")}


def line(members: dict[str, Any], **payloads: bytes | None) -> bytes:
    """One line with its line end: ``members`` and, under ``message`` or ``sent``, bytes as they are."""
    return _line(members, payloads, shown=False)


def shown_line(members: dict[str, Any], **payloads: bytes | None) -> bytes:
    """The same for a terminal: bytes with a character that it could obey or hide stand in base64."""
    return _line(members, payloads, shown=True)


def _line(members: dict[str, Any], payloads: dict[str, bytes | None], *, shown: bool) -> bytes:
    spell = _shown_json if shown else _json
    parts = {name: spell(value) for name, value in members.items() if value is not None}
    for place, raw in payloads.items():
        if raw is not None:
            name, text = _spelled(place, raw, spell, shown=shown)
            parts[name] = text
    body = b",".join(b"%b:%b" % (_json(name), parts[name]) for name in sorted(parts))
    return b"{%b}\n" % body


def _spelled(place: str, raw: bytes, spell: Callable[[Any], bytes], *, shown: bool) -> tuple[str, bytes]:
    """The member's name and value for bytes: verbatim JSON, a string, or base64."""
    verbatim, text, coded = _PLACES[place]
    if is_one_line(raw) and not (shown and _is_hidden(raw)):
        return verbatim, raw
    try:
        if not is_one_line(raw):
            return text, spell(raw.decode())
    except UnicodeDecodeError:
        pass
    return coded, _json(base64.b64encode(raw).decode())


def _is_hidden(raw: bytes) -> bool:
    text = raw.decode()
    return safe(text) != text


def is_one_line(raw: bytes) -> bool:
    """Whether ``raw`` can stand inside a line as it is and be found in it again."""
    if _BRACKETS.get(raw[:1], b"-") != raw[-1:] or b"\n" in raw or b"\r" in raw:
        return False
    try:
        orjson.loads(b'{"m":%b}' % raw)
    except orjson.JSONDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says: the session's facts, whether its lines tell no times, and all of it."""

    session: dict[str, Any]
    steady: bool
    said: dict[str, Any]


def read_header(source: Iterator[bytes]) -> Header:
    """The first line; raises ScopeError where there is no such line."""
    first = next(source, b"")
    try:
        said = orjson.loads(first)
    except orjson.JSONDecodeError:
        said = None
    if (
        not isinstance(said, dict)
        or said.get("format") != FORMAT
        or not isinstance(said.get("session"), dict)
    ):
        raise ScopeError(
            "this is not a recording of mcpscope: its first line is no header",
            code="bad_recording",
            exit=Exit.STORE,
            hint="mcpscope export RECORDING --format jsonl writes one; import --help names what else is read",
        )
    if said.get("version") not in READABLE:
        raise ScopeError(
            f"this recording has format {said.get('version')!r}, this mcpscope knows up to {VERSION}",
            code="bad_recording",
            exit=Exit.STORE,
            hint="upgrade mcpscope",
        )
    return Header(said["session"], said.get(STEADY) is True, said)


def sessions_in(source: Iterable[bytes]) -> Iterator[Iterator[bytes]]:
    """The lines of each session in a file; one must be read to its end before the next is asked for."""
    lines = iter(source)
    first = next(lines, b"")
    while True:
        part = _Part(first, lines)
        yield iter(part)
        for _ in part:
            pass
        if not part.following:
            return
        first = part.following


class _Part:
    """The lines of one session; ``following`` is the header behind it, b"" at the end of the file."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self.following = b""
        self._lines = self._read(first, rest)

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def _read(self, first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        yield first
        for raw in rest:
            if raw.startswith(_HEADER):
                self.following = raw
                return
            yield raw


class Line:
    """A line read back. Raises ScopeError for what is not an object of JSON."""

    __slots__ = ("_number", "_raw", "said")

    def __init__(self, raw: bytes, number: int) -> None:
        self._raw = raw
        self._number = number
        try:
            said = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise bad_line(number, f"this is not JSON ({error})") from None
        if not isinstance(said, dict):
            raise bad_line(number, "this is not an object")
        self.said: dict[str, Any] = said

    def payload(self, place: str) -> bytes | None:
        """The bytes under ``place``, however they are spelled; None where there are none."""
        verbatim, text, coded = _PLACES[place]
        if isinstance(self.said.get(coded), str):
            try:
                return base64.b64decode(self.said[coded], validate=True)
            except ValueError:
                raise bad_line(self._number, f"{coded} is not base64") from None
        if isinstance(self.said.get(text), str):
            return str(self.said[text]).encode("utf-8", "surrogatepass")
        for slot in slots(self._raw, 0) if verbatim in self.said else ():
            if slot.key == verbatim:
                return self._raw[slot.value : slot.end]
        return None


def bad_line(number: int, what: str) -> ScopeError:
    return ScopeError(
        f"line {number}: {what}",
        code="bad_recording",
        exit=Exit.STORE,
        hint="the file is complete up to that line",
    )


def _shown_json(value: Any) -> bytes:
    return json_text(value, sort_keys=True).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode(
        "utf-8", "surrogatepass"
    )
