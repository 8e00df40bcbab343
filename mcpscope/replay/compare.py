"""Two answers to the same request: where they differ, and how much each difference matters.

The levels are those of mcp-wire.md 11: an *error* changes what a caller must do, a *warning* what a model
reads, an *info* neither. Key order never counts, array order does except in lists of named definitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from mcpscope.replay.align import pairs_of
from mcpscope.replay.embedded import document_in
from mcpscope.replay.json_paths import Mask, Path, show
from mcpscope.replay.likeness import MASKED

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "(nothing)", "__slots__": ()})()


class Level(IntEnum):
    """How much a difference matters."""

    INFO = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two answers differ. ``was``/``now`` are JSON values or MISSING."""

    path: Path
    level: Level
    was: Any
    now: Any
    why: str

    @property
    def where(self) -> str:
        return show(self.path)


Same = Callable[[Path, Any, Any], bool]
"""Whether two scalars are the same value under the mapping of minted values."""

# Members that may differ between any two runs of one server: minted, or bound to time (mcp-wire.md 11).
_VOLATILE = frozenset(
    {
        "progressToken",
        "traceparent",
        "tracestate",
        "baggage",
        "requestState",
        "nextCursor",
        "cursor",
        "taskId",
        "createdAt",
        "lastUpdatedAt",
        "ttl",
        "ttlMs",
        "pollInterval",
        "pollIntervalMs",
        "elicitationId",
        "lastModified",
        "io.modelcontextprotocol/subscriptionId",
    }
)
_PROSE = frozenset({"description", "title", "annotations", "instructions", "icons", "statusMessage"})
_SOFT_VERSION = ("serverInfo", "version")
_CONTENT = frozenset({"content", "contents", "messages"})


def compare(
    was: dict[str, Any],
    now: dict[str, Any],
    *,
    masks: Sequence[Mask] = (),
    same: Same | None = None,
) -> list[Difference]:
    """The differences between two JSON-RPC answers or requests (decoded objects), most important first.

    ``id`` and ``jsonrpc`` are not compared. A difference under a mask is left out.
    """
    found: list[Difference] = []
    kinds = [_kind(body) for body in (was, now)]
    if kinds[0] != kinds[1]:
        return [
            Difference(
                (kinds[1],), Level.ERROR, _brief(was), _brief(now), f"was {_said(was)}, now {_said(now)}"
            )
        ]
    walk = _Walk(found, same or (lambda path, a, b: False))
    unsaid: dict[str, Any] | None = {} if kinds[0] == "params" else None
    walk.values((kinds[0],), was.get(kinds[0], unsaid), now.get(kinds[0], unsaid))
    kept = [difference for difference in found if not is_hidden(difference, masks)]
    return sorted(kept, key=lambda difference: -difference.level)


def worst(differences: Iterable[Difference]) -> Level | None:
    """The highest level among ``differences``, None where there are none."""
    return max((difference.level for difference in differences), default=None)


def is_tool_error(body: dict[str, Any]) -> bool:
    """Whether an answer is a result that says ``isError``."""
    result = body.get("result")
    return isinstance(result, dict) and result.get("isError") is True


def is_hidden(item: Difference, masks: Sequence[Mask]) -> bool:
    """Whether a mask says that this difference does not count."""
    return any(mask.hides(item.path, item.was, item.now) for mask in masks)


def _kind(body: dict[str, Any]) -> str:
    if "method" in body:
        return "params"
    return "error" if "error" in body else "result"


def _said(body: dict[str, Any]) -> str:
    error = body.get("error")
    if isinstance(error, dict):
        return f"error {error.get('code')} {str(error.get('message', ''))[:80]!r}"
    return "a tool error" if is_tool_error(body) else "a result"


def _brief(body: dict[str, Any]) -> Any:
    return body.get("error", body.get("result"))


