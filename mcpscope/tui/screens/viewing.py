"""What can be done in the detail of an exchange: tabs, folds, search, wrapping, opening and saving values."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from mcpscope.tui import pictures
from mcpscope.tui.loaded import WHOLE_BYTES, Body, load
from mcpscope.tui.messages import FilterBy, OpenExchange
from mcpscope.tui.present import masking
from mcpscope.tui.present.content import Block, decoded
from mcpscope.tui.present.document import Document
from mcpscope.tui.present.jsonindex import index_json
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Ask
from mcpscope.tui.screens.revealing import Place, Revealing
from mcpscope.tui.screens.text import Recorded, TextScreen
from mcpscope.tui.source import Source
from mcpscope.tui.values import filter_term, outside, saved, string_value
from mcpscope.tui.widgets.exchange import ExchangeView
from mcpscope.tui.widgets.viewer import Viewer
from mcpscope.tui.working import begin

FIRST_BYTES = 64 << 10
FILTER_BYTES = 200


class Viewing:
    """The actions of one ``ExchangeView`` on whatever screen it is."""

    def __init__(self, screen: ScopeScreen, source: Source, view: Callable[[], ExchangeView]) -> None:
        self._screen = screen
        self._source = source
        self._view = view
        self.revealing = Revealing(screen, source, lambda: view().viewer(), self._place)

    def acts(self, hidden: Callable[[], str]) -> dict[str, Act]:
        """``hidden`` says why the detail is not there."""

        def viewer() -> Viewer:
            return self._view().viewer()

        return {
            "tab.next": Act(lambda: self._view().step_tab(1), hidden),
            "tab.previous": Act(lambda: self._view().step_tab(-1), hidden),
            "open-value": Act(self.open_value, hidden),
            "fold": Act(lambda: self._sideways(closed=True), hidden),
            "unfold": Act(lambda: self._sideways(closed=False), hidden),
            "search": Act(self._search, hidden),
            "search.next": Act(lambda: self._hit(back=False), self._no_search),
            "search.previous": Act(lambda: self._hit(back=True), self._no_search),
            "filter-value": Act(self._filter_by, lambda: hidden() or self._no_value()),
            "wrap": Act(self._wrap, hidden),
            "offsets": Act(lambda: viewer().toggle_offsets(), hidden),
            "save": Act(self._save, lambda: hidden() or self._no_bytes()),
            **self.revealing.acts(hidden),
            "open-outside": Act(self._outside, lambda: hidden() or self._no_media()),
            "pager": Act(self._pager, lambda: hidden() or self._no_bytes()),
        }

    async def fill(self, *, keep: bool = False) -> None:
        """Compute what the chosen tab shows off the UI thread; a large body shows its head first."""
        view = self._view()
        loaded = view.loaded
        if loaded is None:
            return
        if view.tab in ("Pretty", "Tree") and not keep:
            self._heads(view)
        asked, told = await asyncio.to_thread(view.contents())
        if view.loaded is loaded:
            view.fill(asked, told, keep=keep)
            self._screen.refresh_chrome()

    def _heads(self, view: ExchangeView) -> None:
        assert view.loaded is not None
        for viewer, body in ((view.request, view.loaded.request), (view.answer, view.loaded.answer)):
            if body is not None and body.index is None and len(body.source) > WHOLE_BYTES:
                head = Document(index_json(body.source[:FIRST_BYTES], partial=True), more="indexing …")
                viewer.show(head)

    def _body(self) -> Body | None:
        view = self._view()
        return view.body(view.viewer())

    def _place(self) -> Place | None:
        view = self._view()
        if view.loaded is None:
            return None
        part = "response" if view.viewer() is view.answer else "request"
        return view.loaded.row.id, f"{part}, {view.tab}"

    def _no_search(self) -> str:
        return "" if self._view().viewer().pattern is not None else "nothing is searched for"

    def _no_bytes(self) -> str:
        return "" if self._body() is not None else "there are no bytes here"

    def _no_media(self) -> str:
        return "" if self._media_line() >= 0 else "the cursor is not on an image, sound or blob"

    def _media_line(self) -> int:
        """The line of the media value under the cursor, or inside the element there; else -1."""
        viewer = self._view().viewer()
        content = viewer.content
        if not isinstance(content, Document) or not len(content):
            return -1
        line = content.line(viewer.row)
        if line in content.media:
            return line
        holder = line if content.index.is_open(line) else content.index.parent[line]
        return next((at for at in content.media if content.index.parent[at] == holder), -1)

    def _term(self) -> str:
        """The filter for the value under the cursor; empty where there is none that a filter can name."""
        content = self._view().viewer().content
        if not isinstance(content, Document) or not len(content) or not content.index.valid:
            return ""
        line = content.line(self._view().viewer().row)
        return filter_term(content.index.path(line), content.index.value(line, FILTER_BYTES))

    def _no_value(self) -> str:
        return "" if self._term() else "the cursor is not on a value that a filter can name"

    def _filter_by(self) -> None:
        self._screen.post_message(FilterBy(self._term()))

    def block(self) -> Block | None:
        """The image, sound or blob under the cursor."""
        content, line = self._view().viewer().content, self._media_line()
        return content.media[line] if isinstance(content, Document) and line >= 0 else None

    def _sideways(self, *, closed: bool) -> None:
        viewer = self._view().viewer()
        if viewer.has_focus and viewer.fold(closed=closed):
            return
        self._view().flip()

    async def _search(self) -> None:
        text = await self._screen.app.push_screen_wait(
            Ask("Search", hint="Enter searches, n next, N previous")
        )
        if text and not self._view().viewer().search(text):
            self._screen.say(f"{text!r} is not in this view")
        elif text:
            self._view().viewer().focus()

    def _hit(self, *, back: bool) -> None:
        if not self._view().viewer().next_hit(back=back):
            self._screen.say("not found")

    def _wrap(self) -> None:
        reason = self._view().viewer().toggle_wrap()
        if reason:
            self._screen.say(reason)

    def open_value(self) -> None:
        """Enter in a viewer: the rest of a body, a fold, a long string, a related exchange."""
        view, viewer = self._view(), self._view().viewer()
        content = viewer.content
        if view.tab == "Related" and view.loaded is not None:
            if viewer.row < len(view.loaded.related):
                self._screen.post_message(OpenExchange(view.loaded.related[viewer.row][1].id))
            return
        if not isinstance(content, Document) or not len(content):
            return
        if content.is_more(viewer.row):
            begin(self._screen, self._load_rest)
            return
        line = content.line(viewer.row)
        if content.index.is_open(line) or content.index.is_close(line):
            viewer.fold()
            return
        block = content.media.get(line)
        if block is not None and block.kind == "image" and self._wants_pictures():
            self._draw(content, block)
            return
        self._screen.app.push_screen(self._whole(content, line))

    def _whole(self, content: Document, line: int) -> TextScreen:
        """A screen for a long value; what is masked of it here is masked there."""
        path, text = content.index.path(line), string_value(content.index, line)
        place, viewer = self._place(), self._view().viewer()
        recorded = None
        if place is not None:
            masked = masking.value(content.index.key(line), text)
            recorded = Recorded(self._source, (place[0], f"{place[1]}, {path}"), masked, viewer.revealed)
        return TextScreen(path, text, self._screen.heading, recorded)

    def _wants_pictures(self) -> bool:
        return bool(self._screen.app.preferences["images"] == "auto")  # type: ignore[attr-defined]  # ScopeApp

    def _draw(self, content: Document, block: Block) -> None:
        """Let the terminal draw the picture; say why where it cannot."""
        kind = pictures.support(os.environ)
        try:
            data = decoded(content.index, block.line)
        except ValueError:
            self._screen.say("the base64 is broken, there is nothing to draw", severity="error")
            return
        said = pictures.why_not(kind, data) or pictures.show(self._screen.app, kind, data, block.text)
        if said:
            self._screen.say(self._screen.keyed(said + "; {open-outside} opens it outside, {save} saves it"))

    async def _load_rest(self) -> None:
        view = self._view()
        if view.loaded is None:
            return
        key = view.loaded.row.id
        self._screen.say("loading the rest …")
        loaded = await self._source.ask(lambda pages: load(pages, key, whole=True))
        if loaded is not None and view.loaded is not None and view.loaded.row.id == key:
            view.show(loaded)
            await self.fill()

    async def _save(self) -> None:
        """Write the image, sound or blob under the cursor, else the whole body, to a file."""
        view, viewer = self._view(), self._view().viewer()
        body, content, line = self._body(), viewer.content, self._media_line()
        if body is None or view.loaded is None:
            return
        suggestion = f"{view.loaded.row.tool or 'message'}-{body.message.id}"
        if isinstance(content, Document) and line >= 0:
            suggestion += content.media[line].suffix
        else:
            suggestion += ".json" if body.index is None or body.index.valid else ".txt"
            line = -1
        path = await self._screen.app.push_screen_wait(Ask("Save as", suggestion))
        if path:
            message = body.message.id
            data = None if line < 0 or not isinstance(content, Document) else (content.index, line)
            source = await self._source.ask(lambda pages: pages.body(message)) if data is None else b""
            self._screen.say(await asyncio.to_thread(saved, path, source, data))

    async def _outside(self) -> None:
        content, line = self._view().viewer().content, self._media_line()
        if isinstance(content, Document) and line >= 0:
            self._screen.say(await asyncio.to_thread(outside, content.index, line, content.media[line]))

    async def _pager(self) -> None:
        body = self._body()
        if body is None:
            return
        message = body.message.id
        source = await self._source.ask(lambda pages: pages.body(message))
        self._screen.app.call_later(self._screen.app.page, source)  # type: ignore[attr-defined]  # ScopeApp
