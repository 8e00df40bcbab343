"""The coach of the demo: one line that says what can be tried now; Esc closes it, no key minds it."""

from __future__ import annotations

FIRST = "this is real traffic; in a moment one call is held"
HELD = "one call is held: press {hold.edit} to edit it, {hold.continue} to let it go"
HELD_ELSEWHERE = "one call is held: press {urgent} to go there"
AFTER = {
    "traffic": "{open} opens a row, {filter} filters, {help} knows every key",
    "detail": "{tab.next} goes through the tabs, {pane.next} to the answer, {copy} copies",
    "recordings": "{open} opens a recording, {replay.run} replays it, {export} exports it",
}
CLOSES = "   (Esc closes this)"


class Coach:
    """``on`` until it is closed. What it says depends on the screen and on what is held."""

    def __init__(self, *, on: bool) -> None:
        self.on = on
        self._seen_hold = False

    def __repr__(self) -> str:
        return f"<Coach {'on' if self.on else 'closed'}>"

    def close(self) -> bool:
        """Say nothing any more; whether there was something to close."""
        was, self.on = self.on, False
        return was

    def line(self, place: str, held: int) -> str:
        """The line for a screen, its keys by the ids of their actions; empty where there is none."""
        if not self.on:
            return ""
        self._seen_hold = self._seen_hold or held > 0
        if place == "editor":
            return ""  # what is held is what is edited
        if held:
            text = HELD if place in ("traffic", "holds") else HELD_ELSEWHERE
        else:
            text = AFTER.get(place, "") if self._seen_hold else FIRST if place == "traffic" else ""
        return text + CLOSES if text else ""
