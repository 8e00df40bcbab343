"""Pictures that the terminal draws: where it can, where they are wanted, and of the bytes nothing else."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from mcpscope.tui.pictures import ITERM, KITTY, PNG, drawn, support, why_not
from tests.tui.scenes import png, text
from tests.tui.tape import Tape
from tests.tui.test_terminal import Terminal

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"TERM": "xterm-kitty"}, KITTY),
        ({"KITTY_WINDOW_ID": "3"}, KITTY),
        ({"TERM_PROGRAM": "ghostty", "TERM": "xterm-ghostty"}, KITTY),
        ({"TERM_PROGRAM": "iTerm.app"}, ITERM),
        ({"TERM_PROGRAM": "WezTerm"}, ITERM),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "xterm-kitty", "SSH_CONNECTION": "a b"}, ""),
        ({"TERM": "screen", "KITTY_WINDOW_ID": "3", "TMUX": "/tmp/x"}, ""),
    ],
)
def test_support_is_told_by_the_environment(environment: dict[str, str], kind: str) -> None:
    assert support(environment) == kind


@pytest.mark.parametrize("size", [1, 3072, 3073, 20_000])
def test_what_is_drawn_is_the_picture_and_nothing_that_steers(size: int) -> None:
    data = (PNG + bytes(range(256)) * 100)[:size]
    parts = re.findall(rb"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", drawn(KITTY, data))
    assert base64.b64decode(b"".join(part for _, part in parts)) == data
    assert all(len(part) <= 4096 for _, part in parts)
    assert [b"m=1" in keys for keys, _ in parts] == [True] * (len(parts) - 1) + [False]
    assert drawn(ITERM, data).count(b"\x1b") == 1 and drawn(ITERM, data).endswith(b"\x07")
    assert why_not(KITTY, b"\xff\xd8jpeg") and why_not("", data) and not why_not(ITERM, b"\xff\xd8jpeg")


def test_enter_on_an_image_draws_it_and_enter_goes_back(db: Path) -> None:
    picture = png(8, 8)
    tape = Tape(db).start()
    shown = {"type": "image", "mimeType": "image/png", "data": base64.b64encode(picture).decode()}
    tape.tell(tape.ask("tools/call", name="draw", arguments={}), ms=5, content=[shown, *text("after")])
    tape.store()
    ui = Terminal(db, "ui", "--images", "auto", KITTY_WINDOW_ID="1", SSH_CONNECTION="", TMUX="")
    try:
        for wait, keys in (("draw", "G\r"), ("[Pretty]", "\t"), ("mimeType", "j" * 8), ("row 9 of", "\r")):
            ui.until(wait, 60)
            ui.press(keys)
        ui.until("\x1b_Gf=100")
        assert base64.b64encode(picture) in ui.read()
        ui.until("Enter goes back")
        ui.press("\rQ")
        assert ui.process.wait(60) == 0
    finally:
        ui.close()
