"""The detail of one exchange: request and answer, side by side, stacked or one at a time, under tabs."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from mcpscope.tui.clock import Clock
from mcpscope.tui.loaded import Body, Loaded
from mcpscope.tui.present import chrome, figures, tabs
from mcpscope.tui.present.document import Document, RawText, raw_text
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.instead import HeldLines, differences, no_hold, of_answer, of_request, source
from mcpscope.tui.present.rows import row_verdict
from mcpscope.tui.present.spans import Line, width_of
from mcpscope.tui.widgets.painted import MadeBar, glyphs_of
from mcpscope.tui.widgets.viewer import Viewer

Content = Document | RawText | list[Line]
"""What a viewer shows."""

BYTES_TABS = ("Pretty", "Tree", "Raw")
TABS = (*BYTES_TABS, "Schema", "Headers", "Timing", "Related", "Diff")
LONE_TABS = frozenset({"Timing", "Related", "Diff"})


class ExchangeView(Widget):
    """Shows a ``Loaded`` exchange; ``arrangement`` is ``side``, ``stack`` or ``single`` (``Tab`` flips)."""

    class TabChosen(Message):
        """Another tab is wanted, or with ``keep`` this one for another width: the screen builds its content
        off the UI thread.
        """

        def __init__(self, *, keep: bool = False) -> None:
            super().__init__()
            self.keep = keep

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self.loaded: Loaded | None = None
        self.tab = "Pretty"
        self.arrangement = "side"
        self.lone_answer = False
        self.other: Loaded | None = None
        self.held: HeldLines = no_hold

    def compose(self) -> ComposeResult:
        with Vertical(id="asked"):
            yield MadeBar(lambda width: self._title(self._left_title, width), id="asked-title")
            yield Viewer(id="request")
        with Vertical(id="told"):
            yield MadeBar(lambda width: self._title(self._right_title, width), id="told-title")
            yield Viewer(id="answer")

    @property
    def request(self) -> Viewer:
        return self.query_one("#request", Viewer)

    @property
    def answer(self) -> Viewer:
        return self.query_one("#answer", Viewer)

    def tabs(self) -> tuple[str, ...]:
        """The tabs that this exchange has."""
        loaded = self.loaded
        if loaded is None:
            return BYTES_TABS
        left_out = set()
        if not any(loaded.streams):
            left_out.add("Headers")
        if not loaded.row.tool:
            left_out.add("Schema")
        return tuple(tab for tab in TABS if tab not in left_out)

    def step_tab(self, step: int) -> None:
        """The tab before or behind."""
        known = self.tabs()
        at = known.index(self.tab) if self.tab in known else 0
        self.tab = known[(at + step) % len(known)]
        self.post_message(self.TabChosen())

    def arranged(self, how: str) -> None:
        """Arrange the two parts."""
        self.arrangement = how
        for name in ("side", "stack", "single"):
            self.set_class(name == how, f"-{name}")
        if self.stands:
            self._visibility()
            self.titles()

    def _visibility(self) -> None:
        lone = self.tab in LONE_TABS
        single = self.arrangement == "single"
        has_answer = self.loaded is not None and (
            self.loaded.row.kind == "request" or self.loaded.answer is not None
        )
        show_answer = not lone and has_answer and (not single or self.lone_answer)
        self.query_one("#told").display = show_answer
        self.query_one("#asked").display = not (show_answer and single)

    def flip(self) -> None:
        """From request to answer and back: the focus, or what is shown where only one is."""
        if self.arrangement == "single" and self.tab not in LONE_TABS:
            self.lone_answer = not self.lone_answer
            self._visibility()
            (self.answer if self.lone_answer else self.request).focus()
            self.titles()
            return
        (
            self.request if self.answer.has_focus or not self.query_one("#told").display else self.answer
        ).focus()

    def viewer(self) -> Viewer:
        """The viewer in focus, else the one that is shown first."""
        if self.answer.has_focus or (
            self.arrangement == "single" and self.lone_answer and self.query_one("#told").display
        ):
            return self.answer
        return self.request

    def body(self, viewer: Viewer) -> Body | None:
        """The body that a viewer shows."""
        if self.loaded is None:
            return None
        return self.loaded.answer if viewer is self.answer else self.loaded.request

    @property
    def stands(self) -> bool:
        """Whether the parts are there: not before they are made, nor while the UI ends."""
        return len(self.query("#asked, #told, Viewer")) == 4

    def show(self, loaded: Loaded | None, *, keep: bool = False) -> None:
        """Show an exchange; its contents follow by ``fill``."""
        before, self.loaded = self.loaded, loaded
        if not self.stands:
            return
        if before is None or loaded is None or before.row.id != loaded.row.id:
            for viewer in (self.request, self.answer):
                viewer.revealed = False
        if loaded is not None and self.tab not in self.tabs():
            self.tab = "Pretty"
        if loaded is None:
            self.request.show([])
            self.answer.show([])
        self._visibility()
        self.titles()

    def contents(self) -> Callable[[], tuple[Content, Content]]:
        """What to compute off the UI thread for the tab that is chosen, for this exchange as it is now."""
        loaded, tab, other = self.loaded, self.tab, self.other
        widths = (self._width(self.request), self._width(self.answer))
        glyphs, zone, held = glyphs_of(self), self._clock.zone, self.held

        def build() -> tuple[Content, Content]:
            if loaded is None:
                return [], []
            if tab in BYTES_TABS:
                lacking = of_answer(loaded, self._clock.now_ns(), widths[1], held, glyphs)
                return (
                    _bytes(loaded.request, tab, widths[0], glyphs, of_request(loaded)),
                    _bytes(loaded.answer, tab, widths[1], glyphs, lacking),
                )
            if tab == "Schema":
                asked = tabs.schema_lines(loaded.definition, source(loaded.request), glyphs, answer=False)
                told = tabs.schema_lines(loaded.definition, source(loaded.answer), glyphs, answer=True)
                return asked, told
            if tab == "Headers":
                return tabs.header_lines(loaded.streams)
            if tab == "Timing":
                timing = tabs.timing_lines(
                    loaded.row, loaded.messages, loaded.outcomes, glyphs, zone, loaded.streams
                )
                return timing, []
            if tab == "Related":
                return tabs.related_lines(loaded.related, loaded.remarks, glyphs, zone), []
            return differences(loaded, other), []

        return build

    def fill(self, asked: Content, told: Content, *, keep: bool = False) -> None:
        """Show what was computed."""
        if not self.stands:
            return
        self._visibility()
        self.request.show(asked, keep=keep)
        self.answer.show(told, keep=keep)
        self.titles()

    def tick(self) -> None:
        """Clocks of what is waited for or held go on."""
        loaded = self.loaded
        if loaded is not None and self.stands and self.tab in BYTES_TABS and loaded.answer is None:
            width, now = self._width(self.answer), self._clock.now_ns()
            self.answer.show(of_answer(loaded, now, width, self.held, glyphs_of(self)), keep=True)

    def _width(self, viewer: Viewer) -> int:
        """The room for text; what is not displayed, where one part of two is, will have all of it."""
        return max(20, (viewer.size.width or self.size.width) - 1)

    def on_viewer_width_changed(self) -> None:
        """What was broken into lines for another width is broken anew."""
        self.tick()
        if self.tab == "Raw":
            self.post_message(self.TabChosen(keep=True))

    def titles(self) -> None:
        """Paint the two titles again."""
        if not self.is_mounted:
            return
        for bar in self.query(MadeBar):
            bar.refresh()

    def _title(self, make: Callable[[int], Line], width: int) -> Line:
        return chrome.rule(width, glyphs_of(self), make(width))

    def _left_title(self, width: int) -> Line:
        loaded = self.loaded
        if loaded is None:
            return []
        row = loaded.row
        what = "Request" if row.kind == "request" else row.kind.capitalize()
        spans: Line = [(what, "strong"), (f"  #{row.id}" + (f" id {row.rpc_id}" if row.rpc_id else ""), "")]
        if _left_otherwise(loaded, loaded.request):
            spans.append(("  as received", "warning"))
        return [*spans, ("  ", ""), *self._tab_spans(width - width_of(spans) - 6)]

    def _right_title(self, width: int) -> Line:
        loaded = self.loaded
        if loaded is None:
            return []
        verdict = row_verdict(loaded.row, glyphs_of(self))
        spans: Line = [("Response", "strong"), ("  ", ""), (verdict.text, verdict.role)]
        if loaded.answer is not None:
            size = figures.size(loaded.answer.message.size)
            spans.append((f"  {figures.duration(loaded.row.dur_ns)}  {size}", ""))
        if _left_otherwise(loaded, loaded.answer):
            spans.append(("  as received", "warning"))
        if self.arrangement == "single":
            spans += [("  ", ""), *self._tab_spans(width - width_of(spans) - 6)]
        return spans

    def _tab_spans(self, room: int) -> Line:
        """The tabs that fit whole, the chosen one always among them."""
        known = self.tabs()
        first = 0
        chosen = known.index(self.tab) if self.tab in known else 0
        while (
            first < chosen
            and sum(len(tab) + 2 for tab in known[first : chosen + 1]) + (2 if first else 0) > room
        ):
            first += 1
        spans: Line = [("… ", "muted")] if first else []
        for tab in known[first:]:
            if width_of(spans) + len(tab) + 2 > room:
                spans.append(("…", "muted"))
                break
            spans.append((f"[{tab}]", "tab") if tab == self.tab else (f" {tab} ", "muted"))
        return spans


def _left_otherwise(loaded: Loaded, body: Body | None) -> bool:
    """Whether other bytes left in place of ``body``: an edit of it, or what was given in its place."""
    return body is not None and any(
        outcome.sent is not None and outcome.message_id == body.message.id for outcome in loaded.outcomes
    )


def _bytes(body: Body | None, tab: str, width: int, glyphs: Glyphs, otherwise: list[Line]) -> Content:
    if body is None:
        return otherwise
    if tab == "Raw":
        return raw_text(body.source, width)
    found = body.pretty() if tab == "Pretty" else body.tree()
    if found.more:
        found.more += glyphs.keyed(", {save} saves, {pager} opens the pager")
    return found
