"""The editor of a held message, or of an answer made by hand: text, what is wrong with it, and sending it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from mcpscope.engine.schema_check import SchemaChecks
from mcpscope.errors import ScopeError
from mcpscope.tui import actions, editor
from mcpscope.tui.clock import Clock
from mcpscope.tui.jsontext import first_value, part_of, place_of, problem_of
from mcpscope.tui.present import figures, holds
from mcpscope.tui.present.changes import changed_words
from mcpscope.tui.present.spans import Line, Span, cut, spread
from mcpscope.tui.present.tabs import diff_lines
from mcpscope.tui.screens.base import NARROW, Act, ScopeScreen
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.steer import Held, Steer, reason
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.viewer import Viewer

MAX_CHARACTERS = 400_000
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
        self._message = str(got["message"].get("text", "")).encode()
        self._received = str(got["received"].get("text", "")).encode()
        self._schema = None if answer else got.get("schema")
        self._description = str(got.get("description") or "")
        self._answer = answer
        self._outside = outside
        self._checks = SchemaChecks()
        self._timer: Timer | None = None
        self._parts = ("",) if answer else _parts(held, self._message)
        self._part = self._parts[0]
        self._original = self._fresh(self._message)
        part, draft = steer.drafts.get(held.key, ("", ""))
        if not answer and draft and part in self._parts:
            self._part, self._original = part, self._fresh(self._message, part)
        self._text = text or (draft if not answer and draft else self._original)
        self._diffing = False
        self._problems: list[tuple[int, int, str]] = []
        self._at = 0
        self.unfit = ""
        if "text" not in got["message"] or problem_of(self._original) is not None:
            self.unfit = "only JSON can be edited: continue or drop it"
        elif len(self._original) > MAX_CHARACTERS and not outside:
            size = figures.size(len(self._original))
            self.unfit = f"{size} are too much to edit here: {{hold.editor}} edits it in $EDITOR"

    def body(self) -> ComposeResult:
        yield Bar(id="edit-title")
        with Horizontal(id="edit-main"):
            yield TextArea(self._text, show_line_numbers=True, tab_behavior="focus", id="edit-text")
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
        value = first_value(self._text) if self._text == self._original else None
        if value is not None:  # typing takes its place
            self.area.selection = Selection(*value)
        self._check()
        if self._outside:
            self.call_after_refresh(self._editor)

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
            self.query_one("#edit-title", Bar).show([self._title(width)])
            self.query_one("#edit-rule", Bar).show([[(glyphs.rule * width, "muted")]])

    def status_parts(self) -> tuple[Sequence[Span], str]:
        return [("Esc leaves it held and keeps the draft", "muted")], ""

    def acts(self) -> dict[str, Act]:
        return {
            "edit.send": Act(self._send),
            "edit.anyway": Act(lambda: self._send(anyway=True)),
            "edit.revert": Act(self._revert),
            "edit.diff": Act(self._diff),
            "edit.editor": Act(self._editor),
            "edit.problem": Act(self._next_problem, lambda: "" if self._problems else "there is no problem"),
            "edit.part": Act(self._other_part, lambda: "" if len(self._parts) > 1 else "there is one part"),
            "edit.leave": Act(self._leave),
        }

    # what is shown

    def _title(self, width: int) -> Line:
        now, held = self._clock.now_ns(), self._steer.find(self._held.key)
        what = "ANSWERING" if self._answer else "EDITING"
        phase = "response" if self._held.answers else "request"
        left: Line = [(f" {what} ", "accent"), (f"{self._held.name} {phase}", "strong")]
        for part in self._parts if len(self._parts) > 1 else ():
            name = {"": "Whole message"}.get(part, part.rpartition("/")[2].capitalize())
            left += [("  ", ""), (f"[{name}]", "tab") if part == self._part else (name, "muted")]
        return spread(left, [*self._clock_spans(held, now), (" ", "")], width)

    def _clock_spans(self, held: Held | None, now: int) -> Line:
        if held is None:
            return [("no longer held", "error")]
        if held.gave_up:
            return [("client GAVE UP", "error")]
        left = held.left(now)
        waits = [] if left is None else [(f"left {figures.clock(left)}  ", "warning" if left < 15 else "")]
        return [*waits, ("client waiting", "muted")]

    def _beside(self) -> None:
        """The schema's hints, or the difference."""
        viewer = self.query_one("#edit-schema", Viewer)
        if self._diffing:
            now = self.area.text.encode()
            before = self._fresh(self._received, self._part).encode()
            viewer.show(diff_lines(before, now, ("received", "this")))
        elif self._answer:
            forms = ('{"result": {…}}', '{"error": {"code": -32000, "message": "…"}}', "or a bare result")
            viewer.show([[("an answer is", "muted")], *([(form, "")] for form in forms)])
        else:
            said: list[Line] = [
                [(line, "")] for line in textwrap.wrap(self._description, HELP_WIDTH)[:HELP_LINES]
            ]
            about: list[Line] = [[], [("description", "muted")], *said] if said else []
            viewer.show([[(f"schema of {self._held.name}", "muted")], [], *holds.hints(self._schema), *about])

    def _check(self) -> None:
        self._timer = None
        width, glyphs, text = self.size.width, glyphs_of(self), self.area.text
        self._problems = self._found(text)
        if self._problems:
            self._at = min(self._at, len(self._problems) - 1)
            line, column, what = self._problems[self._at]
            broken = problem_of(text) is not None
            where = f"line {line}, column {column}: " if broken else f"line {line}  "
            spans: Line = [(f"  {glyphs.error}{where}{what}", "error" if broken else "warning")]
            count = f"{self._at + 1} of {figures.plural(len(self._problems), 'problem')}"
            anyway = glyphs.keyed("You may send it anyway ({edit.anyway}): that is what a debugger is for.")
            more = f"{count}. {anyway}"
            more = "it cannot be sent so" if broken else more
        else:
            self._at = 0
            word = "JSON" if self._schema is None or self._part == "" else "fits the schema"
            spans, more = [(f"  {glyphs.ok}{word}", "success")], ""
            if width < NARROW and not self._answer:
                more = "".join(part for part, _ in holds.hint_line(self._schema, width - 2))
        changed = changed_words(self._original, text, glyphs.arrow)
        lines: list[Line] = [spans, [(f"  {more}", "muted")], [(f"  {changed}", "muted")]]
        self.query_one("#edit-verdict", Bar).show([cut(line, width) for line in lines])
        if self._diffing:
            self._beside()
        self.refresh_chrome()

    def _found(self, text: str) -> list[tuple[int, int, str]]:
        """Line, column and text of everything that is wrong."""
        broken = problem_of(text)
        if broken is not None:
            return [(broken[1], broken[2], broken[0])]
        within = ("params", "arguments") if self._part == "" else ()
        return [(*place_of(text, one.partition(": ")[0], within), one) for one in self._warnings()]

    def _next_problem(self) -> None:
        """The next thing that is wrong, and the cursor on it."""
        line, column, _ = self._problems[self._at]
        here = self.area.cursor_location == (line - 1, column - 1)
        self._at = (self._at + here) % len(self._problems)
        line, column, _ = self._problems[self._at]
        self.area.move_cursor((line - 1, column - 1))
        self._check()

    def _warnings(self) -> list[str]:
        """Where the arguments do not fit the schema."""
        if self._schema is None or self._held.answers or problem_of(self.area.text) is not None:
            return []
        value = json.loads(self.area.text)
        if self._part == "":
            params = value.get("params") if isinstance(value, dict) else None
            value = params.get("arguments", {}) if isinstance(params, dict) else {}
        return self._checks.check("input", self._schema, value)

    # what is done

    def _fresh(self, message: bytes, part: str | None = None) -> str:
        """The part as it was, laid out."""
        if self._answer:
            return '{\n  "content": []\n}' if self._held.data["method"] == "tools/call" else "{}"
        part = self._part if part is None else part
        return part_of(message, part) or "{}"

    def _leave(self) -> None:
        if self._diffing:
            self._diff()
            return
        if not self._answer and self.area.text != self._original:
            self._steer.drafts[self._held.key] = (self._part, self.area.text)
        self.app.pop_screen()

    def _revert(self) -> None:
        self._steer.drafts.pop(self._held.key, None)
        self.area.text = self._original = self._fresh(self._received)
        self._check()

    def _other_part(self) -> None:
        """To the whole message and back; what was typed moves along where it can."""
        if self.area.text != self._original:
            self.say(self.keyed("send or revert ({edit.revert}) what is changed here first"))
            return
        self._part = self._parts[(self._parts.index(self._part) + 1) % len(self._parts)]
        self._original = self._fresh(self._message)
        self.area.text = self._original
        self._check()
        self.refresh_chrome()

    def _diff(self) -> None:
        self._diffing = not self._diffing
        self._beside()
        self.on_resize()

    def _editor(self) -> None:
        try:
            name = f"{self._held.name}-{self._held.data['rpc_id']}"
            found = editor.edited(self.app, self.area.text, name, self._schema)
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
        self._steer.drafts.pop(self._held.key, None)
        done = "answered by hand" if self._answer else "sent, cannot be undone"
        done = "changed, and held: a approves it" if self._held.asked and not self._answer else done
        self.leave_saying(f"{self._held.name}: {done}")

    async def _ask(self, text: str, *, anyway: bool, confirmed: bool) -> None:
        if self._answer:
            body = json.loads(text)
            whole = isinstance(body, dict) and ("result" in body or "error" in body)
            answer = text if whole else f'{{"result":{text}}}'
            await self._steer.decide(self._held, "answer", text=answer)
            return
        wish = {"text": text, "part": self._part, "anyway": anyway, "confirmed": confirmed}
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


def _parts(held: Held, message: bytes) -> tuple[str, ...]:
    """What can be edited, the usual part first; the whole message is the empty pointer."""
    if held.answers:
        usual = "/result" if part_of(message, "/result") is not None else "/error"
    elif held.data["method"] == "tools/call":
        usual = "/params/arguments"
    else:
        usual = "/params"
    return (usual, "")
