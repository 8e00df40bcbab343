"""What clients may see of a server: which tools, prompts and resources are hidden, and under which name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from mcpscope.engine.filter.globs import glob
from mcpscope.protocol.methods import Method

MAX_REMEMBERED: Final = 8192
"""Names whose answer is kept; beyond it they are asked of the globs anew."""

MAX_LETTERS: Final = 2048
"""Longer ones are asked anew each time: nobody shall fill our memory with them."""


class Surface(StrEnum):
    """What a server offers under a name; the values are the members of its capabilities."""

    TOOLS = "tools"
    PROMPTS = "prompts"
    RESOURCES = "resources"

    @property
    def changed(self) -> str:
        """The notification that its list has changed."""
        return f"notifications/{self.value}/list_changed"

    @property
    def wish(self) -> str:
        """What a modern client asks for in ``subscriptions/listen`` to hear of that."""
        return f"{self.value}ListChanged"

    @property
    def noun(self) -> str:
        return self.value[:-1]


LISTED: Final = {
    Method.TOOLS_LIST: Surface.TOOLS,
    Method.PROMPTS_LIST: Surface.PROMPTS,
    Method.RESOURCES_LIST: Surface.RESOURCES,
    Method.TEMPLATES_LIST: Surface.RESOURCES,
}
"""Which list shows what."""

_KINDS: Final = {surface.noun: surface for surface in Surface}


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish about what is seen: a glob over whole names (or URIs), of these surfaces."""

    glob: str
    shown: bool
    surfaces: frozenset[Surface]


@dataclass(frozen=True, slots=True)
class Face:
    """A tool as clients see it: its name there, and its description ("" leaves the server's)."""

    name: str
    description: str = ""


