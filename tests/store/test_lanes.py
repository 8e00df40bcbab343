"""Lanes: the same frames at every chunking, and after a restart at every chunk."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.store.lanes import Lane

LINES = b'{"a":1}\n\n  \r\n{"b":"' + "é\u2028".encode() + b'"}\r\n' + b"x" * 40 + b"\n\xff\n"
EVENTS = b": hi\n\nid: 1\r\ndata: one\rdata: two\r\n\r\nevent: endpoint\ndata: /m\n\nretry: 5\n\ndata:{}\n\n"
STREAMS = {"lines": (LINES, 4), "events": (EVENTS, 2), "whole": (LINES, 0)}


def cuts_of(data: bytes) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, len(data) - 1), max_size=12).map(lambda found: sorted(set(found)))


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *cuts, len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(sorted(STREAMS)))
def test_a_lane_begun_again_at_any_chunk_gives_the_same_frames(data: st.DataObject, kind: str) -> None:
    stream, count = STREAMS[kind]
    parts = chunks(stream, data.draw(cuts_of(stream)))
    whole = Lane(kind)
    expected = whole.feed(stream, 1, 0)
    rest = whole.take()
    assert len(expected) == count
    restarts = data.draw(st.sets(st.integers(0, len(parts)), max_size=4))
    spills = data.draw(st.sets(st.integers(0, len(parts)), max_size=4))
    lane, found, stored = Lane(kind), [], list[bytes]()
    for number, part in enumerate(parts):
        found += lane.feed(part, 1, number)
        if lane.outlived:
            stored, lane.pieces = [], 0
        if number in spills and lane.resume is not None:
            stored.append(lane.spill())
        if number in restarts:
            lane = restarted(lane, stored, parts, number)
    assert found == expected
    assert lane.take() == rest


@pytest.mark.parametrize(
    ("parts", "frame"),
    [
        ([b"data: a\r\n\r", b"\ndata: b", b"cd"], b"bcd"),  # the LF belongs to the event before
        ([b"\xef\xbb\xbfdata: b\rdata", b": c", b"d"], b"b\ncd"),  # only the first line may have the mark
    ],
)
@pytest.mark.parametrize("restarts", [(), (2,), (0, 1, 2)])
def test_what_was_put_aside_twice_of_an_event_is_all_of_it(
    parts: list[bytes], frame: bytes, restarts: tuple[int, ...]
) -> None:
    lane, stored = Lane("events"), list[bytes]()
    for number, part in enumerate(parts):
        lane.feed(part, 1, number)
        stored.append(lane.spill())
        if number in restarts:
            lane = restarted(lane, stored, parts, number)
    assert lane.feed(b"\n\n", 2, 0) == [frame]


def restarted(old: Lane, stored: list[bytes], parts: list[bytes], last: int) -> Lane:
    """A new lane that knows what the database and the journal know."""
    lane = Lane(old.kind)
    if old.pieces:
        lane.unspill(stored)
    if old.resume is not None:
        _, start, skip = old.resume
        for number in range(start, last + 1):
            at = skip if number == start else 0
            assert lane.feed(parts[number][at:], 1, number, at) == []
    return lane
