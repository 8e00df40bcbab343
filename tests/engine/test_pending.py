"""Open requests are found under their own id first, then under what peers make of it."""

from __future__ import annotations

import random

import pytest

from mcpscope.engine.exchange import Exchange, ExchangeKind, Status
from mcpscope.engine.pending import Entry, Table, UsedIds
from mcpscope.protocol.message import Direction, RpcId


def _entry(id: RpcId, number: int = 1) -> Entry:
    exchange = Exchange(number, ExchangeKind.REQUEST, Direction.TO_SERVER, "ping", 0, Status.WAITING)
    return Entry(number, exchange, 0, Direction.TO_SERVER, id, "ping")


def _table(*ids: RpcId) -> tuple[Table, list[Entry]]:
    table, entries = Table(), [_entry(id, number) for number, id in enumerate(ids, 1)]
    for entry in entries:
        table.add(entry)
    return table, entries


@pytest.mark.parametrize(
    ("asked", "answered", "exact"),
    [
        (1, 1, True),
        ("a", "a", True),
        (None, None, True),
        (1, 1.0, False),
        (1.0, 1, False),
        (1, "1", False),
        ("1", 1, False),
        ("1", 1.0, False),
        (2**53 + 1, 2**53, False),
        (2**64 + 1, float(2**64), False),
    ],
)
def test_an_answer_finds_its_request(asked: RpcId, answered: RpcId, exact: bool) -> None:
    table, (entry,) = _table(asked)
    assert table.find(answered) == (entry, exact)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (1, True),
        (True, 1),
        (0, False),
        (1, 2),
        ("1", "01"),
        (1, None),
        (None, "null"),
        (2**53 + 1, 2**53 + 4),
    ],
)
def test_an_answer_to_another_id_finds_nothing(asked: RpcId, answered: RpcId) -> None:
    table, _ = _table(asked)
    assert table.find(answered) == (None, False)


def test_of_three_spellings_each_is_found_by_its_own() -> None:
    table, entries = _table(1, 1.0, "1")
    assert [table.find(id)[0] for id in (1, 1.0, "1")] == entries
    table.remove(entries[1])
    assert table.find(1.0) == (entries[0], False)


def test_the_newest_of_one_id_is_first_and_none_is_lost() -> None:
    table, entries = _table(1, 2, 1, 1)
    assert [entry.number for entry in table] == [4, 3, 1, 2]
    for expected in (entries[3], entries[2], entries[0]):
        assert table.find(1)[0] is expected
        table.remove(expected)
    assert len(table) == 1


def test_any_entry_can_be_removed() -> None:
    table, entries = _table(*[id % 3 for id in range(12)])
    random.Random(1).shuffle(entries)
    for left in range(11, -1, -1):
        table.remove(entries.pop())
        assert len(list(table)) == left


def test_used_ids_are_known_by_type_and_value() -> None:
    used = UsedIds()
    assert [used.add(id) for id in (5, 6, 7, 6, 1, 1, "5", "5", 5.0)] == [
        False,
        False,
        False,
        True,
        False,
        True,
        False,
        True,
        False,
    ]
    again = UsedIds(*used.snapshot())
    assert [again.add(id) for id in (5, "5", 5.0, 8, 9)] == [True, True, True, False, False]


def test_rising_ids_cost_no_memory() -> None:
    used = UsedIds()
    assert not any(used.add(id) for id in range(10_000))
    assert used.snapshot() == [0, 9999, []]


def test_the_memory_of_used_ids_is_bounded() -> None:
    used = UsedIds()
    for number in range(5000):
        used.add(f"id-{number}")
    assert len(used.snapshot()[2]) == UsedIds.LIMIT
