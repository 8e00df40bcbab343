"""One message body as lines: Pretty, Tree and Raw over one index, with folds, cuts and search.

Built off the UI thread; painting a line costs the line. No byte of a body is shown but through ``safe``.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from mcpscope.text import safe
from mcpscope.tui.present import figures, masking
from mcpscope.tui.present.content import Block, blocks
from mcpscope.tui.present.glyphs import UTF8, Glyphs
from mcpscope.tui.present.jsonindex import JsonIndex, index_json
from mcpscope.tui.present.spans import Line

LONG_STRING_BYTES = 2000
SHOWN_OF_LONG_BYTES = 36
FOLDED_PREVIEW_BYTES = 80
TREE_AUTO_FOLD_LINES = 4000
TREE_AUTO_FOLD_DEPTH = 3


@dataclass(slots=True)
class Document:
    """The lines of one body. ``shown`` lists the lines not hidden by a fold; None means all of them.

    ``more`` is a last line for a body that is not here to its end.
    """

    index: JsonIndex
    media: dict[int, Block] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)
    tree: bool = False
    folded: set[int] = field(default_factory=set)
    shown: array[int] | None = None
    more: str = ""
    secrets: dict[int, masking.Ranges] = field(default_factory=dict)

    def __len__(self) -> int:
        return (len(self.index) if self.shown is None else len(self.shown)) + (1 if self.more else 0)

    def line(self, row: int) -> int:
        """The line of the index that stands on ``row``."""
        if self.is_more(row):
            row -= 1
        return row if self.shown is None else self.shown[row]

    def is_more(self, row: int) -> bool:
        """Whether ``row`` is the line that stands for the rest."""
        return bool(self.more) and row == len(self) - 1

    def row(self, line: int) -> int:
        """The row on which ``line`` stands, or the row of the fold that hides it."""
        if self.shown is None:
            return line
        return max(0, bisect_right(self.shown, line) - 1)

    def toggle(self, row: int) -> None:
        """Fold or unfold the container on ``row``; a closing or plain line folds what it is in."""
        line = self.line(row)
        if not self.index.is_open(line):
            line = self.index.parent[line] if not self.index.is_close(line) else self.index.partner[line]
        if line < 0:
            return
        self.folded.symmetric_difference_update({line})
        self.refold()

    def fold(self, row: int, *, closed: bool) -> None:
        """Close the container on ``row``, or open it."""
        line = self.line(row)
        if self.index.is_open(line) and (line in self.folded) != closed:
            self.toggle(row)
        elif closed and self.index.parent[line] >= 0:
            self.folded.add(self.index.parent[line])
            self.refold()

    def reveal(self, line: int) -> None:
        """Unfold whatever hides ``line``."""
        around = self.index.parent[line]
        while around >= 0:
            self.folded.discard(around)
            around = self.index.parent[around]
        self.refold()

    def refold(self) -> None:
        """Compute ``shown`` again from the folds."""
        if not self.folded and not self.tree:
            self.shown = None
            return
        index, shown, at = self.index, array("q"), 0
        total = len(index)
        partner = index.partner
        while at < total:
            other = partner[at]
            if other >= 0 and other < at:
                if not self.tree:
                    shown.append(at)
                at += 1
                continue
            if not (self.tree and at == 0 and other > 0):
                shown.append(at)
            at = other + 1 if at in self.folded and other > at else at + 1
        self.shown = shown

    def spans(self, row: int, glyphs: Glyphs = UTF8, *, masked: bool = False) -> Line:
        """The line on ``row`` as it is painted; ``masked``: without the secrets in it."""
        if self.is_more(row):
            return [(self.more, "warning")]
        line = self.line(row)
        spans = self._tree(line, glyphs, masked=masked) if self.tree else self._pretty(line, masked=masked)
        mark = self.marks.get(line)
        if mark:
            spans.append((f"   {glyphs.error}{mark}", "error"))
        return spans

    def _pretty(self, line: int, *, masked: bool) -> Line:
        index = self.index
        spans: Line = [("  " * index.depth[line], "")]
        if index.key_start[line] >= 0:
            key = index.source[index.key_start[line] : index.key_end[line]].decode("utf-8", "replace")
            spans += [(safe(key[:LONG_STRING_BYTES]), "key"), (": ", "muted")]
        spans += self._value(line, masked=masked)
        if index.valid and self._has_comma(line):
            spans.append((",", "muted"))
        return spans

    def _has_comma(self, line: int) -> bool:
        index = self.index
        after = (index.partner[line] if line in self.folded else line) + 1
        begins = index.value(line, 1) in ("{", "[") and index.end[line] - index.start[line] == 1
        return not (begins and line not in self.folded) and after < len(index) and not index.is_close(after)

    def _value(self, line: int, *, masked: bool) -> Line:
        index = self.index
        if index.is_open(line):
            return (
                self._folded(line, masked=masked) if line in self.folded else [(index.value(line), "muted")]
            )
        if line in self.media:
            return [(self.media[line].text, "error" if self.media[line].problem else "info")]
        if masked and (hidden := self._hidden(line)):
            return self._masked(line, hidden)
        length = index.end[line] - index.start[line]
        if length > LONG_STRING_BYTES:
            head = safe(index.value(line, SHOWN_OF_LONG_BYTES))
            return [(head, ""), (f" … ({figures.count(length)} bytes, Enter to open)", "muted")]
        text = safe(index.value(line))
        if not index.valid:
            return [(text, "")]
        if index.is_close(line) or text in ("{}", "[]"):
            return [(text, "muted")]
        return [(text, "" if text.startswith('"') else "literal")]

    def _hidden(self, line: int) -> masking.Ranges:
        """What is masked on a line, found out when it is painted first."""
        if line not in self.secrets:
            self.secrets[line] = masking.on_line(self.index, line)
        return self.secrets[line]

    def _masked(self, line: int, hidden: masking.Ranges) -> Line:
        """A value of which something is masked; beside that a long one is cut as any other."""
        index, start, stop = self.index, self.index.start[line], self.index.end[line]
        if stop - start <= LONG_STRING_BYTES or hidden[0][1] >= stop - 1:
            return [(masking.shown(index.source, start, stop, hidden), "")]
        head = masking.shown(index.source, start, start + SHOWN_OF_LONG_BYTES, hidden)
        return [(head, ""), (f" … ({figures.count(stop - start)} bytes, Enter to open)", "muted")]

    def _folded(self, line: int, *, masked: bool) -> Line:
        index = self.index
        start, stop = index.start[line], index.end[index.partner[line]]
        end = min(stop, start + FOLDED_PREVIEW_BYTES)
        hidden: list[tuple[int, int]] = []
        for inside in range(line + 1, index.partner[line]) if masked else ():
            if index.start[inside] >= end:
                break
            hidden += self._hidden(inside)
        text = re.sub(r"\s+", " ", masking.shown(index.source, start, end, hidden))
        if stop - index.start[line] > FOLDED_PREVIEW_BYTES:
            closing = "}" if text.startswith("{") else "]"
            text += f"… {figures.count(index.size[line])}{closing}"
        return [(text, "muted")]

    def _tree(self, line: int, glyphs: Glyphs, *, masked: bool) -> Line:
        index = self.index
        depth = max(0, index.depth[line] - 1)
        sign = " "
        if index.is_open(line):
            sign = glyphs.folded if line in self.folded else glyphs.opened
        name = str(index.position(line)) if index.in_array(line) else safe(index.key(line)[:200])
        spans: Line = [("  " * depth + sign + " ", "muted"), (name, "key")]
        if index.is_open(line):
            braces = "{}" if index.value(line, 1) == "{" else "[]"
            spans.append((f" {braces[0]}{figures.count(index.size[line])}{braces[1]}", "muted"))
            spans += self._tree_summary(line)
            return spans
        spans.append(("  ", ""))
        spans += self._value(line, masked=masked)
        return spans

    def _tree_summary(self, line: int) -> Line:
        """What a content block or a named element is, beside its fold."""
        if len(self.index) > TREE_AUTO_FOLD_LINES * 20 and line not in self.folded:
            return []
        for at in self._first_children(line):
            if at in self.media:
                return [(f"  {self.media[at].text}", "error" if self.media[at].problem else "info")]
        return []

    def _first_children(self, line: int, limit: int = 8) -> Sequence[int]:
        index, at = self.index, line + 1
        found: list[int] = []
        while at < index.partner[line] and len(found) < limit:
            found.append(at)
            at = index.partner[at] + 1 if index.is_open(at) else at + 1
        return found

    def find(self, pattern: re.Pattern[bytes], row: int, *, back: bool = False) -> int | None:
        """The line of the next hit behind (or before) ``row``, or None; hits inside folds count."""
        here = self.line(row) if len(self) else 0
        lines = self.hits(pattern)
        if not lines:
            return None
        if back:
            before = [line for line in lines if line < here]
            return before[-1] if before else lines[-1]
        return next((line for line in lines if line > here), lines[0])

    def hits(self, pattern: re.Pattern[bytes]) -> list[int]:
        """The lines on which ``pattern`` is found as they are shown, each once, at most 100,000."""
        index = self.index
        found = [line for line, block in self.media.items() if pattern.search(block.text.encode())]
        for hit in pattern.finditer(index.source):
            line = max(0, bisect_right(index.start, hit.start()) - 1)
            if index.key_start[line] >= 0 and hit.start() >= index.end[line] and line + 1 < len(index):
                line += 1
            nxt = line + 1
            if nxt < len(index) and 0 <= index.key_start[nxt] <= hit.start():
                line = nxt
            if line in self.media and hit.start() >= index.start[line]:
                continue  # inside base64, which nobody sees
            if not found or found[-1] != line:
                found.append(line)
            if len(found) >= 100_000:
                break
        return sorted(set(found))


def document(source: bytes, *, tree: bool = False, index: JsonIndex | None = None) -> Document:
    """A document over ``source``; ``index`` saves making it again for another view of the same body."""
    found = index or index_json(source)
    made = Document(found, blocks(found), tree=tree)
    if tree:
        made.folded = _tree_folds(found)
    made.refold()
    return made


def _tree_folds(index: JsonIndex) -> set[int]:
    large = len(index) > TREE_AUTO_FOLD_LINES
    found: set[int] = set()
    for line in range(len(index)):
        if index.partner[line] <= line:
            continue
        if index.key(line) == "_meta" or (large and index.depth[line] >= TREE_AUTO_FOLD_DEPTH):
            found.add(line)
    return found


_LONG_BASE64 = re.compile(rb"[A-Za-z0-9+/]{256,}={0,2}")


@dataclass(slots=True)
class RawText:
    """The bytes of a body, cut into rows of ``width`` cells; ``offsets`` are the byte offsets of the rows.

    ``masked`` are the rows that have secrets, without them.
    """

    rows: list[str]
    offsets: array[int]
    masked: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


def raw_text(source: bytes, width: int) -> RawText:
    """``source`` as it crossed the wire: control characters shown, base64 runs cut, offsets kept."""
    width = max(8, width)
    rows: list[str] = []
    offsets = array("q")
    at = 0
    for hit in _LONG_BASE64.finditer(source):
        _raw_rows(source, at, hit.start() + 64, width, rows, offsets)
        offsets.append(hit.start() + 64)
        rows.append(f"… {figures.count(hit.end() - hit.start())} characters of base64, {hit.end()} …")
        at = max(hit.start() + 64, hit.end() - 8)
    _raw_rows(source, at, len(source), width, rows, offsets)
    return RawText(rows, offsets, masking.rows(source, offsets))


def _raw_rows(source: bytes, start: int, stop: int, width: int, rows: list[str], offsets: array[int]) -> None:
    at = start
    while at < stop:
        piece = source[at : min(stop, at + width)]
        if piece.isascii():
            text = piece.decode("ascii")
        else:
            piece, text = _whole_characters(source, at, min(stop, at + width))
        shown = safe(text)
        while cell_len(shown) > width and len(text) > 1:
            text = text[: max(1, len(text) * width // cell_len(shown))]
            piece, shown = text.encode("utf-8", "surrogateescape"), safe(text)
        offsets.append(at)
        rows.append(shown)
        at += len(piece)


def _whole_characters(source: bytes, at: int, stop: int) -> tuple[bytes, str]:
    """At least one and at most ``stop - at`` bytes that end between characters, and their text."""
    end = stop
    while end < len(source) and end > at + 1 and (source[end] & 0xC0) == 0x80 and stop - end < 4:
        end -= 1
    piece = source[at:end]
    return piece, piece.decode("utf-8", "surrogateescape")
