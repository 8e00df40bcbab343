"""The detail of one exchange: request and answer, side by side, stacked or one at a time, under tabs."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from mcpscope.store.listed import ExchangeRow
from mcpscope.tui.clock import Clock
from mcpscope.tui.loaded import Body, Loaded
from mcpscope.tui.present import chrome, figures, tabs
from mcpscope.tui.present.document import Document, RawText, raw_text
from mcpscope.tui.present.glyphs import Glyphs
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
        """Another tab is wanted: the screen builds its content off the UI thread."""

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self.loaded: Loaded | None = None
        self.tab = "Pretty"
        self.arrangement = "side"
        self.lone_answer = False
        self.other: Loaded | None = None
        self.held: Callable[[ExchangeRow], list[Line]] = _no_hold

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
        self.loaded = loaded
        if not self.stands:
            return
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
        widths = (max(20, self.request.size.width - 1), max(20, self.answer.size.width - 1))
        glyphs, zone, held = glyphs_of(self), self._clock.zone, self.held

        def build() -> tuple[Content, Content]:
            if loaded is None:
                return [], []
            if tab in BYTES_TABS:
                lacking = _lacking(loaded, self._clock.now_ns(), held)
                return (
                    _bytes(loaded.request, tab, widths[0], glyphs, _said(loaded)),
                    _bytes(loaded.answer, tab, widths[1], glyphs, lacking),
                )
            if tab == "Schema":
                asked = tabs.schema_lines(loaded.definition, _source(loaded.request), glyphs, answer=False)
                told = tabs.schema_lines(loaded.definition, _source(loaded.answer), glyphs, answer=True)
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
            return _diff(loaded, other), []

        return build

    def fill(self, asked: Content, told: Content, *, keep: bool = False) -> None:
        """Show what was computed."""
        if not self.stands:
            return
        self._visibility()
        self.request.show(asked, keep=keep)
        self.answer.show(told, keep=keep)
        self.titles()

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
        if any(outcome.sent is not None for outcome in loaded.outcomes):
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


def _source(body: Body | None) -> bytes:
    return body.source if body is not None and body.whole else b""


def _bytes(body: Body | None, tab: str, width: int, glyphs: Glyphs, otherwise: list[Line]) -> Content:
    if body is None:
        return otherwise
    if tab == "Raw":
        return raw_text(body.source, width)
    found = body.pretty() if tab == "Pretty" else body.tree()
    if found.more:
        found.more += glyphs.keyed(", {save} saves, {pager} opens the pager")
    return found


def _said(loaded: Loaded) -> list[Line]:
    """What stands in place of a request: the text of a note or of a line that is no message."""
    if loaded.note is None:
        return [[("the bytes of this message are not kept", "muted")]] if loaded.messages else []
    return [[(line, "")] for line in loaded.note.text.splitlines()[:2000]] or [[("(empty)", "muted")]]


def _no_hold(row: ExchangeRow) -> list[Line]:
    """Where nobody knows what is held."""
    return []


def _lacking(loaded: Loaded, now_ns: int, held: Callable[[ExchangeRow], list[Line]]) -> list[Line]:
    row = loaded.row
    if row.status == "held" and (lines := held(row)):
        return lines
    if row.kind != "request":
        return []
    waited = figures.duration(now_ns - row.opened_at)
    texts = {
        "waiting": f"no answer yet, waiting for {waited}",
        "lost": "the connection ended before an answer came",
        "cancelled": "cancelled by who asked; no answer came",
        "denied": "refused by a rule; the client got an error",
        "dropped": "dropped by a person; the client got an error",
    }
    return [[(texts.get(row.status, "there is no answer"), "muted")]]


def _diff(loaded: Loaded, other: Loaded | None) -> list[Line]:
    if other is not None:
        lines: list[Line] = []
        names = (f"#{other.row.id} marked", f"#{loaded.row.id} this")
        for title, mine, theirs in (
            ("request", loaded.request, other.request),
            ("answer", loaded.answer, other.answer),
        ):
            lines.append([(title, "strong")])
            lines += tabs.diff_lines(_source(theirs), _source(mine), names)
            lines.append([])
        return lines
    sources = {body.message.id: body.source for body in (loaded.request, loaded.answer) if body is not None}
    changed: list[Line] = []
    for outcome in loaded.outcomes:
        if outcome.sent is not None and outcome.message_id in sources:
            received = sources[outcome.message_id]
            changed += [[]] if changed else []
            changed += tabs.diff_lines(received, outcome.sent, ("as received", "as sent"))
    if changed:
        return changed
    return [[("every message left as it came, byte for byte", "success")]]
