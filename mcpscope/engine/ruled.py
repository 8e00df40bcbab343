"""The names that rules spell out, and which of them another spelling may be taken for."""

from __future__ import annotations

from collections.abc import Iterable

from mcpscope.engine.filter.globs import Test, glob
from mcpscope.protocol.lookalikes import folded, in_envelope, in_params, skeleton

MAX_REMEMBERED = 4096
"""Spellings whose answer is kept; beyond it they are asked anew."""

MAX_NAMES = 32
"""Objects of more members are looked at each time."""

MAX_LETTERS = 256
"""Names that are longer are looked at each time: nobody shall fill our memory with them."""

NAMING = frozenset({"name", "ref", "uri", "inputRequests", "method", "params"})
"""The members that name what a message is about, wherever they stand: a question in an answer, too."""


class Ruled:
    """``words`` are names of tools, members and the like that rules look for, as written there."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = frozenset(words) - {""}
        self._folds: dict[str, str] = {}
        self._skeletons: dict[str, list[str]] = {}
        self._globs: list[tuple[str, Test, Test]] = []
        for word in sorted(self.words | NAMING):
            self._folds.setdefault(folded(word), word)
        for word in sorted(self.words):
            if "*" in word or "?" in word:
                self._globs.append((word, glob(word), glob(skeleton(word))))
            else:
                self._skeletons.setdefault(skeleton(word), []).append(word)
        self._known: dict[str, tuple[str, ...]] = {}
        self._members: dict[str, str] = {}
        self._plain: dict[tuple[str, ...], bool] = {}

    def __repr__(self) -> str:
        return f"<Ruled {len(self.words)} words>"

    def member(self, name: str) -> str:
        """The ruled member that a lenient reader may take ``name`` for; else ``name`` itself."""
        found = self._members.get(name)
        if found is None:
            if len(self._members) >= MAX_REMEMBERED:
                self._members.clear()
            known = name in self.words or name in NAMING
            found = "" if known else self._folds.get(folded(name), "")
            if len(name) <= MAX_LETTERS:
                self._members[name] = found
        return found or name

    def has_plain_names(self, names: tuple[str, ...]) -> bool:
        """Whether ``names`` of one object are no look-alikes: of each other, of ruled ones, of MCP's own."""
        found = self._plain.get(names)
        if found is None:
            found = len(set(map(folded, names))) == len(names) and not (
                in_envelope(names) or in_params(names) or any(self.member(name) != name for name in names)
            )
            if len(self._plain) >= MAX_REMEMBERED:
                self._plain.clear()
            if len(names) <= MAX_NAMES and sum(map(len, names)) <= MAX_LETTERS * 4:
                self._plain[names] = found
        return found

    def alike(self, name: str) -> tuple[str, ...]:
        """The ruled names and globs that ``name`` looks like, without being one or matching it."""
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            found = self._alike(name)
            if len(name) <= MAX_LETTERS:
                self._known[name] = found
        return found

    def _alike(self, name: str) -> tuple[str, ...]:
        if name in self.words:
            return ()
        drawn = skeleton(name)
        globs = [word for word, matches, looks in self._globs if looks(drawn) and not matches(name)]
        return (*self._skeletons.get(drawn, ()), *globs)
