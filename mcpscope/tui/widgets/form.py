"""A form: one row a field, typed or chosen; it tells what stands in it and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from mcpscope.tui.present.form import FormField, texts_of
from mcpscope.tui.present.spans import Line, cut, pad
from mcpscope.tui.widgets.field import Field
from mcpscope.tui.widgets.painted import Bar

LABEL = 20


class Choice(Bar):
    """One of a few values; left, right and Space go through them, the first of which is nothing."""

    can_focus = True

    class Changed(Message):
        """Another value was chosen."""

    def __init__(self, choices: Sequence[str], value: str, *, id: str) -> None:
        super().__init__(id=id)
        self.choices = ["", *choices]
        self.value = value

    def on_mount(self) -> None:
        self.paint()

    def paint(self) -> None:
        """Show what is chosen."""
        at = self.choices.index(self.value) if self.value in self.choices else 0
        shown = self.value or "(not set)"
        role = "cursor" if self.has_focus else "" if self.value else "muted"
        line: Line = [
            ("< ", "accent"),
            (shown, role),
            (" >", "accent"),
            (f"  {at} of {len(self.choices) - 1}", "muted"),
        ]
        self.show([line])

    def on_focus(self) -> None:
        self.paint()

    def on_blur(self) -> None:
        self.paint()

    def on_key(self, event: events.Key) -> None:
        step = {"right": 1, "space": 1, "left": -1}.get(event.key)
        if step is not None:
            at = self.choices.index(self.value) if self.value in self.choices else 0
            self.value = self.choices[(at + step) % len(self.choices)]
        elif event.character and event.character.isprintable():
            found = [one for one in self.choices[1:] if one.lower().startswith(event.character.lower())]
            if not found:
                return
            self.value = (
                found[(found.index(self.value) + 1) % len(found)] if self.value in found else found[0]
            )
        else:
            return
        event.stop()
        self.paint()
        self.post_message(self.Changed())


class Form(VerticalScroll, can_focus=False):
    """``texts`` is what stands in its fields, by name. Up, Down and Enter go from field to field."""

    class Changed(Message):
        """Somebody typed or chose."""

    def __init__(self, fields: Sequence[FormField], texts: Mapping[str, str], *, id: str) -> None:
        super().__init__(id=id)
        self.fields = fields
        self._begin = texts
        self._shown = dict(texts)

    def compose(self) -> ComposeResult:
        for at, field in enumerate(self.fields):
            text = self._begin.get(field.name, "")
            label = Bar(id=f"label-{at}", classes="form-label")
            with Horizontal(classes="form-row"):
                yield label
                if field.choices:
                    texts = [texts_of([field], {field.name: one})[field.name] for one in field.choices]
                    yield Choice(texts, text, id=f"field-{at}")
                else:
                    yield Field(text, id=f"field-{at}")
            yield Bar(id=f"hint-{at}", classes="form-hint")

    def on_mount(self) -> None:
        for at, field in enumerate(self.fields):
            name: Line = [
                (pad(field.name, LABEL - 2), "strong"),
                ("*" if field.required else " ", "warning"),
                (" ", ""),
            ]
            self.query_one(f"#label-{at}", Bar).show([name])
        self.on_resize()

    def on_resize(self) -> None:
        for at, field in enumerate(self.fields):
            room = max(10, self.size.width - 3)
            self.query_one(f"#hint-{at}", Bar).show([cut([("  " + field.hint, "muted")], room)])

    @property
    def texts(self) -> dict[str, str]:
        """What stands in the fields now."""
        return {field.name: self._widget(at).value for at, field in enumerate(self.fields)}

    def fill(self, texts: Mapping[str, str]) -> None:
        """Put these texts into the fields; nobody is told."""
        self._shown = {field.name: texts.get(field.name, "") for field in self.fields}
        for at, field in enumerate(self.fields):
            widget = self._widget(at)
            if widget.value != self._shown[field.name]:
                widget.value = self._shown[field.name]
                if isinstance(widget, Choice):
                    widget.paint()

    def enter(self) -> None:
        """Go to the first field."""
        if self.fields:
            self._widget(0).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._tell()

    def on_choice_changed(self, event: Choice.Changed) -> None:
        event.stop()
        self._tell()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._step(1)

    def on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down", "enter"):
            event.stop()
            event.prevent_default()
            self._step(-1 if event.key == "up" else 1)

    def _tell(self) -> None:
        now = self.texts
        if now != self._shown:
            self._shown = now
            self.post_message(self.Changed())

    def _step(self, step: int) -> None:
        widgets: list[Widget] = [self._widget(at) for at in range(len(self.fields))]
        here = next((at for at, widget in enumerate(widgets) if widget.has_focus), 0)
        if widgets:
            widgets[(here + step) % len(widgets)].focus()

    def _widget(self, at: int) -> Field | Choice:
        found = self.query_one(f"#field-{at}")
        assert isinstance(found, Field | Choice)
        return found