class View:
    """What clients see. Of several wishes about a name the last one counts; ``only`` hides what none shows.

    ``hidden_by`` are further reasons to hide: each gets a surface and a name and returns its own name or "".
    ``changed`` is called with the surfaces after every change.
    """

    def __init__(self, changed: Callable[[frozenset[Surface]], None] = lambda surfaces: None) -> None:
        self.wishes: list[Wish] = []
        self.only: list[Wish] = []
        self.policy: list[Wish] = []
        self.faces: dict[str, Face] = {}
        self.hidden_by: list[Callable[[Surface, str], str]] = []
        self.touched: frozenset[Surface] = frozenset()
        self._narrowed = False
        self._names: dict[str, str] = {}
        self._known: dict[tuple[Surface, str], str] = {}
        self._changed = changed

    def __repr__(self) -> str:
        return f"<View wishes={len(self.wishes)} only={len(self.only)} faces={len(self.faces)}>"

    @property
    def active(self) -> bool:
        """Whether anything is hidden or called otherwise."""
        return self.hides or bool(self.faces)

    @property
    def hides(self) -> bool:
        if self._narrowed or self.only or self.policy or self.hidden_by:
            return True
        return bool(self.wishes) and any(not wish.shown for wish in self.wishes)

    def narrow(self) -> None:
        """There are callers who see less: every message has to be looked at."""
        if self._narrowed:
            return
        self._narrowed = True
        self.refresh(frozenset(Surface))

    def hide(self, globs: Iterable[str], surfaces: frozenset[Surface] = frozenset(Surface)) -> None:
        """Hide what matches; ``tool:``, ``prompt:`` or ``resource:`` before a glob names the surface."""
        found = [_wish(text, surfaces, shown=False) for text in globs]
        self.wishes = [old for old in self.wishes if not any(_repeats(old, new) for new in found)] + found
        self._tell(found)

    def show(self, globs: Iterable[str], surfaces: frozenset[Surface] = frozenset(Surface)) -> None:
        """Show what matches again, whatever hid it before."""
        found = [_wish(text, surfaces, shown=True) for text in globs]
        before = [*self.wishes, *self.only]
        gone: frozenset[Surface] = frozenset().union(*(wish.surfaces for wish in found if wish.glob == "*"))
        kept = [
            old
            for old in self.wishes
            if not old.surfaces <= gone and not any(_repeats(old, new) for new in found)
        ]
        self.only = [wish for wish in self.only if not wish.surfaces <= gone]
        if self.only or any(not wish.shown for wish in kept):
            kept += [wish for wish in found if wish.glob != "*"]
        else:
            kept = []
        self.wishes = kept
        gone_now = [wish for wish in before if wish not in kept and wish not in self.only]
        self._tell(gone_now + [wish for wish in found if wish in kept])

    def show_only(self, globs: Iterable[str]) -> None:
        """Hide all else; a glob without a surface is about tools."""
        found = [_wish(text, frozenset({Surface.TOOLS}), shown=True) for text in globs]
        self.only.extend(found)
        self._tell(found)

    def obey(self, globs: Iterable[str]) -> None:
        """Hide what a policy hides, whatever is wished; in place of what it hid before."""
        found = [_wish(text, frozenset(Surface), shown=False) for text in globs]
        if found != self.policy:
            was, self.policy = self.policy, found
            self._tell(was + found)

    def rename(self, name: str, face: Face | None) -> None:
        """Let clients see the tool ``name`` as ``face``; None undoes it."""
        self.faces.pop(name, None)
        if face is not None:
            self.faces[name] = face
        self._names = {face.name: real for real, face in self.faces.items() if face.name != real}
        self.refresh(frozenset({Surface.TOOLS}))

    def forget(self) -> None:
        """Ask ``hidden_by`` anew; nobody is told."""
        self._known.clear()

    def refresh(self, surfaces: frozenset[Surface]) -> None:
        """Something that ``hidden_by`` asks has changed."""
        self._known.clear()
        self.touched |= surfaces
        self._changed(surfaces)

    def hidden(self, surface: Surface, name: str) -> str:
        """What hides ``name`` (a glob, or another reason's name), "" if it is seen."""
        key = (surface, name)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            found = self._hidden(surface, name)
            if len(name) <= MAX_LETTERS:
                self._known[key] = found
        return found

    def taken_by(self, name: str) -> str:
        """The other tool that clients see under ``name``, which hides the server's own; "" for none."""
        other = self._names.get(name, "")
        face = self.faces.get(name)
        return other if face is None or face.name == name else ""

    def real(self, name: str) -> str | None:
        """The server's name of the tool that clients call ``name``; None where there is none of that name."""
        if name in self._names:
            return self._names[name]
        face = self.faces.get(name)
        return None if face is not None and face.name != name else name

    def to_json(self) -> dict[str, Any]:
        """The wishes in force, as ``scope/tools/list`` shows them."""
        return {
            "hide": [_spelled(wish) for wish in self.wishes if not wish.shown],
            "show": [_spelled(wish) for wish in self.wishes if wish.shown],
            "policy": [_spelled(wish) for wish in self.policy],
            "only": [_spelled(wish) for wish in self.only],
            "rename": {name: face.name for name, face in self.faces.items() if face.name != name},
            "describe": {name: face.description for name, face in self.faces.items() if face.description},
        }

    def _hidden(self, surface: Surface, name: str) -> str:
        if surface is Surface.TOOLS and (other := self.taken_by(name)):
            return f"rename {other}"
        for reason in self.hidden_by:
            if why := reason(surface, name):
                return why
        for wish in self.policy:
            if surface in wish.surfaces and glob(wish.glob)(name):
                return f"policy {wish.glob}"
        for wish in reversed(self.wishes):
            if surface in wish.surfaces and glob(wish.glob)(name):
                return "" if wish.shown else wish.glob
        only = [wish for wish in self.only if surface in wish.surfaces]
        if only and not any(glob(wish.glob)(name) for wish in only):
            return "only " + " ".join(wish.glob for wish in only)
        return ""

    def _tell(self, wishes: list[Wish]) -> None:
        if wishes:
            self.refresh(frozenset().union(*(wish.surfaces for wish in wishes)))


def _wish(text: str, surfaces: frozenset[Surface], *, shown: bool) -> Wish:
    kind, colon, rest = text.partition(":")
    if colon and kind in _KINDS and rest:
        return Wish(rest, shown, frozenset({_KINDS[kind]}))
    return Wish(text, shown, surfaces)


def _repeats(old: Wish, new: Wish) -> bool:
    return old.glob == new.glob and old.surfaces <= new.surfaces


def _spelled(wish: Wish) -> str:
    if len(wish.surfaces) != 1:
        return wish.glob
    return f"{next(iter(wish.surfaces)).noun}:{wish.glob}"
