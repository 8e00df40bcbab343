"""Whatever is recorded and however large the terminal is: no line is wider, nothing is cut, nothing leaks."""

from __future__ import annotations

import unicodedata
from itertools import product
from pathlib import Path

import pytest
from rich.cells import cell_len

from mcpscope.tui import actions
from mcpscope.tui.action import key_name
from mcpscope.tui.app import Options
from mcpscope.tui.present import chrome
from mcpscope.tui.present.glyphs import ASCII, UTF8
from tests.tui.driver import Scope, opened
from tests.tui.tape import Tape

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
SIZES = ((80, 24), (120, 40), (200, 50))
HOSTILE = (
    "\x1b]0;OWNED\x07\x1b]52;c;T1dORUQ=\x07\x1b[2J\x1b[8m\x9b31m\r\n\t\x00\x7f\u202e\u2066\u200b\U000e0041"
    "[bold red]$x [/] {0} %s \\ 日本語 👩‍👩‍👧 🇨🇭 é مرحبا "
)
UNSHOWN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
LONG = "n" * 300
WIDE = "名" * 300
WALK = (
    ("traffic", ("g", "j", "j", "t", "t", "p", "p")),
    ("traffic", ("enter", "tab", "]", "]", "]", "]", "]", "]", "W", "escape")),
    ("traffic", ("y", "escape", "f", "escape", "question_mark", "escape", "ctrl+p", "escape", "o", "escape")),
    ("traffic", ("2", "3", "4", "question_mark", "escape", "5", "6", "7", "8", "9", "H", "escape", "1")),
)
"""Through every screen and menu; after each key the picture is held to its size."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def hostile(db: Path) -> Path:
    """A session with hostile text in every field that a peer can fill."""
    nasty = {"name": HOSTILE, "version": WIDE}
    tape = Tape(db, label=HOSTILE, command=["srv", HOSTILE, LONG], record_name=None)
    hello = tape.ask("initialize", protocolVersion=HOSTILE, capabilities={HOSTILE: {}}, clientInfo=nasty)
    tape.tell(hello, protocolVersion=HOSTILE, capabilities={}, serverInfo=nasty, instructions=HOSTILE)
    tools = [
        {"name": name, "title": HOSTILE, "description": HOSTILE, "inputSchema": {"properties": {HOSTILE: {}}}}
        for name in (HOSTILE, LONG, WIDE)
    ]
    tape.tell(tape.ask("tools/list"), tools=tools)
    for name in (HOSTILE, LONG, WIDE):
        tape.call(name, **{name: name})
        tape.fail(tape.ask(name, id=name, x=name), -32000, name)
        tape.tell(tape.ask("tools/call", name=name, arguments={}), isError=True, content=[{"type": name}])
    image = {"type": "image", "mimeType": HOSTILE, "data": HOSTILE}
    linked = {"type": "resource_link", "uri": HOSTILE, "name": WIDE}
    tape.tell(tape.ask("tools/call", name="media", arguments={}), content=[image, linked])
    tape.notify("notifications/message", back=True, level="error", data=HOSTILE)
    tape.stderr(HOSTILE.replace("\n", " ")).stderr(WIDE).raw(HOSTILE.encode() + b"\n").raw(b"\xff\xfe{\n")
    tape.ask("tools/call", name=WIDE, arguments={HOSTILE: [HOSTILE, {WIDE: LONG}]})
    tape.store()
    return db


def holds_its_shape(scope: Scope) -> None:
    """Every line is as wide as the terminal, in its place, and made of what can be shown."""
    width, height = scope.app.size
    strips = scope.app.screen._compositor.render_strips()
    assert len(strips) == height
    for number, strip in enumerate(strips):
        assert strip.cell_length == width, (number, strip.text)
        assert cell_len(strip.text) == width, (number, strip.text)
        bad = {
            char for char in strip.text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        }
        assert not bad, (number, bad)
    if hasattr(scope.app.screen, "place"):
        assert scope.lines[0].startswith(" mcpscope"), scope.lines[0]


@pytest.mark.parametrize("size", SIZES, ids=[f"{wide}x{high}" for wide, high in SIZES])
async def test_hostile_text_in_every_field_leaves_every_screen_intact(
    hostile: Path, size: tuple[int, int]
) -> None:
    async with opened(hostile, size) as scope:
        await scope.traffic.shows("malformed")
        for place, keys in WALK:
            await scope.goes_to(place)
            for key in keys:
                await scope.press({"]": "right_square_bracket"}.get(key, key))
                holds_its_shape(scope)


async def test_a_new_size_keeps_what_is_selected_while_traffic_runs(db: Path, tape: Tape) -> None:
    for number in range(40):
        tape.call(f"tool_{number}")
    tape.store()
    async with opened(db, (200, 50)) as scope:
        await scope.traffic.shows("tool_39").select(20)
        chosen = scope.rows.selected
        for wide, high in ((80, 24), (200, 50), (80, 24), (120, 40), (60, 15)):
            await scope.pilot.resize_terminal(wide, high)
            tape.call(f"more_{wide}")
            tape.store()
            await scope.until(lambda: "new" in scope.text, "counts what is new")
            assert scope.rows.selected == chosen
            holds_its_shape(scope)
        await scope.pilot.resize_terminal(50, 12)
        await scope.settled()
        assert scope.lines[0].strip() == "mcpscope needs 60x15, this is 50x12"
        assert not "".join(scope.lines[1:]).strip()


@pytest.mark.parametrize("glyphs", [UTF8, ASCII], ids=["utf8", "ascii"])
def test_no_key_bar_cuts_an_entry_at_any_width(glyphs: object) -> None:
    places = sorted({place for action in actions.ACTIONS for place in action.places})
    for place, width in product(places, range(60, 201)):
        line = chrome.keys(width, actions.bar(place), glyphs)  # type: ignore[arg-type]  # either set of signs
        shown = "".join(text for text, _ in line)
        assert len(shown) <= width
        whole = [f"{key_name(action.keys[0])} {action.label}" for action in actions.bar(place)]
        found = shown.strip().split("  ")
        if "? Help" in found and found != whole[: len(found)]:  # the way to all the others stays
            found.remove("? Help")
        count = len(found)
        assert found == whole[:count], (place, width, shown)
        assert count > 2 or count == len(whole), (place, width, shown)


DIALOGS = ("o", "y", "f", "question_mark", "ctrl+p", "colon")
OPENED = (
    *(key for opens in DIALOGS for key in (opens, "escape")),
    *("enter", *["right_square_bracket"] * 7, "n", "escape"),
    *("R", "ctrl+d", "escape", "escape", "slash", "escape", "t", "t"),
    *"23456789H",
)


@pytest.mark.parametrize(
    "size",
    [
        (200, 50),
        pytest.param((80, 24), marks=pytest.mark.soak),
        pytest.param((120, 40), marks=pytest.mark.soak),
    ],
)
async def test_ascii_means_every_sign_and_every_line(db: Path, tape: Tape, size: tuple[int, int]) -> None:
    for number in range(60):
        tape.call("search_docs", query="x", limit=number)
    tape.fail(tape.ask("tools/call", name="look", arguments={}), -32000, "no")
    tape.ask("tools/call", name="look", arguments={"name": "n" * 300})
    tape.store()
    async with opened(db, size, options=Options(theme="mcpscope-dark", ascii=True)) as scope:
        await scope.traffic.shows("search_docs")
        found: dict[str, set[str]] = {}
        for key in OPENED:
            await scope.press(key)
            where = f"{getattr(scope.app.screen, 'place', type(scope.app.screen).__name__)} after {key}"
            if not scope.text.isascii():
                found[where] = {line for line in scope.lines if not line.isascii()}
        assert not found
