"""Echoes: values the server minted that a later request repeats, and what a live server gives instead.

The rules are those of mcp-wire.md 11: certain members always map; any other value maps only where it is
opaque and no client message held it before the server sent it. A value that nobody repeats is no echo: where
it differs between two runs, that is a difference and not our business to hide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mcpscope.replay.align import pairs_of
from mcpscope.replay.embedded import document_in
from mcpscope.replay.json_paths import Path

_CERTAIN = frozenset({"nextCursor", "requestState", "taskId", "elicitationId", "toolUseId", "uri"})
_ID_KEY = re.compile(
    r"(?:^|[_-])(?:id|ids|handle|token|cursor|key|ref)$|[a-z](?:Id|Ids|Handle|Token|Key|Ref)$", re.I
)
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,}")
_NUMBERED = re.compile(r"(?i)\b(?:id|handle|number|row|key|ref)\b\W{0,4}(\d+)\b")
_NEVER = frozenset({"method", "protocolVersion"})
MIN_OPAQUE_CHARS = 8
Scalar = str | int


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Scalar]]:
    """Every string and integer of a document with its place; documents inside texts are opened, too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    elif isinstance(value, str):
        yield path, value
        if (inner := document_in(value)) is not None:
            yield from leaves(inner, path)
        elif path and path[-1] == "text":
            yield from _tokens(value, path)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value


def is_mintable(path: Path, value: Scalar) -> bool:
    """Whether a value at this place may be one that the server made up for this run."""
    key = _key(path)
    if key in _NEVER:
        return False
    if key in _CERTAIN:
        return True
    if isinstance(value, int):
        return bool(_ID_KEY.search(key)) or key == "text"
    return _opaque(value) or (bool(_ID_KEY.search(key)) and value.isdigit())


class Echoes:
    """Which values of a recording are echoes, and what the live server gave in their place."""

    def __init__(self) -> None:
        self.known: dict[Scalar, Path] = {}
        self.live: dict[Scalar, Scalar] = {}
        self._said: set[Scalar] = set()
        self._minted: dict[Scalar, Path] = {}

    def __repr__(self) -> str:
        return f"<Echoes known={len(self.known)} mapped={len(self.live)}>"

    # -- the recording, read once in its order -----------------------------------------------------------

    def server_said(self, body: dict[str, Any]) -> None:
        """Note what a recorded server message brings into the world."""
        for path, value in leaves(_told(body)):
            if value not in self._said and is_mintable(path, value):
                self._minted.setdefault(value, path)

    def client_said(self, body: dict[str, Any]) -> None:
        """Note what a recorded client message repeats (an echo), and what it brought itself."""
        for path, value in leaves(body.get("params", body.get("result"))):
            for candidate in (value, *_parts(value)):
                if candidate in self._minted and _may_echo(path, candidate, self._minted[candidate]):
                    self.known.setdefault(candidate, self._minted[candidate])
                else:
                    self._said.add(candidate)

    # -- the run -------------------------------------------------------------------------------------------

    def learn(self, was: dict[str, Any], now: dict[str, Any]) -> dict[Scalar, Scalar]:
        """Walk a recorded and a live server message together; returns the mappings found new."""
        found: dict[Scalar, Scalar] = {}
        for old, new in _both(_told(was), _told(now), ()):
            if old in self.known and self.live.get(old) != new:
                self.live[old] = found[old] = new
        return found

    def unmapped(self, body: dict[str, Any]) -> list[Scalar]:
        """Echoes in a recorded client message for which the live server has given nothing yet."""
        return [
            value for _, value in leaves(body.get("params")) if value in self.known and value not in self.live
        ]

    def is_same(self, path: Path, was: Any, now: Any) -> bool:
        """Whether ``now`` is what the live server minted in the place of ``was``."""
        if isinstance(was, str | int) and was in self.known and self.live.get(was) == now:
            return True
        return isinstance(was, str) and isinstance(now, str) and bool(self.live) and self._in_text(was) == now

    def substitute(self, value: Any, path: Path = ()) -> Any:
        """A copy of recorded params with live values in the place of echoes."""
        if isinstance(value, dict):
            return {
                key: item
                if key in ("name", "method") and len(path) < 1
                else self.substitute(item, (*path, key))
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.substitute(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, bool) or not isinstance(value, str | int):
            return value
        if value in self.live and _may_echo(path, value, self.known[value]):
            return self.live[value]
        return self._in_text(value) if isinstance(value, str) else value

    def _in_text(self, text: str) -> str:
        def live(match: re.Match[str]) -> str:
            return str(self.live.get(match[0], match[0]))

        return _TOKEN.sub(live, text) if self.live else text


def _told(body: dict[str, Any]) -> Any:
    return body.get("result", body.get("error", body.get("params")))


def _key(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _opaque(value: str) -> bool:
    return (
        len(value) >= MIN_OPAQUE_CHARS
        and _TOKEN.fullmatch(value) is not None
        and any(char.isdigit() for char in value)
    )


def _may_echo(path: Path, value: Scalar, source: Path) -> bool:
    """Numbers are repeated everywhere by accident: they echo only under a name that speaks of identity."""
    if isinstance(value, int):
        return bool(_ID_KEY.search(_key(path)))
    return _key(path) not in _NEVER


def _parts(value: Scalar) -> list[str]:
    return _TOKEN.findall(value) if isinstance(value, str) and not _TOKEN.fullmatch(value) else []


def _tokens(text: str, path: Path) -> Iterator[tuple[Path, Scalar]]:
    for token in _TOKEN.findall(text):
        if _opaque(token):
            yield path, token
    for number in _NUMBERED.findall(text):
        yield path, int(number)


def _both(was: Any, now: Any, path: Path) -> Iterator[tuple[Scalar, Scalar]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in was.keys() & now.keys():
            yield from _both(was[key], now[key], (*path, key))
    elif isinstance(was, list) and isinstance(now, list):
        for old, new in pairs_of(("result", *path), was, now)[0]:
            if old is not None and new is not None:
                yield from _both(was[old], now[new], (*path, old))
    elif isinstance(was, str) and isinstance(now, str):
        yield was, now
        yield from _inside(was, now, path)
    elif isinstance(was, int) and isinstance(now, int) and not isinstance(was, bool):
        yield was, now


def _inside(was: str, now: str, path: Path) -> Iterator[tuple[Scalar, Scalar]]:
    inner_was, inner_now = document_in(was), document_in(now)
    if inner_was is not None and inner_now is not None:
        yield from _both(inner_was, inner_now, path)
        return
    for pattern, kind in ((_TOKEN, str), (_NUMBERED, int)):
        old, new = pattern.findall(was), pattern.findall(now)
        if len(old) == len(new) and old != [was]:  # a token as a whole is mapped as a whole
            yield from zip(map(kind, old), map(kind, new), strict=True)
