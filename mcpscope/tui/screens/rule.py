"""The editor of one rule, as a policy file spells it: text, what is wrong with it where, what it may say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import TextArea

from mcpscope.engine.policy.keys import ACTION_KEYS, RULE_KEYS, SPECIAL
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.engine.policy.saving import rule_of, rule_text
from mcpscope.errors import ScopeError
from mcpscope.tui import actions, editor
from mcpscope.tui.present.spans import Line, Span, cut, pad, wrap
from mcpscope.tui.screens.base import NARROW, Act, ScopeScreen
from mcpscope.tui.steer import reason
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.viewer import Viewer

CHECK_SECONDS = 0.1
VERDICT_LINES = 2
MAX_PROBLEMS = 1


class RuleScreen(ScopeScreen):
    """``take`` puts the rule where it belongs and returns what to say, or raises ScopeError."""

    place = "rule"
    AUTO_FOCUS = "TextArea"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(action.keys), f"act('{action.id}')", show=False, priority=True, id=action.id)
        for action in actions.at("rule")
    ]

    def __init__(
        self, rule: dict[str, Any], take: Callable[[dict[str, Any]], Awaitable[str]], *, title: str
    ) -> None:
        super().__init__()
        self._text = rule_text(rule)
        self._take = take
        self._name = title
        self._timer: Timer | None = None

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
        self._check()

    def on_resize(self) -> None:
        super().on_resize()
        self.query_one("#edit-schema").display = self.size.width >= NARROW
        self._check()

    def on_text_area_changed(self) -> None:
        if self._timer is None:
            self._timer = self.set_timer(CHECK_SECONDS, self._check)

    def status_parts(self) -> tuple[Sequence[Span], str]:
        return [("Esc leaves without a change", "muted")], ""

    def acts(self) -> dict[str, Act]:
        return {
            "rule.use": Act(self._use),
            "rule.editor": Act(self._editor),
            "rule.leave": Act(self.app.pop_screen),
        }

    def _check(self) -> None:
        self._timer = None
        width, glyphs = self.size.width, glyphs_of(self)
        action = ""
        try:
            rule = rule_of(self.area.text)
        except PolicyError as error:
            first, more = error.problems[0], len(error.problems) - MAX_PROBLEMS
            text = f"{glyphs.error}line {first.line}, column {first.column}: {first.text}"
            said: list[Line] = [[(f"  {part}", "error")] for part in wrap(text, width - 3)]
            hint = f"and {more} more" if more > 0 else "it cannot be put into force so"
        else:
            action = rule["action"]
            said = [[(f"  {glyphs.ok}a rule", "success")]]
            hint = glyphs.keyed("{rule.use} puts it into force at once")
        lines: list[Line] = [*said, [(f"  {hint}", "muted")]]
        bar = self.query_one("#edit-verdict", Bar)
        bar.styles.height = max(VERDICT_LINES, len(lines))
        bar.show([cut(line, width) for line in lines])
        self.query_one("#edit-title", Bar).show(
            [[(f" {self._name} ", "accent"), ("as a policy file spells it", "muted")]]
        )
        self.query_one("#edit-rule", Bar).show([[(glyphs.rule * width, "muted")]])
        self.query_one("#edit-schema", Viewer).show(_help(action))

    def _editor(self) -> None:
        try:
            found = editor.edited(self.app, self.area.text, "rule", None, suffix=".yaml")
        except ScopeError as error:
            self.say(reason(error), severity="error")
            return
        if found is None:
            self.say("the editor changed nothing")
            return
        self.area.text = found
        self._check()

    async def _use(self) -> None:
        try:
            said = await self._take(rule_of(self.area.text))
        except PolicyError as error:
            first = error.problems[0]
            text = f"nothing was changed: line {first.line}, column {first.column}: {first.text}"
            self.say(text, severity="error")
            return
        except ScopeError as error:
            self.say(reason(error).partition("\n")[0], severity="error")
            return
        self.leave_saying(said)


def _help(action: str) -> list[Line]:
    """The keys that a rule of this action may have; all actions where it has none yet."""
    if action not in ACTION_KEYS:
        return [[("actions", "muted")], *([(f" {name}", "key")] for name in ACTION_KEYS)]
    keys = [key for key in RULE_KEYS if key not in SPECIAL or key in ACTION_KEYS[action]]
    return [[(f" {pad(key, 12)}", "key"), (RULE_KEYS[key], "muted")] for key in keys]
