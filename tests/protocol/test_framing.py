"""Lines come out whole at every chunking, with their offsets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.protocol.framing import Frame, LineFramer

TEXT = b'{"a":1}\n\r\n\n  \n{"b":"\xe2\x80\xa8\xc2\x85\r x"}\r\n{"c":3}'


def _all(chunks: list[bytes]) -> list[Frame]:
    framer = LineFramer()
    frames = [frame for chunk in chunks for frame in framer.feed(chunk)]
    tail = framer.finish()
    return [*frames, tail] if tail else frames


def _chunkings(data: bytes) -> st.SearchStrategy[list[bytes]]:
    cuts = st.lists(st.integers(0, len(data)), max_size=8).map(sorted)
    return cuts.map(lambda at: [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)])


def test_lines_end_at_line_feeds_only_and_blank_lines_are_dropped() -> None:
    frames = _all([TEXT])
    assert [frame.raw for frame in frames] == [b'{"a":1}', b'{"b":"\xe2\x80\xa8\xc2\x85\r x"}', b'{"c":3}']
    assert [frame.ending for frame in frames] == [b"\n", b"\r\n", b""]
    assert [TEXT[frame.start : frame.end] for frame in frames] == [
        frame.raw + frame.ending for frame in frames
    ]


def test_byte_by_byte_gives_the_same_frames() -> None:
    assert _all([TEXT[at : at + 1] for at in range(len(TEXT))]) == _all([TEXT])


def test_a_tail_without_a_line_end_is_a_frame_only_at_the_end() -> None:
    framer = LineFramer(offset=100)
    assert framer.feed(b'{"a"') == []
    assert framer.pending == 4
    assert framer.feed(b":1}") == []
    assert framer.finish() == Frame(b'{"a":1}', 100, 107)
    assert framer.finish() is None


def test_pending_bytes_can_be_taken_away_at_a_switch() -> None:
    framer = LineFramer()
    framer.feed(b"one\ntw")
    assert framer.take() == b"tw"
    assert framer.offset == 6
    assert framer.feed(b"o\n") == [Frame(b"o", 6, 8)]


@given(st.data(), st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"{}", b" "]), max_size=20))
def test_no_chunking_changes_the_frames_and_no_byte_is_lost(data: st.DataObject, parts: list[bytes]) -> None:
    text = b"".join(parts)
    frames = _all(data.draw(_chunkings(text)))
    assert frames == _all([text])
    at = 0
    for frame in frames:
        assert text[at : frame.start].strip() == b""
        assert text[frame.start : frame.end] == frame.raw + frame.ending
        at = frame.end
    assert text[at:].strip() == b""


_LONG = b"x" * 5000


@given(st.data(), st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"{}", b" ", _LONG]), max_size=20))
def test_lines_without_offsets_are_the_same_lines(data: st.DataObject, parts: list[bytes]) -> None:
    chunks = data.draw(_chunkings(b"".join(parts)))
    one, other = LineFramer(), LineFramer()
    for chunk in chunks:
        assert one.lines(chunk) == [frame.raw for frame in other.feed(chunk)]
        assert (one.offset, one.pending) == (other.offset, other.pending)
    assert one.finish() == other.finish()


@pytest.mark.timeout(60)
def test_a_64_mb_line_in_small_chunks_takes_linear_time() -> None:
    chunk = b"x" * 65536
    framer = LineFramer()
    began = time.perf_counter()
    for _ in range(1024):
        assert framer.feed(chunk) == []
    (frame,) = framer.feed(b"\n")
    assert len(frame.raw) == 64 << 20
    assert time.perf_counter() - began < 10
