"""What the sessions in view offer, read from the store and from the proxies that run, as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from mcpscope.errors import ScopeError
from mcpscope.store.listed import NoteRow, SessionRow
from mcpscope.tui import offers
from mcpscope.tui.links import Link
from mcpscope.tui.offers import KINDS, Key, Offer, State, Thing
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Steer


class Offering:
    """``sessions`` gives those in view; ``things`` are the rows of every kind as last read."""

    def __init__(self, source: Source, steer: Steer, sessions: Callable[[], Sequence[SessionRow]]) -> None:
        self._source, self._steer, self._sessions = source, steer, sessions
        self.things: list[Thing] = []
        self._offers: list[Offer] = []
        self._seen: Counter[tuple[str, str]] = Counter()
        self._settled: dict[str, frozenset[Key]] = {}
        self._heard: dict[tuple[str, str], int] = {}

    def __repr__(self) -> str:
        return f"<Offering {[offer.label for offer in self._offers]} things={len(self.things)}>"

    async def read(self) -> None:
        """Read store and proxies anew."""
        shown = offers.groups(self._sessions())
        self._offers = await self._source.ask(lambda pages: offers.look(pages, shown))
        found: list[Thing] = []
        for offer in self._offers:
            state = await self._state(offer)
            settled = self._settled.get(offer.label, frozenset())
            found += offers.things(offer, self._links(offer), state, settled)
        self.things = found
        self._seen = Counter(
            (one.label, one.kind) for one in found if not one.hidden_by and one.offered.listed
        )

    def find(self, key: tuple[str, str, str]) -> Thing | None:
        """The row of this thing."""
        return next((thing for thing in self.things if thing.key == key), None)

    def sessions(self, label: str) -> Sequence[SessionRow]:
        """The sessions in view of this server, the oldest first."""
        return offers.groups(self._sessions()).get(label, ())

    def notes(self, label: str) -> Sequence[NoteRow]:
        """What clients of this server heard of changes, and did then."""
        return next((offer.notes for offer in self._offers if offer.label == label), ())

    def seen(self, thing: Thing) -> int:
        """How many of this kind clients of its server may see now."""
        return self._seen[thing.label, thing.kind]

    def _links(self, offer: Offer) -> tuple[Link, ...]:
        return tuple(link for link in self._steer.links if link.entry.uid in offer.proxies)

    async def _state(self, offer: Offer) -> State:
        hidden: dict[Key, str] = {}
        faces: dict[str, str] = {}
        rules: list[dict[str, Any]] = []
        for link in self._links(offer):
            try:
                for kind in KINDS:
                    hidden |= await self._hidden(link, offer, kind, faces)
                rules += await self._steer.ask(link, "scope/rules/list")
            except ScopeError:
                continue  # it has just ended: the next look finds none
        self._settle(offer, hidden)
        return State(hidden, tuple(rules), faces)

    def _settle(self, offer: Offer, hidden: dict[Key, str]) -> None:
        """With each list that a client asks for it has lost what is hidden then; a note may come late."""
        for kind in KINDS:
            last = offers.last_note(offer.notes, kind)
            heard = last.id if last is not None else 0
            if self._heard.get((offer.label, kind)) == heard or offers.stale(offer.notes, kind):
                continue
            self._heard[offer.label, kind] = heard
            mine = {key for key in hidden if key[0] == kind}
            others = {key for key in self._settled.get(offer.label, ()) if key[0] != kind}
            self._settled[offer.label] = frozenset(mine | others)

    async def _hidden(self, link: Link, offer: Offer, kind: str, faces: dict[str, str]) -> dict[Key, str]:
        of = {kind, "template"} if kind == "resource" else {kind}
        names = [item.name for item in offer.items if item.kind in of]
        if not names:
            return {}
        told = await self._steer.ask(link, "scope/tools/list", kind=kind, names=names)
        faces |= told["view"]["rename"]
        return {(kind, row["name"]): row["hidden_by"] for row in told["items"] if row["hidden_by"]}
