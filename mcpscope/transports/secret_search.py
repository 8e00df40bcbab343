"""Many spellings searched for in one pass, with what takes their place; spellings come and go."""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterable

FEW, LARGE_BYTES = 64, 16 << 10
"""So many are searched for one by one in a large text; more are taken up into one automaton."""

FRESH = 512  # so many new ones wait until they are
BEGINNING_BYTES = 12


class Forms:
    """Spellings with their replacements; where several begin, the longest is replaced."""

    def __init__(self) -> None:
        self._shown: dict[bytes, tuple[bytes, int]] = {}
        self._longest_first: list[bytes] = []
        self._begins: dict[bytes, set[bytes]] = {}
        self._fresh: list[bytes] = []
        self._known: _Known | None = None

    def __repr__(self) -> str:
        return f"<Forms {len(self._shown)}>"

    def add(self, forms: Iterable[bytes], shown: bytes) -> None:
        """Search for ``forms``, too; one that is known already keeps its replacement."""
        for form in forms:
            before = self._shown.get(form)
            if before is not None:
                self._shown[form] = (before[0], before[1] + 1)
                continue
            self._shown[form] = (shown, 1)
            insort(self._longest_first, form, key=_longer)
            insort(self._fresh, form, key=_longer)
            self._begins.setdefault(form[:1], set()).add(form)
        if len(self._fresh) > FRESH:
            self._take_up()

    def drop(self, forms: Iterable[bytes]) -> None:
        """Search for ``forms`` no more, but where they were added more than once."""
        for form in forms:
            shown, count = self._shown[form]
            if count > 1:
                self._shown[form] = (shown, count - 1)
                continue
            del self._shown[form]
            self._longest_first.remove(form)
            self._begins[form[:1]].discard(form)
            if form in self._fresh:
                self._fresh.remove(form)

    def replaced(self, data: bytes) -> bytes:
        """``data`` with every spelling replaced."""
        if len(self._fresh) > FEW and len(data) > LARGE_BYTES:
            self._take_up()
        if self._known is not None:
            data = self._known.replaced(data, self._shown)
        for form in self._fresh:
            if form in data:
                data = data.replace(form, self._shown[form][0])
        return data

    def tail(self, data: bytes) -> int:
        """How many bytes at the end of ``data`` may be the beginning of a spelling."""
        if not self._longest_first or data.endswith(b"\n"):
            return 0
        first = max(0, len(data) - len(self._longest_first[0]) + 1)
        for at in range(first, len(data)):
            end = data[at:]
            if any(form.startswith(end) for form in self._begins.get(end[:1], ())):
                return len(data) - at
        return 0

    def _take_up(self) -> None:
        made = _Known.of(self._longest_first)
        if made is not None:
            self._known = made
            self._fresh.clear()


class _Known:
    """Forms found by their beginnings, all of these looked for at once."""

    def __init__(self, pattern: re.Pattern[bytes], forms: dict[bytes, list[bytes]]) -> None:
        self._pattern = pattern
        self._forms = forms
        self._sizes = sorted({len(begin) for begin in forms}, reverse=True)

    @classmethod
    def of(cls, longest_first: list[bytes]) -> _Known | None:
        """None where there are so many that no automaton holds them."""
        import re2  # deferred: only a proxy that learns many values needs it

        forms: dict[bytes, list[bytes]] = {}
        for form in longest_first:
            forms.setdefault(form[:BEGINNING_BYTES], []).append(form)
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = 64 << 20
        options.log_errors = False
        try:
            return cls(re2.compile(b"|".join(map(re2.escape, forms)), options=options), forms)
        except re2.error:
            return None

    def replaced(self, data: bytes, shown: dict[bytes, tuple[bytes, int]]) -> bytes:
        """``data`` with those forms replaced that ``shown`` still has."""
        found = self._pattern.search(data)
        if found is None:
            return data
        parts: list[bytes] = []
        done = 0
        while found is not None:
            start = found.start()
            form = self._at(data, start, shown)
            if form:
                parts += (data[done:start], shown[form][0])
                done = start + len(form)
            found = self._pattern.search(data, max(done, start + 1))
        parts.append(data[done:])
        return b"".join(parts)

    def _at(self, data: bytes, start: int, shown: dict[bytes, tuple[bytes, int]]) -> bytes:
        """The longest form that begins at ``start``, or nothing."""
        longest = b""
        for size in self._sizes:
            for form in self._forms.get(data[start : start + size], ()):
                if len(form) > len(longest) and form in shown and data.startswith(form, start):
                    longest = form
        return longest


def _longer(form: bytes) -> int:
    return -len(form)
