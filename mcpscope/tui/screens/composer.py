"""The composer: a request as a form and as JSON, checked against its schema, sent, and its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import TextArea

from mcpscope.engine.schemas import violations
from mcpscope.errors import ScopeError
from mcpscope.tui import actions, editor
from mcpscope.tui.jsontext import problem_of
from mcpscope.tui.present import compose
from mcpscope.tui.present.document import document
from mcpscope.tui.present.form import arguments_of, fields_of, texts_of
from mcpscope.tui.present.spans import Span
from mcpscope.tui.present.tabs import diff_lines
from mcpscope.tui.screens.base import NARROW, Act, ScopeScreen
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.sending import Answer, Composition, Seat, Sender
from mcpscope.tui.steer import reason
from mcpscope.tui.widgets.form import Form
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.viewer import Viewer

CHECK_SECONDS = 0.1
TICK_SECONDS = 1.0
SHOWN_BYTES = 8 << 20


class ComposerScreen(ScopeScreen):
    """``seats`` are where it can be sent from, the usual first. Esc keeps what is written; only ^s sends."""

    place = "composer"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(action.keys), f"act('{action.id}')", show=False, priority=True, id=action.id)
        for action in actions.at("composer")
    ]

    def __init__(self, sender: Sender, composition: Composition, seats: Sequence[Seat]) -> None:
        super().__init__()
        self._sender, self._what, self._seats = sender, composition, list(seats)
        self._fields = fields_of(composition.schema)
        self._key = (composition.label, composition.method, composition.name)
        kept = "" if composition.again else sender.drafts.get(self._key, "")
        self._text = self._written = kept or composition.start
        self._in_json = not self._fields
        self._answer: Answer | None = None
        self._waiting_since: float | None = None
        self._diffing = False
        self._timer: Timer | None = None

    def body(self) -> ComposeResult:
        yield Bar(id="compose-title")
        yield Bar(id="compose-seat")
        with Horizontal(id="compose-main"):
            yield Form(self._fields, texts_of(self._fields, self._value() or {}), id="compose-form")
            yield TextArea(self._text, tab_behavior="focus", id="compose-text")
        yield Bar(id="compose-verdict")
        yield Bar(id="compose-told")
        yield Viewer(id="compose-answer", revealed=True)  # nowhere recorded, perhaps

    @property
    def area(self) -> TextArea:
        return self.query_one(TextArea)

    @property
    def form(self) -> Form:
        return self.query_one(Form)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#compose-answer").can_focus = False
        self.set_interval(TICK_SECONDS, self._paint_answer)
        self._arrange()
        self._check()

    def on_resize(self) -> None:
        super().on_resize()
        self._arrange()
        self._check()

    def _arrange(self) -> None:
        both = self.size.width >= NARROW and bool(self._fields)
        self.form.display = both or not self._in_json
        self.area.display = both or self._in_json
        if self._in_json:
            self.area.focus()
        else:
            self.form.enter()
        self._paint_answer()

    # what is written

    def _value(self) -> dict[str, Any] | None:
        """What is written as an object; None where it is none."""
        text = self._written
        if problem_of(text) is not None:
            return None
        found = json.loads(text)
        return found if isinstance(found, dict) else None

    def on_form_changed(self, event: Form.Changed) -> None:
        event.stop()
        found = arguments_of(self._fields, self.form.texts, self._value() or {})
        self._written = json.dumps(found, indent=2, ensure_ascii=False)
        self.area.text = self._written
        self._soon()

    def on_text_area_changed(self) -> None:
        if self.area.text != self._written:
            self._written = self.area.text
            value = self._value()
            if value is not None:
                self.form.fill(texts_of(self._fields, value))
        self._soon()

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = self.set_timer(CHECK_SECONDS, self._check)

    def _problems(self) -> list[str]:
        if self._what.schema is None or problem_of(self._written) is not None:
            return []
        found = violations(self._what.schema, json.loads(self._written))
        return [f"{one.where}: {one.text}" for one in found]

    # what is shown

    def _check(self) -> None:
        self._timer = None
        if not self.is_mounted:
            return
        width, glyphs = self.size.width, glyphs_of(self)
        lines = compose.verdict(
            problem_of(self._written), self._problems(), width, glyphs, schema=self._what.schema is not None
        )
        self.query_one("#compose-verdict", Bar).styles.height = len(lines)
        self.query_one("#compose-verdict", Bar).show(lines)
        title = compose.title(self._what.method, self._what.name, width, in_json=self._in_json)
        self.query_one("#compose-title", Bar).show([title])
        self.query_one("#compose-seat", Bar).show(
            [compose.seat(self._seats[0].title, len(self._seats), width)]
        )
        self.refresh_chrome()

    def _paint_answer(self) -> None:
        if not self.is_mounted:
            return
        waited = None if self._waiting_since is None else self._now() - self._waiting_since
        viewer = self.query_one("#compose-answer", Viewer)
        viewer.display = self._answer is not None
        line = compose.told(self._answer, waited, self.size.width, glyphs_of(self), diffing=self._diffing)
        self.query_one("#compose-told", Bar).show([line])

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _show_answer(self) -> None:
        viewer = self.query_one("#compose-answer", Viewer)
        if self._answer is not None and self._diffing and self._what.was is not None:
            before = compose.told_before(self._what.was)
            viewer.show(diff_lines(before, self._answer.source, ("recorded", "now")))
        elif self._answer is not None:
            viewer.show(document(self._answer.source[:SHOWN_BYTES]))
        self._paint_answer()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        return [(self.keyed("{compose.send} sends it; Esc leaves and keeps what is written"), "muted")], ""

    # what is done

    def acts(self) -> dict[str, Act]:
        return {
            "compose.send": Act(self._send, self._busy),
            "compose.anyway": Act(lambda: self._send(anyway=True), self._busy),
            "compose.flip": Act(self._flip, lambda: "" if self._fields else "the schema gives no fields"),
            "compose.seat": Act(self._turn, lambda: "" if len(self._seats) > 1 else "there is one way only"),
            "compose.revert": Act(lambda: self._take(self._what.start)),
            "compose.editor": Act(self._editor),
            "compose.diff": Act(self._diff, self._no_diff),
            "compose.down": Act(lambda: self.query_one(Viewer).move("page-down")),
            "compose.up": Act(lambda: self.query_one(Viewer).move("page-up")),
            "compose.leave": Act(self._leave),
        }

    def _busy(self) -> str:
        return "" if self._waiting_since is None else "it waits for an answer; Esc gives up"

    def _no_diff(self) -> str:
        if self._what.was is None:
            return "there is no answer of before"
        return "" if self._answer is not None else self.keyed("{compose.send} sends it first")

    def _flip(self) -> None:
        self._in_json = not self._in_json
        self._arrange()
        self._check()

    def _turn(self) -> None:
        self._seats.append(self._seats.pop(0))
        self._check()

    def _take(self, text: str) -> None:
        self._written = self.area.text = text
        self.form.fill(texts_of(self._fields, self._value() or {}))
        self._check()

    def _editor(self) -> None:
        try:
            found = editor.edited(self.app, self._written, self._what.name, self._what.schema)
        except ScopeError as error:
            self.say(reason(error), severity="error")
            return
        if found is not None:
            self._take(found)
        taken = self.keyed("taken from the editor; {compose.send} sends it")
        self.say("the editor changed nothing" if found is None else taken)

    def _diff(self) -> None:
        self._diffing = not self._diffing
        self._show_answer()

    def _leave(self) -> None:
        if self._written != self._what.start:
            self._sender.drafts[self._key] = self._written
        else:
            self._sender.drafts.pop(self._key, None)
        self._sender.leave()
        self.app.pop_screen()

    async def _send(self, *, anyway: bool = False) -> None:
        """Refused where it is no JSON; asked once more where it does not fit the schema."""
        problem, problems = problem_of(self._written), self._problems()
        if problem is not None:
            self.say(
                f"line {problem[1]}, column {problem[2]}: {problem[0]}; nothing was sent", severity="error"
            )
            return
        if problems and not anyway:
            entries = [Entry("g", "send", "send it anyway")]
            if not await self.app.push_screen_wait(Menu(problems[0][:200], entries, "Esc goes on editing")):
                return
        seat, params = self._seats[0], self._what.params(json.loads(self._written))
        self._answer, self._waiting_since = None, self._now()
        self._paint_answer()
        try:
            self._answer = await asyncio.to_thread(self._sender.send, seat, self._what.method, params)
        except ScopeError as error:
            self.say(reason(error), severity="error")
        finally:
            self._waiting_since = None
        if self.is_mounted:
            self._diffing = False
            self._show_answer()
            self.refresh_chrome()
