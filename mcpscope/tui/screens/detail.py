"""One exchange on the whole screen: under 100 columns, and wherever Enter opens one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.store.listed import ExchangeRow
from mcpscope.tui.clock import Clock
from mcpscope.tui.feed import Change
from mcpscope.tui.loaded import load
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.rows import label
from mcpscope.tui.present.spans import Span
from mcpscope.tui.screens.base import NARROW, Act, ScopeScreen, bindings
from mcpscope.tui.screens.composing import ComposeExchange
from mcpscope.tui.screens.copying import Copying
from mcpscope.tui.screens.replays import ReplayOne
from mcpscope.tui.screens.steering import Steering
from mcpscope.tui.screens.viewing import Viewing
from mcpscope.tui.source import Source
from mcpscope.tui.widgets.exchange import ExchangeView
from mcpscope.tui.working import begin


class DetailScreen(ScopeScreen):
    """``step`` gives the exchange so many rows further in the list; ``marked`` the other one of a diff."""

    place = "detail"
    BINDINGS: ClassVar[list[BindingType]] = bindings("detail")

    def __init__(
        self,
        source: Source,
        clock: Clock,
        exchange: int,
        step: Callable[[int, int], int | None],
        marked: Callable[[int], int | None],
        tab: str = "Pretty",
    ) -> None:
        super().__init__()
        self._source = source
        self._clock = clock
        self.exchange = exchange
        self._step = step
        self._marked = marked
        self._tab = tab
        self._how = ""
        self.composing: ComposeExchange | None = None
        self.steering: Steering | None = None
        self.viewing = Viewing(self, source, lambda: self.query_one(ExchangeView))
        self.copying = Copying(self, source, clock, lambda: self.query_one(ExchangeView))

    def body(self) -> ComposeResult:
        yield ExchangeView(self._clock, id="detail")

    @property
    def view(self) -> ExchangeView:
        return self.query_one(ExchangeView)

    def on_mount(self) -> None:
        self.set_interval(1.0, lambda: self.view.tick())
        if self.steering is not None:
            self.view.held = self.steering.panel
        self.reload()

    def selected(self) -> ExchangeRow | None:
        """The exchange that is shown, as it was read last."""
        loaded = self.view.loaded if self.is_mounted else None
        return None if loaded is None else loaded.row

    def reload(self) -> None:
        """Read the exchange again."""
        begin(self, self._load, group="detail", exclusive=True)

    async def _load(self) -> None:
        key, view = self.exchange, self.view
        loaded = await self._source.ask(lambda pages: load(pages, key))
        if loaded is None:
            self.say(f"exchange {key} is gone")
            return
        keep = view.loaded is not None and view.loaded.row.id == key
        view.show(loaded)
        if not keep and self._tab in view.tabs():
            view.tab = self._tab
        self.heading = replace(self.heading, title=f"#{key} {label(loaded.row)}")
        self.refresh_chrome()
        await (self.viewing.fill(keep=keep) if view.tab != "Diff" else self._fill())
        if not keep:
            view.viewer().focus()

    def show_heading(self, heading: Heading) -> None:
        super().show_heading(replace(heading, title=self.heading.title))

    async def take(self, change: Change) -> None:
        """Read the exchange again if it changed."""
        if self.exchange in change.exchanges:
            self.reload()

    def on_exchange_view_tab_chosen(self, event: ExchangeView.TabChosen) -> None:
        begin(self, partial(self._fill, keep=event.keep), group="detail", exclusive=True)

    async def _fill(self, *, keep: bool = False) -> None:
        other = self._marked(self.exchange)
        if self.view.tab == "Diff" and other is not None:
            self.view.other = await self._source.ask(lambda pages: load(pages, other))
        else:
            self.view.other = None
        await self.viewing.fill(keep=keep)

    def on_resize(self) -> None:
        super().on_resize()
        self.view.arranged(self._how or ("side" if self.size.width >= NARROW else "single"))

    def acts(self) -> dict[str, Act]:
        return {
            **self.viewing.acts(lambda: ""),
            **self.copying.acts(lambda: ""),
            **ReplayOne(self, self._source, lambda: self.exchange).acts(lambda: ""),
            **(self.composing.acts(lambda: "") if self.composing is not None else {}),
            **(self.steering.acts() if self.steering is not None else {}),
            "pane.next": Act(lambda: self.view.flip()),
            "pane.previous": Act(lambda: self.view.flip()),
            "layout": Act(self._layout),
            "zoom": Act(self._zoom),
            "diff": Act(self._diff),
            "exchange.next": Act(lambda: self._go(1)),
            "exchange.previous": Act(lambda: self._go(-1)),
        }

    def _layout(self) -> None:
        order = ["single", "stack", "side"] if self.size.width >= NARROW else ["single", "stack"]
        now = self.view.arrangement
        self._how = order[(order.index(now) + 1) % len(order)] if now in order else "stack"
        self.view.arranged(self._how)

    def _zoom(self) -> None:
        self.view.lone_answer = self.view.answer.has_focus
        self._how = "" if self._how == "single" else "single"
        self.on_resize()

    def _diff(self) -> None:
        self.view.tab = "Diff"
        begin(self, self._fill, group="detail", exclusive=True)

    def _go(self, count: int) -> None:
        found = self._step(self.exchange, count)
        if found is None:
            self.say("that is the last one")
            return
        self.exchange = found
        self.reload()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        viewer = self.view.viewer()
        parts: list[Span] = [(viewer.position_text(), "muted")]
        block = self.viewing.block()
        if block is not None and block.sha256:
            parts.append((f"sha256 {block.sha256}", "info"))
        parts.append(("wrap on" if viewer.wrap else "wrap off", "muted"))
        parts.append(self.viewing.revealing.status())
        return parts, ""
