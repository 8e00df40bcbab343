"""Echoes: values the server minted that a later request repeats, and what a live server gives instead.

A value maps only where no client message held it before the server sent it. A value that nobody repeats is
no echo: where it differs between two runs, that is a difference and not our business to hide.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Set
from typing import Any

from mcpscope.replay.align import pairs_of
from mcpscope.replay.embedded import document_in
from mcpscope.replay.json_paths import Path
from mcpscope.replay.minted import (
    Scalar,
    echoed_in,
    is_never,
    is_place_of,
    leaves,
    minted_in,
    names_in,
    number_in,
    replaced,
    split,
)

_CANCELLED = "notifications/cancelled"
_SHORT = re.compile(r"[0-9a-f]{7,}")
_SHORT_CHARS = 7


class Echoes:
    """Which values of a recording are echoes, and what the live server gave in their place.

    ``known`` maps an echo to the place it was minted in, ``live`` to what the live server gave last.
    """

    def __init__(self, *, reads: bool = True) -> None:
        """Unless it ``reads``, what a recording says is not heard."""
        self._reads = reads
        self.known: dict[Scalar, Path] = {}
        self.live: dict[Scalar, Scalar] = {}
        self._said: set[Scalar] = set()
        self._minted: dict[Scalar, Path] = {}
        self._beginnings: dict[str, list[str]] = defaultdict(list)
        self._short: dict[str, str] = {}
        self._nouns: set[str] = set()
        self._session: re.Pattern[str] | None = None
        self._called: dict[int, set[str]] = defaultdict(set)
        self._given: dict[Scalar, dict[Scalar, frozenset[str]]] = defaultdict(dict)

    def __repr__(self) -> str:
        return f"<Echoes known={len(self.known)} mapped={len(self.live)}>"

    # -- the recording, read once in its order -----------------------------------------------------------

    def server_said(self, body: dict[str, Any], about: str = "") -> None:
        """Note what a recorded server message brings into the world; ``about`` names what was asked."""
        if not self._reads:
            return
        self._nouns |= names_in(about)
        for path, value in leaves(_told(body)):
            for candidate, noun in minted_in(path, value, self._nouns):
                if isinstance(candidate, int):
                    self._called[candidate] |= {noun.rstrip("?")} if noun else names_in(about)
                if noun.endswith("?") or candidate in self._said or candidate in self._minted:
                    continue
                self._minted[candidate] = path
                if isinstance(candidate, str) and _SHORT.match(candidate):
                    self._beginnings[candidate[:_SHORT_CHARS]].append(candidate)

    def client_said(self, body: dict[str, Any], about: str = "") -> None:
        """Note what a recorded client message repeats (an echo), and what it brought itself."""
        if not self._reads:
            return
        for path, value in leaves(_of_the_client(body)):
            if is_never(path):
                continue
            for candidate in self._echoed(path, value):
                if candidate in self._said:
                    continue
                self._find_named(candidate, names_in(about, *path))
                if candidate in self._minted:
                    self.known.setdefault(candidate, self._minted[candidate])
                elif not self._shortens(candidate):
                    self._said.add(candidate)

    def _find_named(self, candidate: Scalar, names: frozenset[str]) -> None:
        """A number that stood in a text behind the name under which it is repeated now was minted there."""
        nouns = self._called.get(candidate, set()) & names if isinstance(candidate, int) else None
        if nouns and candidate not in self._minted:
            self._nouns |= nouns
            self._minted[candidate] = ()

    def _shortens(self, candidate: Scalar) -> bool:
        """Whether it is the beginning of a minted hash, as people write one; then both are echoes."""
        if not isinstance(candidate, str) or _SHORT.fullmatch(candidate) is None:
            return False
        for whole in self._beginnings.get(candidate[:_SHORT_CHARS], ()):
            if len(whole) > len(candidate) and whole.startswith(candidate):
                self.known.setdefault(whole, self._minted[whole])
                self.known.setdefault(candidate, self._minted[whole])
                self._short[candidate] = whole
                return True
        return False

    def name_sessions(self, ids: Collection[str]) -> None:
        """Note the ids of MCP's own sessions in the recording: each run has others, over stdio none."""
        self._session = re.compile("|".join(map(re.escape, ids))) if ids else None

    # -- the run -------------------------------------------------------------------------------------------

    def learn(self, was: dict[str, Any], now: dict[str, Any], about: str = "") -> dict[Scalar, Scalar]:
        """Walk a recorded and a live server message together; returns the mappings found new.

        ``about`` names what was asked: it tells values apart that were the same in the recording.
        """
        found: dict[Scalar, Scalar] = {}
        for path, old, new in _both(_told(was), _told(now), (), self._nouns):
            if old not in self.known:
                continue
            self._given[old][new] = names_in(about, *path)
            if self.live.get(old) != new:
                self.live[old] = found[old] = new
        for short, whole in self._short.items():
            if whole in found:
                self.live[short] = str(found[whole])[: len(short)]
        return found

    def unmapped(self, body: dict[str, Any]) -> list[Scalar]:
        """Echoes in a recorded client message for which the live server has given nothing yet."""
        said = [
            candidate
            for path, value in leaves(_of_the_client(body))
            for candidate in self._echoed(path, value)
            if candidate in self.known and candidate not in self.live
        ]
        return list(dict.fromkeys(said))

    def is_same(self, path: Path, was: Any, now: Any) -> bool:
        """Whether ``now`` is what the live server minted in the place of ``was``."""
        if isinstance(was, str) and isinstance(now, str) and self._names_a_session(was, now):
            return True
        if not self.live or isinstance(was, bool) or not isinstance(was, str | int):
            return False
        if isinstance(was, int):
            return is_place_of(path, was, self._called.get(was, frozenset())) and self._gave(was, now)
        return isinstance(now, str) and (self._gave(was, now) or self._is_same_text(was, now))

    def substitute(self, value: Any, path: Path = (), about: str = "") -> Any:
        """A copy of recorded params with live values in the place of echoes."""
        if isinstance(value, dict):
            return {
                key: item if _is_fixed(path, key) else self.substitute(item, (*path, key), about)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.substitute(item, (*path, index), about) for index, item in enumerate(value)]
        if isinstance(value, bool) or not isinstance(value, str | int) or is_never(path):
            return value
        names = names_in(about, *path)
        for candidate in self._echoed(path, value):
            if candidate in self.live and (candidate == value or str(candidate) == value):
                new = self._pick(candidate, names)
                return str(new) if isinstance(value, str) else new
        if isinstance(value, int):
            return value
        names |= names_in(value)
        return replaced(value, lambda word: self._pick(word, names))

    def spoken(self, body: dict[str, Any], about: str = "") -> Any:
        """The params of a recorded client message (the result of an answer) with live values."""
        said = body.get("params", body.get("result"))
        return said if body.get("method") == _CANCELLED else self.substitute(said, about=about)

    def _echoed(self, path: Path, value: Scalar) -> Iterator[Scalar]:
        return echoed_in(path, value, lambda number: self._called.get(number, frozenset()))

    def _gave(self, was: Scalar, now: Any) -> bool:
        return was in self.known and (now in self._given.get(was, ()) or self.live.get(was) == now)

    def _is_same_text(self, was: str, now: str) -> bool:
        """Whether two texts differ in nothing but words that the live server minted anew."""
        old, new = split(was, self._nouns), split(now, self._nouns)
        if old[0] != new[0]:
            return False
        return all(a == b or self._gave(a, b) for a, b in zip(old[1], new[1], strict=True))

    def _names_a_session(self, was: str, now: str) -> bool:
        """Whether two texts differ in nothing but how the server calls this session of MCP, if at all."""
        if self._session is None or self._session.search(was) is None:
            return False
        lasting = self._session.split(was)
        return re.fullmatch(r"\S*".join(map(re.escape, lasting)), now) is not None

    def _pick(self, value: Scalar, names: frozenset[str]) -> Scalar:
        """The live value for a recorded one; of several the one with the likest names, then the last."""
        given = self._given.get(value, {})
        if len(given) < 2:
            return self.live.get(value, value)
        best = max(len(names & known) for known in given.values())
        likest = [new for new, known in given.items() if len(names & known) == best]
        return self.live[value] if self.live[value] in likest else likest[-1]


