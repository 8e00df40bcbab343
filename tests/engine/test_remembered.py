"""What is remembered of names to answer sooner stays small, whatever a peer calls things."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from mcpscope.engine.rule import Phase
from mcpscope.engine.ruled import Ruled
from mcpscope.engine.rules import Rules
from mcpscope.engine.steering import Steering
from mcpscope.engine.visibility import Surface, View
from mcpscope.protocol.message import Direction

NAME_BYTES, MOST_BYTES = 1 << 20, 4 << 20


def rules() -> Callable[[str], object]:
    found = Rules()
    return lambda name: found.candidates((Phase.REQUEST, Direction.TO_SERVER, "tools/call", name))


def view() -> Callable[[str], object]:
    found = View()
    found.obey(["admin_*"])
    return lambda name: found.hidden(Surface.TOOLS, name)


ASKED = {
    "members": lambda: Ruled(["exact"]).member,
    "plain": lambda: (lambda found: lambda name: found.has_plain_names((name, "b")))(Ruled(["exact"])),
    "alike": lambda: Ruled(["exact"]).alike,
    "candidates": rules,
    "hidden": view,
    "good": lambda: (lambda steering: lambda name: steering.remember_good("tools/call", name, b"{}"))(
        Steering()
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_long_names_are_not_kept(what: str) -> None:
    ask = ASKED[what]()
    tracemalloc.start()
    try:
        for number in range(12):
            ask(f"{number}" + "x" * NAME_BYTES)
        assert tracemalloc.get_traced_memory()[0] < MOST_BYTES
    finally:
        tracemalloc.stop()
