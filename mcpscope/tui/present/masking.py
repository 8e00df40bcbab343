"""What is masked on the screen: what exports mask by default, at the same places, until somebody reveals it.

Only what is painted is masked. Search, filters, copies and files go by what was recorded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from mcpscope.exports.masks import Masks, configured_keys
from mcpscope.text import safe
from mcpscope.tui.present.jsonindex import JsonIndex
from mcpscope.tui.present.spans import Line, Span

MASK = "[masked]"
LOOKED_AT_BYTES = 4096
"""So much of a value is looked at for a secret without a name; of a longer one little is shown."""
_NO_SECRETS = ("", "true", "false", "null", '""')

Ranges = Sequence[tuple[int, int]]


@cache
def _masks() -> Masks:
    return Masks(configured_keys())


def on_line(index: JsonIndex, line: int) -> Ranges:
    """The bytes of the source that are masked on a line of an index."""
    if index.partner[line] >= 0:
        return ()
    start, end = index.start[line], index.end[line]
    raw = index.source[start : min(end, start + LOOKED_AT_BYTES)]
    if index.valid and _is_secret(index, line):
        quoted = raw.startswith(b'"')
        return [] if _is_redacted(raw) else [(start + quoted, end - quoted)]
    return [(start + first, start + last) for first, last in _masks().ranges(raw)]


def _is_secret(index: JsonIndex, line: int) -> bool:
    key = index.key(line)
    return bool(key) and _masks().is_secret(key) and index.value(line, 8) not in _NO_SECRETS


def _is_redacted(raw: bytes) -> bool:
    """Whether a policy keeps it out of the record anyway; its digest is there to be recognised."""
    return b"[redacted:" in raw


def is_masked(index: JsonIndex, line: int) -> bool:
    """Whether something of a line is masked."""
    return bool(on_line(index, line))


def any_masked(source: bytes) -> bool:
    """Whether something of a message is masked; looks through all of it."""
    return any(not _is_redacted(source[start:stop]) for start, stop in _masks().ranges(source))


def shown(source: bytes, start: int, stop: int, ranges: Ranges) -> str:
    """``source[start:stop]`` as text, with a mask in place of each of the ranges."""
    parts, at = [], start
    for first, last in ranges:
        if last <= start or first >= stop:
            continue
        parts += [safe(source[at : max(at, first)].decode("utf-8", "replace")), MASK]
        at = min(stop, last)
    return "".join([*parts, safe(source[at:stop].decode("utf-8", "replace"))])


def rows(source: bytes, offsets: Sequence[int]) -> dict[int, str]:
    """Of the rows of a text that begin at ``offsets``, those that are masked, as they are shown."""
    ranges = [span for span in _masks().ranges(source) if not _is_redacted(source[span[0] : span[1]])]
    found: dict[int, str] = {}
    for start, stop in ranges:
        row = bisect_right(offsets, start) - 1
        while row < len(offsets) and offsets[row] < stop:
            end = offsets[row + 1] if row + 1 < len(offsets) else len(source)
            if row not in found:
                found[row] = shown(source, offsets[row], end, ranges)
            row += 1
    return found


@lru_cache(1024)
def text(told: str) -> str:
    """A line of our own words with recorded values in it: ``password="…"``."""
    raw = told.encode("utf-8", "surrogateescape")
    ranges = [span for span in _masks().ranges(raw, told=True) if not _is_redacted(raw[span[0] : span[1]])]
    return shown(raw, 0, len(raw), ranges) if ranges else told


def is_secret(name: str) -> bool:
    """Whether what has this name is masked."""
    return _masks().is_secret(name)


def line(spans: Line) -> Line:
    """A line of any view; roles are kept where nothing is masked."""
    spans = [*_headers(spans)]
    whole = "".join(part for part, _ in spans)
    masked = text(whole)
    if masked == whole:
        return spans
    before = _same(whole, masked)
    after = _same(whole[before:][::-1], masked[before:][::-1])
    head, tail = _cut(spans, 0, before), _cut(spans, len(whole) - after, len(whole))
    role = next((role for _, role in _cut(spans, before, before + 1)), "")
    return [*head, (masked[before : len(masked) - after], role), *tail]


def _headers(spans: Line) -> Iterator[Span]:
    """The spans with the value masked behind a key that says what it is: ``x-api-key: …``."""
    key = ""
    for part, role in spans:
        hides = (
            bool(key) and not role and is_secret(key) and not _is_redacted(part.encode("utf-8", "replace"))
        )
        yield (MASK if hides else part, role)
        key = part.strip(' ":') if role == "key" else ""


def _same(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _cut(spans: Line, start: int, stop: int) -> Line:
    found, at = [], 0
    for part, role in spans:
        piece = part[max(0, start - at) : max(0, stop - at)]
        if piece:
            found.append((piece, role))
        at += len(part)
    return found


def value(name: str, whole: str) -> str:
    """A long value that has this name."""
    if is_secret(name) and "[redacted:" not in whole:
        return MASK
    raw = whole.encode("utf-8", "surrogateescape")
    parts, at = [], 0
    for start, stop in _masks().ranges(raw):
        parts += [raw[at:start], MASK.encode()]
        at = stop
    return b"".join([*parts, raw[at:]]).decode("utf-8", "surrogateescape")
