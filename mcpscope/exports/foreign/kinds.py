"""Which program wrote a file, by what stands in it; its name does not matter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from mcpscope.exports.foreign import har, inspector, mcpsnoop, recorders
from mcpscope.exports.foreign.telling import Telling
from mcpscope.store.jsonl import FORMAT

_BOM = b"\xef\xbb\xbf"


class Opened:
    """A file to import: ``lines`` where it is one of ours (or nobody's), else the ``tellings`` in it."""

    def __init__(self, source: BinaryIO) -> None:
        first = source.readline()
        self.tellings: list[Telling] | None = None
        self._rest: BinaryIO | None = source
        self._first = first
        if not _is_ours(first):
            whole = (first + source.read()).removeprefix(_BOM)
            self._rest, self._first = None, whole
            found = _recognised(whole)
            self.tellings = None if found is None else [one for one in found if one.messages]

    def __repr__(self) -> str:
        return f"<Opened {'ours' if self.tellings is None else self.tellings}>"

    def lines(self) -> Iterator[bytes]:
        if self._rest is None:
            yield from self._first.splitlines(keepends=True)
            return
        yield self._first
        yield from self._rest


def _is_ours(first: bytes) -> bool:
    said = _json(first)
    return isinstance(said, dict) and said.get("format") == FORMAT


def _recognised(whole: bytes) -> Iterator[Telling] | None:
    data = _json(whole)
    if isinstance(data, dict):
        return _of_object(data) or _of_lines(whole)
    if isinstance(data, list):
        return _of_list([one for one in data if isinstance(one, dict)])
    return _of_lines(whole)


def _of_object(data: dict[str, Any]) -> Iterator[Telling] | None:
    log = data.get("log")
    if isinstance(log, dict) and isinstance(log.get("entries"), list):
        return har.tellings(data)
    if isinstance(data.get("interactions"), list):
        return recorders.of_cassette(data)
    if isinstance(data.get("events"), list) and "session" in data:
        return mcpsnoop.of_export(data)
    return None


def _of_list(entries: list[dict[str, Any]]) -> Iterator[Telling] | None:
    if any("message" in one and "direction" in one for one in entries):
        return inspector.of_protocol(entries)
    if any("requestHeaders" in one and "url" in one for one in entries):
        return inspector.of_network(entries)
    return None


def _of_lines(whole: bytes) -> Iterator[Telling] | None:
    """A file with an object a line; a line that is none (the last one of a killed program) is passed over."""
    lines = [(raw, said) for raw in whole.splitlines() if isinstance(said := _json(raw), dict)]
    first = lines[0][1] if lines else {}
    if "session_id" in first and "direction" in first:
        return mcpsnoop.of_log(lines)
    if first.get("type") == "summary" or {"seq", "t", "dir"} <= set(first):
        return recorders.of_log(lines)
    return None


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(raw)  # what only Python takes: NaN, lone surrogates, long integers
    except (ValueError, RecursionError):
        return None
