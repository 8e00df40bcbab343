"""One exchange with everything the detail shows of it, read and indexed off the UI thread."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcpscope.store.listed import ExchangeRow, MessageRow, NoteRow, OutcomeRow
from mcpscope.store.pages import Pages
from mcpscope.tui.present import figures
from mcpscope.tui.present.document import Document, document
from mcpscope.tui.present.jsonindex import JsonIndex, index_json

WHOLE_BYTES = 256 << 10
INDEXED_BYTES = 8 << 20
HEAD_BYTES = 256 << 10


@dataclass(slots=True)
class Body:
    """The bytes of one message. Of a large one ``head`` and ``tail`` are kept until the rest is asked for."""

    message: MessageRow
    source: bytes
    tail: bytes = b""
    cut: int = 0
    index: JsonIndex | None = None

    @property
    def whole(self) -> bool:
        return not self.cut

    def pretty(self) -> Document:
        """The body as lines; indexes on first use, so call it off the UI thread."""
        return self._document(tree=False)

    def tree(self) -> Document:
        """The body as a tree."""
        return self._document(tree=True)

    def _document(self, *, tree: bool) -> Document:
        if self.index is None:
            self.index = index_json(self.source, partial=not self.whole)
        found = document(self.source, tree=tree, index=self.index)
        if self.cut:
            found.more = f"… {figures.long_size(self.cut)} more: Enter loads the rest"
        return found


@dataclass(slots=True)
class Loaded:
    """One exchange. ``request`` is its first message (or what stands alone), ``answer`` its last answer."""

    row: ExchangeRow
    messages: list[MessageRow]
    outcomes: list[OutcomeRow]
    remarks: list[NoteRow]
    request: Body | None = None
    answer: Body | None = None
    note: NoteRow | None = None
    related: list[tuple[str, ExchangeRow]] = field(default_factory=list)
    streams: tuple[str, str, str] = ("", "", "")
    definition: bytes | None = None


def load(pages: Pages, exchange: int, *, whole: bool = False) -> Loaded | None:
    """Read an exchange; None where it is gone. ``whole`` reads large bodies to their end."""
    row = pages.rows([exchange]).get(exchange)
    if row is None:
        return None
    messages = pages.messages(exchange)
    found = Loaded(row, messages, pages.outcomes(exchange), pages.remarks(exchange))
    by_id = {message.id: message for message in messages}
    request = by_id.get(row.request_id or -1) or (messages[0] if messages and not row.answer_id else None)
    answer = by_id.get(row.answer_id or -1)
    found.request = read_body(pages, request, whole=whole) if request else None
    found.answer = read_body(pages, answer, whole=whole) if answer and answer is not request else None
    if not messages:
        found.note = pages.note(exchange)
    found.related = _related(pages, row)
    found.streams = pages.stream(row.session_id, row.stream)
    if row.tool:
        found.definition = pages.definition(row.session_id, row.tool, row.id)
    return found


def read_body(pages: Pages, message: MessageRow, *, whole: bool = False) -> Body:
    """The bytes of a message: all of them, or head and tail where there are more than eight megabytes."""
    source = pages.body(message.id)
    if whole or len(source) <= INDEXED_BYTES:
        return Body(message, source)
    cut = len(source) - 2 * HEAD_BYTES
    return Body(message, source[:HEAD_BYTES], source[-HEAD_BYTES:], cut)


def _related(pages: Pages, row: ExchangeRow) -> list[tuple[str, ExchangeRow]]:
    before, after = pages.same_tool(row)
    children = pages.children(row.id)
    wanted = [*before, *after, *children, *([row.parent_id] if row.parent_id else [])]
    rows = pages.rows(wanted)
    name = row.tool or row.method
    found: list[tuple[str, ExchangeRow]] = []
    if row.parent_id in rows:
        found.append(("caused by", rows[row.parent_id]))
    found += [("caused", rows[key]) for key in children if key in rows]
    found += [(f"{name} before", rows[key]) for key in before if key in rows]
    found += [(f"{name} after", rows[key]) for key in after if key in rows]
    return found
