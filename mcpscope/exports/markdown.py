"""A session as Markdown, for a bug report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mcpscope.exports.documents import Source, iso, payload, session_facts
from mcpscope.exports.masked import Masked
from mcpscope.store.subjects import Recorded
from mcpscope.text import safe

MAX_BODY_CHARS = 20_000
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|])")
_FENCE = re.compile(r"`{3,}")


def as_markdown(source: Source, shown: bool) -> Iterator[bytes]:
    """A heading with the facts, then a section for each exchange."""
    facts = session_facts(source)
    title = facts.pop("name", "") or facts.get("label", "") or f"session {source.session.id}"
    lines = [f"# {_plain(str(title))}", ""]
    lines += [f"- {name}: {_plain(_shown(value))}" for name, value in facts.items()]
    yield ("\n".join(lines) + "\n").encode()
    for one in source.query.oldest():
        yield _section(one, Masked(one, source.mask)).encode()
    if source.mask.count:
        values = "value is" if source.mask.count == 1 else "values are"
        yield f"\n{source.mask.count} {values} masked.\n".encode()


def _section(one: Recorded, masked: Masked) -> str:
    what = one.tool or one.method or one.kind
    arrow = {"c2s": "→", "s2c": "←"}.get(one.dir, "·")
    took = "" if one.dur_ns is None else f", {one.dur_ns / 1e6:.1f} ms"
    code = "" if one.code is None else f" {one.code}"
    head = f"\n## {one.seq} {arrow} {_plain(what)}: {one.status}{code}\n\n{iso(one.opened_at)}{took}"
    if one.flags:
        head += f", {_plain(' '.join(one.flags))}"
    parts = [head + "\n"]
    for name, raw in (("request", masked.request), ("answer", masked.answer)):
        body = payload(raw)
        if body is not None:
            parts.append(f"\n{name}\n\n{_fenced(body)}\n")
    parts += [f"\n{_fenced(note)}\n" for note in masked.notes]
    return "".join(parts)


def _fenced(body: Any) -> str:
    """A code block whose fence nothing inside can close."""
    is_text = isinstance(body, str)
    text = safe(body if is_text else json.dumps(body, ensure_ascii=False, indent=2), keep="\n")
    if len(text) > MAX_BODY_CHARS:
        text = text[:MAX_BODY_CHARS] + f"\n… {len(text) - MAX_BODY_CHARS:,} characters more"
    longest = max((len(found) for found in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{'' if is_text else 'json'}\n{text}\n{fence}"


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", safe(text))


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
