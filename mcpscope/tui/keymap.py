"""Which keys the actions have: those of the table, or those that the configuration binds them to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from textual.binding import BindingsMap
from textual.keys import Keys, _character_to_key

from mcpscope.tui import actions
from mcpscope.tui.action import Action, key_name
from mcpscope.tui.present.glyphs import Glyphs

_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_WORDS = {"esc": "escape", "return": "enter", "pgup": "pageup", "pgdn": "pagedown", "del": "delete"}
_MODIFIERS = ("ctrl+", "alt+", "shift+")
_KNOWN = {key.value for key in Keys} | {_character_to_key(chr(code)) for code in range(32, 127)}


class Keymap:
    """``keys`` are Textual's names of keys by the id of an action, for those that are bound anew."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]] = _NONE) -> None:
        self.keys = dict(keys)
        self._named: dict[str, Glyphs] = {}

    def __repr__(self) -> str:
        return f"<Keymap {self.keys}>"

    def of(self, action: Action) -> Action:
        """The action with the keys it has."""
        keys = self.keys.get(action.id)
        return action if keys is None else replace(action, keys=keys)

    def at(self, place: str) -> tuple[Action, ...]:
        """The actions of a place."""
        return tuple(self.of(action) for action in actions.at(place))

    def bar(self, place: str) -> tuple[Action, ...]:
        """The actions of a place's key bar."""
        return tuple(self.of(action) for action in actions.bar(place))

    def find(self, action_id: str, place: str) -> Action | None:
        """The row of an action in a place."""
        found = actions.find(action_id, place)
        return None if found is None else self.of(found)

    def named(self, glyphs: Glyphs) -> Glyphs:
        """The signs with the names of the keys that there are."""
        if not self.keys:
            return glyphs
        if glyphs.arrow not in self._named:
            bound = {id: key_name(keys[0]) for id, keys in self.keys.items() if keys}
            self._named[glyphs.arrow] = replace(glyphs, keys=MappingProxyType({**glyphs.keys, **bound}))
        return self._named[glyphs.arrow]

    def bind(self, bindings: BindingsMap) -> None:
        """Bind a screen's actions to the keys they have."""
        if not self.keys:
            return
        old = [(key, binding) for key, found in bindings.key_to_bindings.items() for binding in found]
        bindings.key_to_bindings.clear()
        for key, binding in old:
            for new in self.keys.get(binding.id or "", (key,)):
                kept = bindings.key_to_bindings.setdefault(new, [])
                if all(other.action != binding.action for other in kept):
                    kept.append(binding.with_key(new))

    def clashes(self) -> Iterator[tuple[str, str, str, str]]:
        """The key, the action bound anew, the other one and the place where both have it.

        An action of many places gives way where the table lets one of the place itself take such a key.
        """
        for place in sorted({place for action in actions.ACTIONS for place in action.places}):
            first = _taking_first(place)
            taken: dict[str, Action] = {}
            for action in sorted(self.at(place), key=lambda action: action.id in self.keys):
                for key in action.keys:
                    other = taken.setdefault(key, action)
                    gives_way = other.id in first and len(action.places) > len(other.places)
                    if other is not action and action.id in self.keys and not gives_way:
                        yield key, action.id, other.id, place


def _taking_first(place: str) -> set[str]:
    """The actions of ``place`` whose key is, elsewhere, that of an action of more places."""
    there = actions.at(place)
    ids = {one.id for one in there}
    return {
        one.id
        for one in there
        for wider in actions.ACTIONS
        if wider.id in ids
        and len(wider.places) > len(one.places)
        and not set(one.keys).isdisjoint(wider.keys)
    }


def key_of(text: str) -> str:
    """Textual's name of a key as people write it (``^x``, ``ctrl+x``, ``/``, ``Space``); else empty."""
    if len(text) == 1:
        return _character_to_key(text) if text.isprintable() else ""
    if text.startswith("^") and len(text) == 2:
        return "ctrl+" + text[1].lower()
    rest, before = text.lower(), ""
    while (found := next((one for one in _MODIFIERS if rest.startswith(one)), "")) and rest != found:
        rest, before = rest.removeprefix(found), before + found
    if len(rest) == 1:
        return before + _character_to_key(rest)
    rest = _WORDS.get(rest, rest)
    return before + rest if rest in _KNOWN or before + rest in _KNOWN else ""
