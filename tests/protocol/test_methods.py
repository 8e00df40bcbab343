"""The table of methods says who sends what, when, and about what."""

from __future__ import annotations

import pytest

from mcpscope.protocol.message import Direction
from mcpscope.protocol.methods import METHODS, target
from mcpscope.protocol.revisions import REVISIONS, Era, era_of

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


@pytest.mark.parametrize(
    ("method", "revision", "senders"),
    [
        ("initialize", "2025-11-25", {TO_SERVER}),
        ("initialize", "2026-07-28", set()),
        ("server/discover", "2026-07-28", {TO_SERVER}),
        ("server/discover", "2025-11-25", set()),
        ("ping", "2024-11-05", {TO_SERVER, TO_CLIENT}),
        ("ping", "2026-07-28", set()),
        ("elicitation/create", "2025-03-26", set()),
        ("elicitation/create", "2025-06-18", {TO_CLIENT}),
        ("tasks/get", "2025-11-25", {TO_SERVER, TO_CLIENT}),
        ("tasks/get", "2026-07-28", {TO_SERVER}),
        ("tasks/result", "2026-07-28", set()),
        ("notifications/progress", "2025-06-18", {TO_SERVER, TO_CLIENT}),
        ("notifications/progress", "2026-07-28", {TO_CLIENT}),
    ],
)
def test_who_sends_a_method(method: str, revision: str, senders: set[Direction]) -> None:
    assert METHODS[method].sent_by(revision) == senders


def test_every_revision_has_tools() -> None:
    assert all(METHODS["tools/call"].sent_by(revision) for revision in REVISIONS)


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("tools/call", {"name": "t"}, "t"),
        ("tools/call", {"name": 5}, "5"),
        ("tools/call", {"name": ["t"]}, ""),
        ("resources/read", {"uri": "file:///x"}, "file:///x"),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}}, "p"),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "u"}}, "u"),
        ("completion/complete", {"ref": "x"}, ""),
        ("unknown/method", {"name": "x"}, ""),
    ],
)
def test_what_a_message_is_about(method: str, params: dict[str, object], name: str) -> None:
    assert target(method, params) == name


@pytest.mark.parametrize(
    ("revision", "era"),
    [
        ("2024-11-05", Era.LEGACY),
        ("2025-11-25", Era.LEGACY),
        ("2026-07-28", Era.MODERN),
        ("draft", Era.MODERN),
    ],
)
def test_the_era_of_a_revision(revision: str, era: Era) -> None:
    assert era_of(revision) is era
