"""How long a client waits before it gives up, and how we know."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from mcpscope.engine.rule import Rule

SECOND_NS = 1_000_000_000
KEPT_GIVE_UPS = 5
ASSUMED_NS = 60 * SECOND_NS

# What clients are known to wait for an answer: None is "as long as it takes".
_KNOWN_NS: tuple[tuple[str, int | None], ...] = (
    ("claude-ai", 60 * SECOND_NS),
    ("claude-desktop", 60 * SECOND_NS),
    ("mcp-inspector", 60 * SECOND_NS),
    ("inspector-client", 60 * SECOND_NS),
    ("mcp-typescript", 60 * SECOND_NS),
    ("typescript-sdk", 60 * SECOND_NS),
    ("python-sdk", None),
    ("mcp", None),
)


class Source(StrEnum):
    """Where a limit comes from; always shown with it."""

    SET = "set"
    LEARNED = "learned"
    KNOWN = "known"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Clock:
    """A limit in ns (None: it waits as long as it takes) and its source. Only a ``set`` one ever fires."""

    limit_ns: int | None
    source: Source

    @property
    def fires(self) -> bool:
        return self.source is Source.SET and self.limit_ns is not None


class ClientClocks:
    """The limits of the clients of one proxy: what was set, what was learned of each by name."""

    def __init__(self, set_ns: int | None = None) -> None:
        self.set_ns = set_ns
        self._learned: dict[str, deque[int]] = {}

    def __repr__(self) -> str:
        return f"<ClientClocks set={self.set_ns} learned={ {k: list(v) for k, v in self._learned.items()} }>"

    def learn(self, client: str, waited_ns: int) -> None:
        """A client gave up after ``waited_ns``."""
        self._learned.setdefault(client, deque(maxlen=KEPT_GIVE_UPS)).append(waited_ns)

    def of(self, client: str, rule: Rule | None = None) -> Clock:
        """The limit for a hold made by ``rule`` while ``client`` waits: the first source that knows one."""
        if rule is not None and rule.timeout_ns is not None:
            return Clock(rule.timeout_ns, Source.SET)
        if self.set_ns is not None:
            return Clock(self.set_ns, Source.SET)
        if learned := self._learned.get(client):
            return Clock(min(learned), Source.LEARNED)
        name = client.lower()
        for known, limit in _KNOWN_NS:
            if name == known or (len(known) > 3 and name.startswith(known)):
                return Clock(limit, Source.KNOWN)
        return Clock(ASSUMED_NS, Source.ASSUMED)
