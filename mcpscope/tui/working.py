"""Work beside the UI: a worker is given a function, so that one that never begins leaves no coroutine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

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
    function: Callable[[], Awaitable[None]] = partial(work, *args)
    node.run_worker(function, group=group, exclusive=exclusive)
