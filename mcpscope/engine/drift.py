"""Accepted definitions of tools: what changed since they were accepted, and whether that is dangerous."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from unicodedata import category

from mcpscope.engine.catalog import Catalog, digest_of
from mcpscope.engine.visibility import Surface

MAX_PINS: Final = 50_000
Path = tuple[str | int, ...]
_MISSING: Final = object()
_HIDDEN: Final = frozenset({"Cf", "Co", "Cn", "Cs"})
_HARMLESS: Final = frozenset({"title", "icons", "_meta"})
_WORDS: Final = frozenset({"title", "examples"})
"""What in a schema is for people; a description there is read by models, like the tool's own."""


class OnDrift(StrEnum):
    """What becomes of a tool whose definition is not the accepted one."""

    PASS = "pass"
    HIDE = "hide"
    HOLD = "hold"


class Danger(StrEnum):
    """How much a change of a definition matters."""

    HARMLESS = "harmless"
    LOOK = "worth a look"
    DANGEROUS = "dangerous"


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a definition that differs. ``was`` and ``now`` are None where nothing is."""

    path: Path
    danger: Danger
    was: Any
    now: Any
    hidden: bool = False
    """Characters came in that nobody sees."""

    @property
    def text(self) -> str:
        """``description (dangerous, with hidden characters)``."""
        more = ", with hidden characters" if self.hidden else ""
        return f"{'.'.join(map(str, self.path))} ({self.danger.value}{more})"

    def to_json(self) -> dict[str, Any]:
        where = ".".join(map(str, self.path))
        found = {"path": where, "danger": self.danger.value, "was": self.was, "now": self.now}
        return found | ({"hidden_characters": True} if self.hidden else {})


def changes(was: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    """What changed in one definition. Dangerous: what it may do or must be given, and its words."""
    found: list[Change] = []
    for path, old, new in _differences(was, now, ()):
        hidden = len(_unseen(new)) > len(_unseen(old))
        danger = Danger.DANGEROUS if hidden else danger_of(path, new=old is _MISSING)
        found.append(Change(path, danger, _shown(old), _shown(new), hidden))
    return found


def danger_of(path: Path, *, new: bool) -> Danger:
    """How much a change at ``path`` of a definition matters; ``new``: nothing was there before."""
    if path[0] in _HARMLESS:
        return Danger.HARMLESS
    if path[0] == "annotations":
        return Danger.HARMLESS if path[-1] == "title" else Danger.DANGEROUS
    if path[0] == "description":
        return Danger.DANGEROUS
    if path[0] == "inputSchema":
        if path[-1] in _WORDS and (len(path) < 3 or path[-2] != "properties"):
            return Danger.LOOK
        optional_and_new = new and len(path) >= 3 and path[-2] == "properties"
        return Danger.HARMLESS if optional_and_new else Danger.DANGEROUS
    return Danger.LOOK


class Pins:
    """The accepted definitions of one proxy's tools, by name.

    A tool that nobody has accepted is accepted as it is first listed, unless ``strict``: then there is a list
    of accepted tools, and what is not on it has drifted.
    """

    def __init__(self, on_drift: OnDrift = OnDrift.PASS) -> None:
        self.on_drift = on_drift
        self.accepted: dict[str, dict[str, Any]] = {}
        self.drifted: dict[str, dict[str, Any]] = {}
        self.strict = False
        self._digests: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Pins {self.on_drift} accepted={len(self.accepted)} drifted={list(self.drifted)}>"

    def load(self, definitions: Mapping[str, dict[str, Any]], *, accepted: bool = True) -> None:
        """Take up what was accepted before; not ``accepted``: what was seen when nobody had accepted any."""
        self.strict = self.strict or (accepted and bool(definitions))
        for name, body in definitions.items():
            self._pin(name, body)

    def listed(self, name: str, body: dict[str, Any], *, strange: bool = False) -> bool:
        """A tool was listed; whether it has just been found to have drifted, or to be itself again.

        ``strange``: the same list shows the name with another definition, too, so it is not itself again.
        """
        digest = digest_of(body)
        known = self._digests.get(name)
        if known is None and not self.strict and len(self.accepted) < MAX_PINS:
            self._pin(name, body)
            return False
        if known == digest:
            return not strange and self.drifted.pop(name, None) is not None
        if name in self.drifted and digest_of(self.drifted[name]) == digest:
            return False
        self.drifted[name] = body
        return True

    def differs(self, name: str, body: dict[str, Any]) -> bool:
        """Whether it is not the accepted definition, or not on the list of those that were accepted."""
        known = self._digests.get(name)
        return self.strict if known is None else known != digest_of(body)

    def distrusts(self, name: str) -> bool:
        """Whether a tool is not as it was accepted, or is not among those that were."""
        return name in self.drifted or (self.strict and name not in self.accepted)

    def accept(self, name: str) -> dict[str, Any] | None:
        """Accept a tool as it is now; its definition, None where it has not drifted."""
        body = self.drifted.pop(name, None)
        if body is not None:
            self._pin(name, body)
        return body

    def changes(self, name: str) -> list[Change]:
        """What changed in a tool that has drifted."""
        now = self.drifted.get(name)
        return [] if now is None else changes(self.accepted.get(name, {}), now)

    def hides(self, surface: Surface, name: str) -> str:
        """For a View: why ``name`` is hidden."""
        hidden = surface is Surface.TOOLS and self.on_drift is OnDrift.HIDE and self.distrusts(name)
        return "not accepted" if hidden else ""

    def _pin(self, name: str, body: dict[str, Any]) -> None:
        self.accepted[name] = body
        self._digests[name] = digest_of(body)


def current(catalogs: list[Catalog]) -> dict[str, dict[str, Any]]:
    """The tools that sessions have listed, the newest definition of each."""
    found: dict[str, Any] = {}
    for catalog in catalogs:
        for tool in catalog.all("tool"):
            if tool.name not in found or found[tool.name].at < tool.at:
                found[tool.name] = tool
    return {name: tool.body for name, tool in found.items()}


def _differences(was: Any, now: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if type(was) is dict and type(now) is dict:
        for key in dict.fromkeys((*was, *now)):
            yield from _differences(was.get(key, _MISSING), now.get(key, _MISSING), (*path, key))
    elif type(was) is list and type(now) is list and len(was) == len(now):
        for place, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from _differences(old, new, (*path, place))
    elif digest_of([repr(was)] if was is _MISSING else was) != digest_of(
        [repr(now)] if now is _MISSING else now
    ):
        yield path, was, now


def _unseen(value: Any) -> list[str]:
    """The characters of its texts that no screen shows: tags, bidi controls, zero-width ones."""
    if type(value) is str:
        return [] if value.isascii() and value.isprintable() else [c for c in value if category(c) in _HIDDEN]
    if type(value) is dict:
        return [char for pair in value.items() for part in pair for char in _unseen(part)]
    return [char for part in value for char in _unseen(part)] if type(value) is list else []


def _shown(value: Any) -> Any:
    return None if value is _MISSING else value
