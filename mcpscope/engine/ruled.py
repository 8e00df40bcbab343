"""The names that rules spell out, and which of them another spelling may be taken for."""

from __future__ import annotations

from collections.abc import Iterable

from mcpscope.protocol.lookalikes import folded, skeleton

MAX_REMEMBERED = 4096
"""Spellings whose answer is kept; beyond it they are asked anew."""
NAMING = frozenset({"name", "ref", "uri"})
"""The members that name what a message is about, wherever they stand."""


class Ruled:
    """``words`` are the names of tools, members and the like that rules look for, as written there."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = frozenset(words) - {""}
        self._folds: dict[str, str] = {}
        self._skeletons: dict[str, list[str]] = {}
        for word in sorted(self.words | NAMING):
            self._folds.setdefault(folded(word), word)
        for word in sorted(self.words):
            self._skeletons.setdefault(skeleton(word), []).append(word)
        self._known: dict[str, tuple[str, ...]] = {}
        self._keys: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Ruled {len(self.words)} words>"

    def member(self, name: str) -> str:
        """The ruled member that a lenient reader may take ``name`` for; else ``name`` as it is."""
        found = self._keys.get(name)
        if found is None:
            if len(self._keys) >= MAX_REMEMBERED:
                self._keys.clear()
            found = name if name in self.words or name in NAMING else self._folds.get(folded(name), name)
            self._keys[name] = "" if found is name else found
        return found or name

    def alike(self, name: str) -> tuple[str, ...]:
        """The ruled names that ``name`` looks like to a person or a lenient reader, without being one."""
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            found = () if name in self.words else tuple(self._skeletons.get(skeleton(name), ()))
            self._known[name] = found
        return found
