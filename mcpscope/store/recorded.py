"""One session while its journal is read: what must be known of it to understand the next record."""

from __future__ import annotations

from typing import Any

from mcpscope.engine.catalog import Catalog
from mcpscope.engine.exchange import Exchange
from mcpscope.engine.exchanges import Exchanges
from mcpscope.engine.identity import Identity
from mcpscope.protocol.message import Message
from mcpscope.protocol.methods import LISTS, Method
from mcpscope.protocol.revisions import META_PREFIX
from mcpscope.store.drifting import Drifting

Way = tuple[int, int]
"""Direction byte and stream."""


INTRODUCTORY = frozenset({Method.INITIALIZE.value, Method.DISCOVER.value, *map(str, LISTS)})
"""Methods whose requests or answers say who a peer is or what a server offers."""

ENVELOPE = META_PREFIX.rstrip("/").encode()
"""What is in every message of the modern era that says the same."""


class Recorded:
    """A session from its SESSION_OPEN to its end. ``id`` is its row, ``number`` its place in the journal."""

    __slots__ = (
        "_listed",
        "awaiting",
        "catalog",
        "channel",
        "channels",
        "drifting",
        "exchanges",
        "id",
        "identity",
        "introduced",
        "last_at",
        "last_of",
        "max_body",
        "number",
        "owners",
        "redacts",
        "sealed",
        "seen_bytes",
        "seen_exchanges",
        "seen_messages",
        "state",
        "touched",
    )

    def __init__(self, id: int, number: int) -> None:
        self.id = id
        self.number = number
        self.exchanges = Exchanges()
        self.identity = Identity()
        self.catalog = Catalog()
        self.introduced = False  # who talks to whom is known better than the session's row says
        self.last_at = 0
        self.max_body = 0
        self.redacts = False  # secrets are taken out of its messages, which leaves marks in them
        self.sealed = False  # its rows are chained
        # The first message of the last record of each way: if we were killed, nobody knows whether it left.
        self.last_of: dict[Way, int] = {}
        # Messages of the gate, by the time that names them, whose final outcome is still to come.
        self.awaiting: dict[int, int] = {}
        # Their exchanges.
        self.owners: dict[int, int] = {}
        # MCP's own session id, by the HTTP stream that named it and is still open.
        self.channels: dict[int, str] = {}
        # The same for all streams where the connection is the session: HTTP+SSE, or a client on stdio.
        self.channel = ""
        self.drifting = Drifting(id)
        # Whether this transaction has changed anything here, and the snapshot of the last one that did.
        self.touched = True
        self.state: dict[str, Any] = {}
        self._listed: tuple[int, dict[str, Any]] = (-1, {})
        # What this transaction adds to the counters of the session's row.
        self.seen_messages = 0
        self.seen_exchanges = 0
        self.seen_bytes = 0

    def __repr__(self) -> str:
        return f"<Recorded {self.id} number={self.number} awaiting={len(self.awaiting)}>"

    def time(self, at: int) -> int:
        """``at``, or the last time again where the clock was set back: here it never runs backwards."""
        if at > self.last_at:
            self.last_at = at
        return self.last_at

    def learn(self, exchange: Exchange, message: Message, id: int, at: int) -> list[tuple[Any, ...]]:
        """Note who talks to whom; returns rows of ``definitions`` for what the server offers anew."""
        try:
            self.introduced |= self.identity.observe(exchange, message)
            listed = self.catalog.observe(exchange, message, at)
        except Exception:  # a peer that describes itself in a way we cannot bear is recorded all the same
            return []
        return [
            (self.id, id, at, seen.kind.value, seen.name, seen.digest, seen.text.encode()) for seen in listed
        ]

    def snapshot(self) -> dict[str, Any]:
        """All of it as JSON; ``restore`` takes it back."""
        return {
            "id": self.id,
            "number": self.number,
            "last_at": self.last_at,
            "max_body": self.max_body,
            "redacts": self.redacts,
            "sealed": self.sealed,
            "last_of": [[*way, first] for way, first in self.last_of.items()],
            "awaiting": list(self.awaiting.items()),
            "owners": list(self.owners.items()),
            "channel": self.channel,
            "channels": list(self.channels.items()),
            "identity": self.identity.snapshot(),
            "exchanges": self.exchanges.snapshot(),
            "drift_noted": not self.drifting.notes,
        }

    def checkpoint(self) -> dict[str, Any]:
        """The last snapshot, and the catalog as it stands: what a gate takes up."""
        if self.catalog.changes != self._listed[0]:
            self._listed = (self.catalog.changes, self.catalog.snapshot())
        return {**self.state, "catalog": self._listed[1]}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Recorded:
        """The catalog is not in ``state``: what it knows are the rows of ``definitions``."""
        made = cls(state["id"], state["number"])
        made.last_at = state["last_at"]
        made.max_body = state["max_body"]
        made.redacts = state.get("redacts") is True
        made.sealed = state.get("sealed") is True
        made.last_of = {(dir, stream): first for dir, stream, first in state["last_of"]}
        made.awaiting = dict(state["awaiting"])
        made.owners = dict(state["owners"])
        made.channel = str(state.get("channel") or "")
        made.channels = dict(state["channels"])
        made.identity.restore(state["identity"])
        made.exchanges.restore(state["exchanges"])
        made.drifting.notes = not state.get("drift_noted")
        made.touched, made.state = False, state
        return made
