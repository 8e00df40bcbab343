"""What is known of a session in progress: its exchanges, who talks, what the server has listed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from mcpscope.engine.catalog import Catalog
from mcpscope.engine.exchange import Exchange
from mcpscope.engine.exchanges import Exchanges
from mcpscope.engine.identity import Identity
from mcpscope.engine.live import Facts
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import LISTS, Method

_REQUEST: Final = Kind.REQUEST
_RESULT: Final = Kind.RESULT
_TELLING: Final = frozenset({Method.INITIALIZE, Method.DISCOVER})


class Memory:
    """Owns the three; every message of the session goes through ``observe`` once."""

    def __init__(
        self,
        exchanges: Exchanges | None = None,
        identity: Identity | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        self.exchanges = exchanges if exchanges is not None else Exchanges(summaries=False)
        self.identity = identity if identity is not None else Identity()
        self.catalog = catalog if catalog is not None else Catalog()
        self.initialized = bool(self.identity.facts.revision)
        """Whether a legacy client may be told of changes; what was taken up in mid-session is."""

    def __repr__(self) -> str:
        return f"<Memory {self.exchanges!r} {self.catalog!r}>"

    def observe(self, message: Message, at: int, direction: Direction, stream: int = 0) -> Exchange | None:
        """Take in one message, named by ``at``: the exchange it belongs to."""
        changed = self.exchanges.observe(message, at, at, direction, stream)
        if not changed:
            return None
        exchange = changed[0]
        # Asked only where there may be something to learn: this is on the way of every message.
        kind = message.kind
        if kind is _REQUEST:
            if message.method == Method.INITIALIZE or "_meta" in message.params:
                self.identity.observe(exchange, message)
        elif kind is _RESULT:
            if exchange.method in _TELLING or b'"_meta"' in message.raw:
                self.identity.observe(exchange, message)
            if exchange.method in LISTS:
                self.catalog.observe(exchange, message, at)
        elif message.method == Method.INITIALIZED:
            self.initialized = True
        return exchange

    def facts(self, names: tuple[str, ...]) -> Facts:
        """The names that filters ask for; ``names`` are the session's own."""
        found = self.identity.facts
        return _facts(names, found.client_name, found.server_name)


@lru_cache(maxsize=64)
def _facts(names: tuple[str, ...], client: str, server: str) -> Facts:
    return Facts(names, (client,) if client else (), (server,) if server else ())
