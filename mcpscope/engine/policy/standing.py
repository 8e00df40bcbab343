"""``default: deny``: what it denies, and what of the protocol still passes so that a session can exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcpscope.engine.rule import Action, Rule
from mcpscope.protocol.message import Direction

DEFAULT_NAME = "default: deny"

PASSES = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "subscriptions/listen",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "logging/setLevel",
        "roots/list",
    }
)
"""Methods that open, keep or describe a session and do nothing; rules may deny them by name all the same."""

_NOTES = "notifications/"


def acts(method: str) -> bool:
    """Whether a request of this method does or reads something; unknown ones are taken to."""
    return method not in PASSES and not method.startswith(_NOTES)


class _Acts:
    """Matches every request that does or reads something, in either direction, and every unknown method."""

    text = "(whatever no rule allows)"
    looks_at_answer = False
    words: frozenset[str] = frozenset()

    def names_method(self, method: str) -> bool:
        return False

    def seen(self, subject: Any) -> dict[str, Any]:
        return {"method": subject.method, **({"tool": subject.tool} if subject.tool else {})}

    def could(self, direction: Direction, method: str, tool: str) -> bool:
        return acts(method)

    @property
    def test(self) -> Callable[[Any], bool | None]:
        return self._test

    def narrowed(self, direction: Direction, method: str, tool: str) -> Callable[[Any], bool | None]:
        return self._test

    def _test(self, subject: Any) -> bool:
        return self.could(Direction.TO_SERVER, subject.method, subject.tool)


DEFAULT_RULE = Rule(
    name=DEFAULT_NAME,
    action=Action.DENY,
    condition=_Acts(),
    origin="policy",
    stands_last=True,
    message="no rule allows this, and the policy denies by default",
)