def _is_fixed(path: Path, key: str) -> bool:
    """Whether a member of params is the protocol's own and never an echo."""
    if not path:
        return key in ("name", "method")
    return path == ("_meta",) and key != "io.modelcontextprotocol/related-task"


def _of_the_client(body: dict[str, Any]) -> Any:
    """What a client message says that may repeat something: not what ties messages together."""
    if body.get("method") == _CANCELLED:
        return None
    said = body.get("params", body.get("result"))
    if not isinstance(said, dict) or "_meta" not in said:
        return said
    return {key: item for key, item in said.items() if key != "_meta"}


def _told(body: dict[str, Any]) -> Any:
    return body.get("result", body.get("error", body.get("params")))


def _both(was: Any, now: Any, path: Path, nouns: Set[str]) -> Iterator[tuple[Path, Scalar, Scalar]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in was.keys() & now.keys():
            yield from _both(was[key], now[key], (*path, key), nouns)
    elif isinstance(was, list) and isinstance(now, list):
        for old, new in pairs_of(("result", *path), was, now)[0]:
            if old is not None and new is not None:
                yield from _both(was[old], now[new], (*path, old), nouns)
    elif isinstance(was, str) and isinstance(now, str):
        yield path, was, now
        yield from _inside(was, now, path, nouns)
    elif isinstance(was, int) and isinstance(now, int) and not isinstance(was, bool):
        yield path, was, now


def _inside(was: str, now: str, path: Path, nouns: Set[str]) -> Iterator[tuple[Path, Scalar, Scalar]]:
    inner_was, inner_now = document_in(was), document_in(now)
    if inner_was is not None and inner_now is not None:
        yield from _both(inner_was, inner_now, path, nouns)
        return
    numbers = number_in(was), number_in(now)
    if numbers[0] is not None and numbers[1] is not None:
        yield path, numbers[0], numbers[1]
    old = split(was, nouns)[1]
    new = split(now, nouns)[1] if was != now else old
    if len(old) == len(new):
        yield from ((path, *pair) for pair in zip(old, new, strict=True))
