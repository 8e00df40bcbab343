"""README says of the UI what is so: its keys are the table's, its pictures are there."""

from __future__ import annotations

import re
from pathlib import Path

from mcpscope.tui.present.reference import BEGIN, END, keys_table

REPO = Path(__file__).parents[2]


def test_the_keys_in_readme_are_those_of_the_table() -> None:
    text = (REPO / "README.md").read_text(encoding="utf-8")
    assert text[text.index(BEGIN) : text.index(END) + len(END)] == keys_table()


def test_every_picture_that_readme_shows_was_taken() -> None:
    text = (REPO / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\((screenshots/[\w-]+\.svg)\)", text)
    assert shown
    for picture in shown:
        assert (REPO / picture).is_file(), picture
