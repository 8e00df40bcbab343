"""Work beside the UI: a worker is given a function, so that one that never begins leaves no coroutine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from textual.css.query import NoMatches
from textual.dom import DOMNode

EVERYTHING_ELSE = "default"


def begin(
    node: DOMNode,
    work: Callable[..., Coroutine[Any, Any, None]],
    *args: Any,
    group: str = EVERYTHING_ELSE,
    exclusive: bool = False,
) -> None:
    """Run ``work(*args)`` as a worker of ``node``; ``exclusive`` ends what else runs in its group."""
    function: Callable[[], Awaitable[None]] = partial(_whole, node, work, args)
    node.run_worker(function, group=group, exclusive=exclusive)


async def _whole(
    node: DOMNode, work: Callable[..., Coroutine[Any, Any, None]], args: tuple[Any, ...]
) -> None:
    """Work that comes back to a node of which the parts are gone has nothing to do any more."""
    try:
        await work(*args)
    except NoMatches:
        if not gone(node):
            raise


def gone(node: DOMNode) -> bool:
    """Whether a screen (or the app) is being taken down, so that its parts may be missing."""
    return not (node.app.is_running and node.is_attached and node.children)
