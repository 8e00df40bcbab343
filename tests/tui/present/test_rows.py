"""Rows, verdicts, figures and chrome: widths hold, words differ, nothing is cut in the middle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from mcpscope.store.listed import ExchangeRow
from mcpscope.text import safe
from mcpscope.tui import actions
from mcpscope.tui.action import key_name
from mcpscope.tui.present import chrome, figures
from mcpscope.tui.present.glyphs import ASCII, UTF8
from mcpscope.tui.present.rows import Look, columns, heading, label, row_line, shown_flags
from mcpscope.tui.present.spans import clip, keep_whole, spread, width_of, wrap
from mcpscope.tui.present.verdict import STATUSES, verdict

SECOND = 1_000_000_000
ROW = ExchangeRow(
    id=1274, session_id=1, kind="request", dir="c2s", method="tools/call", tool="search_docs", name="",
    rpc_id="42",
    status="ok", code=None, opened_at=1_700_000_000 * SECOND, ended_at=None, dur_ns=210_000_000, request_id=1,
    answer_id=2, req_bytes=180, res_bytes=3100, flags=(), parent_id=None, legs=1,
    summary='query="quota"', stream=0,
)  # fmt: skip
LOOK = Look(UTF8, UTC, 1_700_000_030 * SECOND, (1_700_000_000 * SECOND, 1_700_000_060 * SECOND))


def shown(row: ExchangeRow, width: int, look: Look = LOOK, *, waterfall: bool = False) -> str:
    return "".join(
        text for text, _ in row_line(row, columns(width, waterfall=waterfall), width, look, here=False)
    )


@pytest.mark.parametrize("width", [60, 66, 72, 80, 99, 100, 120, 159])
@pytest.mark.parametrize("tool", ["x", "t" * 300, "検索" * 40, "👩‍👩‍👧" * 9, "a\x1b[2J\u202eb"])
def test_a_row_is_exactly_as_wide_as_its_list(width: int, tool: str) -> None:
    row = replace(ROW, tool=tool, summary=tool, flags=("edited", "bp", "slow", "img"))
    line = row_line(row, columns(width), width, LOOK, here=True)
    assert width_of(line) <= width
    assert width_of(heading(columns(width), width)) <= width


@pytest.mark.parametrize("width", [60, 80, 103, 120])
def test_status_is_in_every_width(width: int) -> None:
    assert "✗ -32602" in shown(replace(ROW, status="rpc-error", code=-32602), width, waterfall=width == 103)


@pytest.mark.parametrize("glyphs", [UTF8, ASCII])
def test_every_status_has_a_word_of_its_own(glyphs: object) -> None:
    assert isinstance(glyphs, type(UTF8))
    words = {status: verdict(status, glyphs, code=-32602).text for status in STATUSES}
    assert len(set(words.values())) == len(words), words
    if glyphs is ASCII:
        assert all(word.isascii() for word in words.values())


def test_a_waiting_row_counts_up_and_becomes_slow() -> None:
    row = replace(ROW, status="waiting", dur_ns=None, answer_id=None, res_bytes=None)
    assert "30.0s" in shown(row, 80)
    assert shown_flags(row, row.opened_at + SECOND // 2) == []
    assert shown_flags(row, row.opened_at + SECOND) == ["slow"]


def test_a_row_is_labelled_by_tool_then_method() -> None:
    assert label(ROW) == "search_docs"
    assert label(replace(ROW, method="tools/list", tool="")) == "tools/list"
    assert label(replace(ROW, kind="stderr", method="", tool="")) == "stderr"


def test_a_server_request_points_back_and_stands_under_its_cause() -> None:
    text = shown(replace(ROW, dir="s2c", method="sampling/createMessage", tool="", parent_id=7), 120)
    assert "←   sampling/createMessage" in text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0b"),
        (44, "44b"),
        (999, "999b"),
        (1000, "1.0k"),
        (2150, "2.1k"),
        (1_600_000, "1.5M"),
        (61_000_000, "58M"),
        (3 << 40, "3.0T"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert figures.size(count) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0ms"),
        (210_400_000, "210ms"),
        (999_900_000, "1.00s"),
        (61_400_000_000, "61.4s"),
        (724_000_000_000, "12m04"),
        (12_000_000_000_000, "3h20"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert figures.duration(ns) == text
    assert len(text) <= 6


def test_clip_and_spread_never_exceed_the_width() -> None:
    for width in range(30):
        assert width_of([(clip("日本語のツール" * 3, width), "")]) <= width
        assert width_of(spread([("left" * 5, "")], [("right", "")], width)) <= max(width, 0)


@pytest.mark.parametrize("place", ["traffic", "detail", "recordings", "log", "first"])
@pytest.mark.parametrize("width", range(60, 201, 7))
def test_no_key_bar_entry_is_cut(place: str, width: int) -> None:
    entries = actions.bar(place)
    text = "".join(text for text, _ in chrome.keys(width, entries, UTF8))
    assert len(text) <= width
    whole = [f"{key_name(a.keys[0])} {a.label}" for a in entries]
    found = [part for part in text.strip().split("  ") if part]
    if "? Help" in whole:  # the way to all the others stays
        assert "? Help" in found
        found = [part for part in found if part != "? Help"]
        whole.remove("? Help")
    assert found == whole[: len(found)] and found


def test_keep_whole_drops_from_the_right() -> None:
    assert keep_whole([[("abc", "")], [("def", "")]], 6) == [(" ", ""), ("abc", "")]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_header_keeps_the_state_and_its_width(width: int) -> None:
    head = chrome.Heading(
        "Traffic",
        "fs (stdio)",
        "fs (stdio: npx server " + "x" * 200 + ")",
        "claude-code 2.1",
        "2025-11-25",
        4,
        "live",
        "",
        "REC",
    )
    line = chrome.header(width, head, UTF8)
    text = "".join(text for text, _ in line)
    assert width_of(line) <= width
    assert "● LIVE REC" in text
    assert width < 80 or ("fs (stdio)" in text and "claude-code 2.1" in text)


def test_what_a_person_changed_is_seen_in_every_width() -> None:
    row = replace(ROW, flags=("bp", "rule:b12", "slow", "edited"))
    assert shown_flags(row, LOOK.now_ns) == ["edited", "bp", "slow"]
    for width, waterfall in ((80, False), (104, True), (120, False)):
        assert "edited" in shown(row, width, waterfall=waterfall)
    assert "rule:no" in shown_flags(replace(ROW, flags=("rule:no", "bp")), 0)


def test_the_header_leaves_room_before_the_state() -> None:
    head = chrome.Heading("Holds", "demo (stdio)", client="demo-client 1.0.0", state="live", rec="REC")
    for width in range(60, 100):
        text = "".join(part for part, _ in chrome.header(width, head, UTF8))
        assert "  ● LIVE" in text and width_of(chrome.header(width, head, UTF8)) == width


@pytest.mark.parametrize(
    "text", ["one two three " * 9, "x" * 100, "検索" * 40, "", "a\x1b[2J b", "wide 検索 " * 9]
)
@pytest.mark.parametrize("width", [8, 20, 57])
def test_a_wrapped_text_is_whole_and_fits(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(width_of([(line, "")]) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == safe(text).replace(" ", "")


def test_a_subscription_that_is_open_is_not_slow() -> None:
    row = replace(ROW, method="subscriptions/listen", tool="", status="waiting", dur_ns=None, answer_id=None)
    assert shown_flags(row, LOOK.now_ns) == []
    assert shown_flags(replace(row, status="cancelled", dur_ns=60 * SECOND, flags=("cancel", "slow")), 0) == [
        "cancel"
    ]
