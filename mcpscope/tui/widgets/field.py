"""The one field to type a line in: nothing blinks, nothing is selected by itself."""

from __future__ import annotations

from textual.widgets import Input


class Field(Input):
    """An ``Input`` of one row."""

    def __init__(self, value: str = "", *, id: str, placeholder: str = "") -> None:
        super().__init__(value, id=id, placeholder=placeholder, compact=True, select_on_focus=False)
        self.cursor_blink = False
