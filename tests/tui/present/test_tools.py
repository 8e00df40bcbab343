"""Tools in lines: every state at every width, and whatever a server may call a definition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.store.offered import Call, Offered
from mcpscope.store.pins import Baseline
from mcpscope.tui.offers import Thing, drift_of
from mcpscope.tui.present import form, tools
from mcpscope.tui.present.glyphs import ASCII, UTF8
from mcpscope.tui.present.spans import Line, width_of
from mcpscope.tui.present.toolfacts import facts
from mcpscope.tui.screens.composing import of_thing
from tests.tui.tape import CLOCK

RULE: dict[str, Any] = {
    "name": "b1",
    "enabled": True,
    "on": "request",
    "fault": None,
    "skip": 0,
    "once": False,
}
FAULT = {**RULE, "name": "fault1", "action": "delay", "delay": 2.0, "fault": {"probability": 0.5}, "hits": 3}
WORDS = ["type", "properties", "required", "enum", "default", "minimum", "anyOf", "name", "a", "description"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("title", "description", "inputSchema", "outputSchema", "annotations", "arguments"), JSON
    ),
)


def thing(**more: Any) -> Thing:
    """A tool that was called twice."""
    body = {"name": "look", "inputSchema": {"type": "object"}, "annotations": {"destructiveHint": True}}
    offered = Offered("tool", "look", [body], [1])
    offered.used(Call(1, 1, "ok", None, 210_000_000), 90)
    offered.used(Call(2, 2, "rpc-error", -32602, 9_000_000), 40)
    offered.durations.sort()
    return Thing("shop", offered, offered.size, **more)


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


def row(one: Thing, width: int = 80, glyphs: Any = UTF8) -> str:
    return text(tools.thing_line(one, width, glyphs, CLOCK, here=False, marked=False, servers=1))


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, "    ●           look "),
        ({"hidden_by": "look"}, "    ○           look "),
        ({"hidden_by": "look", "stale": True}, "    ○!          look "),
        ({"breaks": (RULE,)}, "    ●   ◉rq     look "),
        ({"breaks": ({**RULE, "on": "answer"},)}, "    ●   ◉rs     look "),
        ({"breaks": ({**RULE, "on": "both", "enabled": False},)}, "    ●   ○2      look "),
        ({"faults": (FAULT,)}, "    ●         F look "),
        ({"face": "see"}, "    ●           look as see "),
    ],
)
def test_every_state_has_its_sign(more: dict[str, Any], wanted: str) -> None:
    assert row(thing(**more)).startswith(wanted)
    assert row(thing(**more)).rstrip().endswith("DESTROYS       2    1     9ms  210ms   86b")
    assert row(thing(**more), glyphs=ASCII).isascii()


def test_what_a_fault_does_is_said_where_there_is_room() -> None:
    assert "delay 2s p=0.5" in row(thing(faults=(FAULT,)), 140)
    lines = facts(thing(faults=(FAULT,)), [], 80, UTF8, CLOCK, seen=1)
    assert any("fault1: delay 2s p=0.5  3 hits" in text(line) for line in lines)


@settings(max_examples=60, deadline=None)
@given(
    BODIES,
    BODIES,
    st.sampled_from(["tool", "prompt", "resource", "template"]),
    st.text(),
    st.integers(60, 220),
)
def test_nothing_that_a_server_says_breaks_a_line(
    now: Any, was: Any, kind: str, name: str, width: int
) -> None:
    offered = Offered(kind, name, [was, now], [1, 2])
    one = Thing("l", offered, offered.size, drift=drift_of(offered, Baseline(True, {name: (was, 5)})))
    lines = [
        tools.thing_line(one, width, UTF8, CLOCK, here=True, marked=True, servers=2),
        tools.tabs_line([one], "tool", width),
        *facts(one, [], width, UTF8, CLOCK, seen=1),
    ]
    assert all(width_of(line) <= width for line in lines)
    assert tools.schema_lines(one) and tools.drift_lines(one, CLOCK) and tools.call_lines(one, UTF8, CLOCK)
    fields = form.fields_of(of_thing(one).schema)
    assert form.arguments_of(fields, {field.name: "1" for field in fields}, {}) is not None


def test_a_schema_that_requires_what_is_no_name_is_shown() -> None:
    odd = {"properties": {"a": {"type": [{}]}}, "required": [{}, "a", 1]}
    offered = Offered("tool", "odd", [{"inputSchema": odd}], [1])
    assert "required" in "".join(map(text, tools.schema_lines(Thing("l", offered, 9))))
