"""Events keep their bytes, split at CR, LF and CR LF only, at every chunking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.protocol.sse import SseEvent, SseParser, with_data, write_comment, write_event


def _all(chunks: list[bytes]) -> tuple[list[SseEvent], bytes]:
    parser = SseParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events, parser.finish()


def _facts(events: list[SseEvent]) -> list[tuple[bytes | None, str, str | None, int | None]]:
    return [(e.data, e.event, e.id, e.retry) for e in events if e.data is not None or e.retry or e.id]


STREAM = (
    b"\xef\xbb\xbf: hello\n\n"
    b"id: 1\ndata:\nretry: 500\n\n"
    b'event: message\r\nid: 2\r\ndata: {"a":1}\r\n\r\n'
    b"data: one\rdata:two\rdata\r\r"
    b"event: endpoint\ndata: /messages?x=1\n: late comment\n\n"
    b"data: \xe2\x80\xa8\xc2\x85\x0b\x0c|\n\n"
    b"data: unfinished"
)


def test_a_stream_is_read_as_the_standard_says() -> None:
    events, rest = _all([STREAM])
    assert _facts(events) == [
        (b"", "message", "1", 500),
        (b'{"a":1}', "message", "2", None),
        (b"one\ntwo\n", "message", None, None),
        (b"/messages?x=1", "endpoint", None, None),
        (b"\xe2\x80\xa8\xc2\x85\x0b\x0c|", "message", None, None),
    ]
    assert rest == b"data: unfinished"
    assert b"".join(event.raw for event in events) + rest == STREAM


def test_byte_by_byte_gives_the_same_events() -> None:
    events, rest = _all([STREAM[at : at + 1] for at in range(len(STREAM))])
    assert _facts(events) == _facts(_all([STREAM])[0])
    assert b"".join(event.raw for event in events) + rest == STREAM


def test_a_comment_does_not_wait_for_a_blank_line() -> None:
    assert [event.raw for event in SseParser().feed(b": ping\n")] == [b": ping\n"]


def test_an_event_ended_by_a_lone_cr_is_not_kept_back() -> None:
    parser = SseParser()
    assert [event.data for event in parser.feed(b"data: x\r\r")] == [b"x"]
    assert [event.data for event in parser.feed(b"\ndata: y\r\n\r")] == [b"y"]
    assert parser.last_id == ""


def test_ids_with_nul_and_retries_with_letters_are_ignored() -> None:
    parser = SseParser()
    (event,) = parser.feed(b"id: a\0b\nretry: 1x\nfoo: bar\ndata: x\n\n")
    assert (event.id, event.retry, event.data) == (None, None, b"x")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_edit_changes_the_data_lines_and_nothing_else(end: bytes) -> None:
    raw = end.join([b": c", b"id: 7", b"data: old", b"x: y", b"data: older", b"event: message", b"", b""])
    event = next(event for event in SseParser().feed(raw) if event.data is not None)
    edited = with_data(event, b'{"new":\n1}')
    assert edited == end.join([b"id: 7", b'data: {"new":', b"data: 1}", b"x: y", b"event: message", b"", b""])
    (again,) = SseParser().feed(edited)
    assert (again.data, again.id) == (b'{"new":\n1}', "7")


def test_what_we_write_is_read_back() -> None:
    events = SseParser().feed(write_event(b"a\r\nb", event="x", id="9") + write_comment("alive"))
    assert _facts(events) == [(b"a\nb", "x", "9", None)]


@given(
    st.lists(
        st.sampled_from(
            [b"\r", b"\n", b"\r\n", b"data: x", b"id: 1", b": c", b"event: e", b"\xef\xbb\xbf", b"d"]
        ),
        max_size=24,
    ),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_no_chunking_changes_the_events_and_no_byte_is_lost(parts: list[bytes], cuts: list[int]) -> None:
    text = b"".join(parts)
    at = sorted({min(cut, len(text)) for cut in cuts})
    chunks = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
    events, rest = _all(chunks)
    assert b"".join(event.raw for event in events) + rest == text
    assert _facts(events) == _facts(_all([text])[0])