class _Walk:
    def __init__(self, found: list[Difference], same: Same) -> None:
        self._found = found
        self._same = same

    def values(self, path: Path, was: Any, now: Any) -> None:
        if isinstance(was, str) and MASKED.search(was) and _may_be(was, now):
            if was != now:
                self._add(path, Level.INFO, was, now, "the recording holds it redacted")
        elif isinstance(was, dict) and isinstance(now, dict):
            self._objects(path, was, now)
        elif isinstance(was, list) and isinstance(now, list):
            self._arrays(path, was, now)
        elif not _equal(was, now):
            self._scalars(path, was, now)
        elif isinstance(was, int | float) and type(was) is not type(now) and not isinstance(was, bool):
            self._add(path, Level.INFO, was, now, "the same number, written otherwise")

    def _objects(self, path: Path, was: dict[str, Any], now: dict[str, Any]) -> None:
        for key, old in was.items():
            if key in now:
                self.values((*path, key), old, now[key])
            else:
                self._add((*path, key), _level((*path, key)), old, MISSING, "is missing")
        for key, new in now.items():
            if key not in was:
                self._add((*path, key), _level((*path, key)), MISSING, new, "is new")

    def _arrays(self, path: Path, was: list[Any], now: list[Any]) -> None:
        pairs, moved = pairs_of(path, was, now)
        if moved:
            self._add(path, Level.WARNING, MISSING, MISSING, "the order of the list changed")
        for old_at, new_at in pairs:
            if new_at is None:
                assert old_at is not None
                self._add(
                    (*path, old_at), Level.ERROR, was[old_at], MISSING, f"{_label(was[old_at])}is missing"
                )
            elif old_at is None:
                self._add((*path, new_at), Level.ERROR, MISSING, now[new_at], f"{_label(now[new_at])}is new")
            else:
                self.values((*path, new_at), was[old_at], now[new_at])

    def _scalars(self, path: Path, was: Any, now: Any) -> None:
        if self._same(path, was, now):
            self._add(path, Level.INFO, was, now, "the server minted another value")
            return
        if isinstance(was, str) and isinstance(now, str):
            inner_was, inner_now = document_in(was), document_in(now)
            if inner_was is not None and inner_now is not None:
                inner = _Walk(self._found, self._same)
                inner.values(path, inner_was, inner_now)
                return
        why = "is of another type" if type(was) is not type(now) else "changed"
        self._add(path, _level(path), was, now, why)

    def _add(self, path: Path, level: Level, was: Any, now: Any, why: str) -> None:
        self._found.append(Difference(path, level, was, now, why))


def _may_be(was: str, now: Any) -> bool:
    """Whether ``now`` may be what ``was`` says with values taken out."""
    parts = MASKED.split(was)
    if parts == ["", ""]:
        return True
    return isinstance(now, str) and re.fullmatch(".*".join(map(re.escape, parts)), now, re.S) is not None


def _label(item: Any) -> str:
    if isinstance(item, dict):
        for key in ("name", "uri", "uriTemplate", "type"):
            if isinstance(item.get(key), str):
                return f"{item[key]} "
    return ""


def _equal(was: Any, now: Any) -> bool:
    if isinstance(was, bool) or isinstance(now, bool):
        return was is now
    return bool(was == now)


def _level(path: Path) -> Level:
    if any(step in _VOLATILE for step in path):
        return Level.INFO
    if path[-2:] == _SOFT_VERSION:
        return Level.INFO
    if any(step in _PROSE for step in path) and "arguments" not in path and "structuredContent" not in path:
        return Level.WARNING
    if path[0] == "error":
        return Level.ERROR if path == ("error", "code") else Level.WARNING
    if len(path) > 2 and path[0] == "result" and path[1] in _CONTENT and "text" in path:
        return Level.WARNING
    if "structuredContent" in path or "inputSchema" in path or "outputSchema" in path:
        return Level.ERROR
    if path[-1] in ("text", "message", "data") or "capabilities" in path or "_meta" in path:
        return Level.WARNING
    return Level.ERROR
