"""The editor of a held message, or of an answer made by hand: text, what is wrong with it, and sending it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from mcpscope.errors import ScopeError
from mcpscope.tui import actions, editor
from mcpscope.tui.clock import Clock
from mcpscope.tui.jsontext import problem_of
from mcpscope.tui.manuscript import Manuscript, Problem
from mcpscope.tui.present import hints
from mcpscope.tui.present.edit import title, verdict
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.present.tabs import diff_lines
from mcpscope.tui.screens.base import NARROW, Act, ScopeScreen
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.steer import Held, Steer, reason
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.viewer import Viewer

CHECK_SECONDS = 0.1
TICK_SECONDS = 0.5
VERDICT_LINES = 3
HELP_WIDTH, HELP_LINES = 44, 12


class EditScreen(ScopeScreen):
    """Esc leaves the message held and keeps the draft; ``answer``: the text is an answer in its place."""

    place = "editor"
    AUTO_FOCUS = "TextArea"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(action.keys), f"act('{action.id}')", show=False, priority=True, id=action.id)
        for action in actions.at("editor")
    ]

    def __init__(
        self,
        steer: Steer,
        clock: Clock,
        held: Held,
        got: dict[str, Any],
        *,
        answer: bool = False,
        outside: bool = False,
        text: str = "",
    ) -> None:
        super().__init__()
        self._steer, self._clock, self._held = steer, clock, held
        self._description = str(got.get("description") or "")
        self._answer, self._outside = answer, outside
        draft = steer.drafts.get(held.key)
        if answer:
            kept = text or steer.answers.get(held.key, "")
            draft = ("", kept) if kept else None
        self._script = Manuscript(held, got, answer=answer, draft=draft)
        self._timer: Timer | None = None
        self._diffing = False
        self._problems: list[Problem] = []
        self._at = 0
        self.unfit = self._script.unfit(outside=outside)

    def body(self) -> ComposeResult:
        yield Bar(id="edit-title")
        with Horizontal(id="edit-main"):
            yield TextArea(self._script.text, show_line_numbers=True, tab_behavior="focus", id="edit-text")
            yield Viewer(id="edit-schema")
        yield Bar(id="edit-rule")
        yield Bar(id="edit-verdict")

    @property
    def area(self) -> TextArea:
        return self.query_one(TextArea)

    def on_mount(self) -> None:
        self.query_one("#edit-verdict", Bar).styles.height = VERDICT_LINES
        self.query_one("#edit-schema").can_focus = False
        self.area.cursor_blink = False
        self._beside()
        self.set_interval(TICK_SECONDS, self.refresh_chrome)
        self._select()
        self._check()
        if self._outside:
            self.call_after_refresh(self._editor)

    def _select(self) -> None:
        """The value that is most likely meant: typing takes its place."""
        value = self._script.first(self.area.text)
        if value is not None:
            self.area.selection = Selection(*value)

    def on_resize(self) -> None:
        super().on_resize()
        self.query_one("#edit-schema").display = self.size.width >= NARROW or self._diffing
        self.query_one("#edit-text").display = self.size.width >= NARROW or not self._diffing
        self._check()

    def on_text_area_changed(self) -> None:
        if self._timer is None:
            self._timer = self.set_timer(CHECK_SECONDS, self._check)

    def refresh_chrome(self) -> None:
        super().refresh_chrome()
        if self.is_mounted and self.query("#edit-rule"):  # not while it is taken down
            width, glyphs = self.size.width, glyphs_of(self)
            now, now_held = self._clock.now_ns(), self._steer.find(self._held.key)
            self.query_one("#edit-title", Bar).show([title(self._script, self._held, now_held, now, width)])
            self.query_one("#edit-rule", Bar).show([[(glyphs.rule * width, "muted")]])

    def status_parts(self) -> tuple[Sequence[Span], str]:
        return [(self.keyed("{edit.leave} leaves it held and keeps the draft"), "muted")], ""

    def acts(self) -> dict[str, Act]:
        return {
            "edit.send": Act(self._send),
            "edit.anyway": Act(lambda: self._send(anyway=True)),
            "edit.revert": Act(self._revert),
            "edit.diff": Act(self._diff),
            "edit.editor": Act(self._editor),
            "edit.problem": Act(self._next_problem, lambda: "" if self._problems else "there is no problem"),
            "edit.part": Act(
                self._other_part, lambda: "" if len(self._script.parts) > 1 else "there is one part"
            ),
            "edit.leave": Act(self._leave),
        }

    # what is shown

    def _beside(self) -> None:
        """The schema's hints, or the difference."""
        viewer = self.query_one("#edit-schema", Viewer)
        if self._diffing:
            now = self.area.text.encode()
            before = self._script.fresh(received=True).encode()
            viewer.show(diff_lines(before, now, ("empty" if self._answer else "received", "this")))
        elif self._answer:
            forms = ('{"result": {…}}', '{"error": {"code": -32000, "message": "…"}}', "or a bare result")
            hints = [] if self._script.schema is None else [[], *self._hints()]
            viewer.show([[("an answer is", "muted")], *([(form, "")] for form in forms), *hints])
        else:
            said: list[Line] = [
                [(line, "")] for line in textwrap.wrap(self._description, HELP_WIDTH)[:HELP_LINES]
            ]
            about: list[Line] = [[], [("description", "muted")], *said] if said else []
            viewer.show([*self._hints(), *about])

    def _hints(self) -> list[Line]:
        what = "structuredContent" if self._script.answers else "schema"
        return [[(f"{what} of {self._held.name}", "muted")], [], *hints.hints(self._script.schema)]

    def _check(self) -> None:
        self._timer = None
        width, glyphs, text = self.size.width, glyphs_of(self), self.area.text
        self._problems = self._script.problems(text)
        self._at = min(self._at, max(0, len(self._problems) - 1))
        beside = width >= NARROW
        lines = verdict(self._script, text, self._problems, self._at, width, glyphs, beside=beside)
        self.query_one("#edit-verdict", Bar).show(lines)
        if self._diffing:
            self._beside()
        self.refresh_chrome()

    def _next_problem(self) -> None:
        """The next thing that is wrong, and the cursor on it."""
        line, column, _ = self._problems[self._at]
        here = self.area.cursor_location == (line - 1, column - 1)
        self._at = (self._at + here) % len(self._problems)
        line, column, _ = self._problems[self._at]
        self.area.move_cursor((line - 1, column - 1))
        self._check()

    # what is done

    def _leave(self) -> None:
        if self._diffing:
            self._diff()
            return
        key, text = self._held.key, self.area.text
        if text == self._script.original:
            self._forget()
        elif self._answer:
            self._steer.answers[key] = text
        else:
            self._steer.drafts[key] = (self._script.part, text)
        self.app.pop_screen()

    def _forget(self) -> None:
        """Of this draft; the other one, of an answer or of the message, stays."""
        (self._steer.answers if self._answer else self._steer.drafts).pop(self._held.key, None)

    def _revert(self) -> None:
        self._forget()
        self._begin(self._script.revert())

    def _begin(self, text: str) -> None:
        """Show ``text`` as what everything begins with."""
        self.area.text = text
        self._select()
        self._check()

    def _other_part(self) -> None:
        """To the whole message and back; what was typed moves along where it can."""
        if self.area.text != self._script.original:
            self.say(self.keyed("send or revert ({edit.revert}) what is changed here first"))
            return
        self._begin(self._script.turn())

    def _diff(self) -> None:
        self._diffing = not self._diffing
        self._beside()
        self.on_resize()
        if not self._diffing:  # what was not displayed has lost the focus
            self.area.focus()

    def _editor(self) -> None:
        try:
            name = f"{self._held.name}-{self._held.data['rpc_id']}"
            found = editor.edited(self.app, self.area.text, name, self._script.schema)
        except ScopeError as error:
            self.say(reason(error), severity="error")
            return
        if found is None:
            self.say("the editor changed nothing")
            return
        self.area.text = found
        self._check()
        self.say(self.keyed("taken from the editor; {edit.send} sends it"))

    async def _send(self, *, anyway: bool = False, confirmed: bool = False) -> None:
        text = self.area.text
        problem = problem_of(text)
        if problem is not None:
            self.say(
                f"line {problem[1]}, column {problem[2]}: {problem[0]}; nothing was sent", severity="error"
            )
            return
        try:
            await self._ask(text, anyway=anyway, confirmed=confirmed)
        except ScopeError as error:
            await self._refused(error, anyway=anyway, confirmed=confirmed)
            return
        self._steer.forget_drafts(self._held)
        done = "answered by hand" if self._answer else "sent, cannot be undone"
        done = "changed, and held: a approves it" if self._held.asked and not self._answer else done
        self.leave_saying(f"{self._held.name}: {done}")

    async def _ask(self, text: str, *, anyway: bool, confirmed: bool) -> None:
        if self._answer:
            await self._steer.decide(self._held, "answer", text=self._script.outgoing(text))
            return
        wish = {"text": text, "part": self._script.part, "anyway": anyway, "confirmed": confirmed}
        wish["release"] = not self._held.asked
        await self._steer.decide(self._held, "edit", **wish)

    async def _refused(self, error: ScopeError, *, anyway: bool, confirmed: bool) -> None:
        """Ask the person where the proxy asks; say why it cannot be where it cannot."""
        if error.code == "schema":
            entries = [Entry("g", "send", "send it anyway")]
            if await self.app.push_screen_wait(Menu(error.message[:200], entries, "Esc goes on editing")):
                await self._send(anyway=True, confirmed=confirmed)
        elif error.code == "gave_up":
            entries = [Entry("r", "run", "run it all the same")]
            title = "The client no longer waits. Run it on the server anyway?"
            if await self.app.push_screen_wait(Menu(title, entries, "Esc leaves it held")):
                await self._send(anyway=anyway, confirmed=True)
        else:
            self.say(reason(error), severity="error")
