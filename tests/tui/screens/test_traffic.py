"""Traffic as a person uses it: what is shown, followed, paused, filtered, opened."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from textual import events

from mcpscope.store.pages import Pages
from mcpscope.tui.app import Options
from tests.tui.driver import Scope, opened
from tests.tui.tape import Tape

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_every_row_is_named_by_its_tool_and_pairs_request_with_answer(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    back = tape.ask("sampling/createMessage", back=True, id="s1")
    tape.tell(back, back=True, role="assistant").store()
    async with opened(db) as scope:
        await scope.traffic.shows("search_docs", "← sampling/createMessage", "✓ ok")
        assert scope.text.count("search_docs ") == 1


async def test_what_can_happen_reads_in_different_words(db: Path, tape: Tape) -> None:
    tape.fail(tape.ask("tools/call", name="a", arguments={}), -32602, "bad")
    tape.tell(tape.ask("tools/call", name="b", arguments={}), content=[], isError=True)
    given_up = tape.ask("tools/call", name="c", arguments={})
    tape.notify("notifications/cancelled", requestId=given_up)
    late = tape.ask("tools/call", name="d", arguments={})
    tape.notify("notifications/cancelled", requestId=late).tell(late, content=[])
    tape.ask("tools/call", name="e", arguments={})
    tape.raw(b"Listening on stdio\n").stderr("a warning").store()
    async with opened(db) as scope:
        words = (
            "✗ -32602",
            "✗ tool-error",
            "~ cancel",
            "~ late",
            "◌ waiting",
            "# malformed",
            "! text",
            "slow",
        )
        await scope.traffic.shows(*words)


async def test_new_rows_are_followed_until_the_cursor_leaves_the_end(db: Path, tape: Tape) -> None:
    for number in range(40):
        tape.call(f"tool_{number}")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("tool_39")
        tape.call("tool_40")
        tape.store()
        await scope.traffic.shows("tool_40").selected_is("tool_40").press("k", "k")
        selected = scope.rows.selected
        tape.call("tool_41")
        tape.call("tool_42")
        tape.store()
        await scope.traffic.shows("▼ 2 new").hides("tool_42").selected_is("tool_38")
        assert scope.rows.selected == selected
        await scope.traffic.press("G").shows("tool_42").hides(" new ").selected_is("tool_42")


async def test_pause_freezes_the_rows_and_resume_shows_what_came(db: Path, tape: Tape) -> None:
    tape.call("before")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("before").press("p").shows("display PAUSED (traffic flows)")
        tape.call("meanwhile")
        tape.store()
        await scope.settled()
        await scope.traffic.hides("meanwhile").press("p").shows("meanwhile").hides("PAUSED")


async def test_a_waiting_call_is_answered_in_its_row(db: Path, tape: Tape) -> None:
    open_call = tape.ask("tools/call", name="slow_one", arguments={})
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("◌ waiting", "slow")
        tape.tell(open_call, ms=300, content=[])
        tape.store()
        await scope.traffic.hides("◌ waiting").shows("✓ ok")


async def test_frames_show_every_message_in_wire_order(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("search_docs").press("t").shows("answer to search_docs", "result")
        assert len(scope.rows.rows) == 7
        await scope.traffic.press("t").hides("answer to")


async def test_jumping_to_problems_skips_what_is_fine(db: Path, tape: Tape) -> None:
    tape.fail(tape.ask("tools/call", name="first_bad", arguments={}), -32000, "x")
    for number in range(5):
        tape.call(f"fine_{number}")
    tape.raw(b"junk\n")
    tape.call("last")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("last").press("left_curly_bracket").selected_is("malformed")
        await scope.traffic.press("left_curly_bracket").selected_is("first_bad")
        await scope.traffic.press("right_curly_bracket").selected_is("malformed")
        await scope.traffic.press("right_curly_bracket").shows("no problem further down")


async def test_a_filter_is_judged_while_it_is_typed_and_left_with_escape(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.fail(tape.ask("tools/call", name="search_code", arguments={}), -32602, "bad")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("search_docs").press("slash").type("tol:search")
        await scope.traffic.shows("error at 0", "^^^", "did you mean tool?", "search_docs")
        await scope.traffic.press("escape").shows("(no filter)", "search_docs")
        await (
            scope.traffic.press("slash")
            .type("is:error")
            .press("enter")
            .hides("search_docs")
            .shows("search_code")
        )
        await scope.traffic.shows("1 of 5", "/ is:error")


async def test_completion_offers_tools_with_their_counts(db: Path, tape: Tape) -> None:
    for _ in range(3):
        tape.call("search_docs", query="x")
    tape.call("search_code")
    tape.store()
    async with opened(db) as scope:
        await (
            scope.traffic.shows("search_code")
            .press("slash")
            .type("tool:se")
            .shows("search_docs 3", "search_code 1")
        )
        await scope.traffic.press("tab").press("enter").shows("/ tool:search_docs").hides("search_code")
        await (
            scope.traffic.press("slash", "ctrl+u").type("tool:").shows("search_docs 3", "a value is missing")
        )


async def test_a_filter_that_is_live_takes_in_what_passes_only(db: Path, tape: Tape) -> None:
    tape.call("one")
    tape.store()
    async with opened(db, options=Options(theme="mono", filter="")) as scope:
        await scope.traffic.shows("one").press("slash").type("is:error").press("enter").hides("→ one")
        tape.call("two")
        tape.fail(tape.ask("tools/call", name="three", arguments={}), -1, "bad")
        tape.store()
        await scope.traffic.shows("three").hides("→ two")


async def test_resizing_keeps_the_selected_exchange(db: Path, tape: Tape) -> None:
    for number in range(60):
        tape.call(f"tool_{number}")
    tape.store()
    async with opened(db, (200, 50)) as scope:
        await scope.traffic.shows("tool_59").select(20)
        selected = scope.rows.selected
        for size in ((80, 24), (120, 40), (200, 50)):
            await scope.pilot.resize_terminal(*size)
            await scope.settled()
            assert scope.rows.selected == selected
        await scope.until(lambda: "▸" in scope.text, "the cursor in view")


async def test_a_tiny_terminal_names_the_size_it_needs(db: Path, tape: Tape) -> None:
    tape.store()
    async with opened(db, (50, 12)) as scope:
        await scope.traffic.shows("mcpscope needs 60x15, this is 50x12")
        assert len([line for line in scope.lines if line.strip()]) == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_no_line_is_wider_than_the_terminal(db: Path, tape: Tape, size: tuple[int, int]) -> None:
    hostile = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e\u200b[bold]$x [$y]\\" + "検索" * 40 + "n" * 300
    tape.call(hostile, **{hostile: hostile})
    tape.stderr(hostile).raw(hostile.encode() + b"\n").store()
    async with opened(db, size) as scope:
        await scope.traffic.shows("malformed")
        for keys in ((), ("k",), ("k",), ("enter",), ("right_square_bracket",), ("right_square_bracket",)):
            await scope.press(*keys)
            assert all(char.isprintable() or char == "\n" for char in scope.text)
            assert len(scope.lines) <= size[1] + 1


async def test_marks_and_notes_are_written_and_taken_back(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("search_docs").press("k", "j").press("semicolon")
        await scope.any.shows("Note on #").type("flaky").press("enter")
        await scope.traffic.selected_is("note")
        await scope.traffic.press("space").selected_is("*▸")
        await scope.traffic.press("u", "u").shows("undone: note")
    pages = Pages(db)
    assert all("note" not in row.flags for row in pages.rows(list(range(20))).values())
    pages.close()


async def test_sorting_by_duration_stops_following_and_says_so(db: Path, tape: Tape) -> None:
    for ms in (50, 400, 10):
        tape.call(f"takes_{ms}", ms=ms)
    tape.store()
    async with opened(db, (120, 40)) as scope:
        await scope.traffic.shows("takes_10").press("o")
        await scope.any.shows("Sort by").press("d")
        await scope.traffic.shows("sorted by duration, not following")
        order = [
            scope.rows.rows.line(at, 120, here=False)[7][0].strip() for at in range(len(scope.rows.rows))
        ]
        assert order.index("takes_10") < order.index("takes_50") < order.index("takes_400")


async def test_escape_at_the_root_does_nothing_and_q_asks(db: Path, tape: Tape) -> None:
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.press("escape", "escape").press("q")
        await scope.any.shows("Quit mcpscope ui?").press("enter", "q")
        assert scope.app.is_running
        await scope.traffic.press("q")
        await scope.any.press("y")
        await scope.until(lambda: scope.app.return_value == 0, "the end")


def detail_size(scope: Scope) -> int:
    return scope.app.screen.size.width


async def test_a_long_answer_opens_and_moves(db: Path, tape: Tape) -> None:
    asked = tape.ask("tools/call", name="big", arguments={})
    tape.tell(asked, content=[{"type": "text", "text": f"row {number}"} for number in range(20_000)])
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.selected_is("big").press("enter")
        await scope.detail.shows("#").press("tab").press("G").shows("of 80,00").press("g").shows("row 1 of")


async def test_the_cursor_stays_where_it_is_while_other_screens_are_opened(db: Path, tape: Tape) -> None:
    for number in range(30):
        tape.call(f"tool_{number}")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("tool_29").select(12).selected_is("tool_8")
        await scope.traffic.press("enter")
        await scope.detail.shows("tool_8").press("escape")
        await scope.traffic.selected_is("tool_8").press("4")
        await scope.recordings.shows("fs").press("7")
        await scope.log.shows("began").press("1")
        await scope.traffic.shows("not following").selected_is("tool_8")


async def test_keys_typed_faster_than_what_they_open_act_once(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("search_docs").press("f").shows("Filter by")
        for key in "ieienq":
            scope.app.screen.post_message(events.Key(key, key))
        await scope.traffic.shows("/ tool:search_docs")
        for _ in range(3):
            scope.app.post_message(events.Key("enter", None))
        await scope.detail.shows("Request")
        assert len(scope.app.screen_stack) == 2


async def test_a_locked_database_holds_up_no_screen_and_what_could_not_be_written_is_told(
    db: Path, tape: Tape
) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("search_docs").press("G")
        with closing(sqlite3.connect(db, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await scope.traffic.press("semicolon").shows("Note on #").type("flaky").press("enter")
            began = time.monotonic()
            await scope.traffic.press("4")
            await scope.recordings.shows("STARTED", "1 recording")
            assert time.monotonic() - began < 4, "a write waits five seconds for the lock"
            await scope.recordings.press("1")
            await scope.traffic.shows("locked")
            other.execute("ROLLBACK")
        await scope.traffic.press("u").shows("nothing to undo").press("m").shows("Note on #")
        await scope.any.type("slow").press("enter").shows("213b *").press("u").shows("undone: note")


@pytest.mark.parametrize("keys", ["/tool:tool_3\r", ":filter tool:tool_3\r"], ids=["filter", "prompt"])
async def test_what_is_typed_faster_than_a_field_opens_goes_into_the_field(
    db: Path, tape: Tape, keys: str
) -> None:
    for number in range(5):
        tape.call(f"tool_{number}")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("tool_4")
        driver = scope.app._driver
        assert driver is not None
        for char in keys:  # as a terminal sends them: all at once
            name = {"\r": "enter", "/": "slash", ":": "colon", "_": "underscore", " ": "space"}.get(
                char, char
            )
            driver.send_message(events.Key(name, char))
        await scope.traffic.shows("tool_3", "1 of").hides("tool_4")


async def test_what_comes_while_the_display_thaws_is_shown(db: Path, tape: Tape) -> None:
    tape.call("before")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("before").press("p").shows("PAUSED")
        listing, counts = scope.app.traffic().listing, asyncio.Event()
        watch = scope.app.source.watch

        async def slowly(read: Any) -> Any:
            found = await watch(read)
            if "among" in getattr(read, "__qualname__", ""):
                counts.set()
                await listing.resume()  # the key comes while the new ones are counted
            return found

        scope.app.source.watch = slowly
        tape.call("meanwhile")
        tape.store()
        await scope.until(counts.is_set, "counted")
        scope.app.source.watch = watch
        await scope.traffic.shows("meanwhile").hides("PAUSED")
