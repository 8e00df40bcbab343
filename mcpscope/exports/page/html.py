"""A session as one page that needs no network: what was recorded as inert data, one script that shows it.

The page's own policy lets nothing run but that script and loads nothing from anywhere. Recorded text has gone
through ``safe``, stands in data blocks that cannot be closed from inside, and is shown as text only.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from mcpscope.exports.documents import Source, iso, session_facts
from mcpscope.exports.masked import Masked
from mcpscope.store.subjects import Recorded
from mcpscope.text import json_text, safe

EXCHANGES_A_PART = 100  # bodies are read by the browser a part at a time, when one of it is opened
_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def as_html(source: Source, shown: bool) -> Iterator[bytes]:
    """The page: a head, the rows and bodies in parts, and at the end what was masked."""
    facts = session_facts(source)
    title = str(facts.get("name") or facts.get("label") or f"session {source.session.id}")
    yield _head(title).encode()
    yield _data("session", _all_safe(facts))
    exchanges = source.query.oldest()
    while part := list(islice(exchanges, EXCHANGES_A_PART)):
        masked = [(one, Masked(one, source.mask)) for one in part]
        yield _data("bodies", [_bodies(behind) for _, behind in masked])
        yield _data("rows", [_row(one, behind, source.session.started_at) for one, behind in masked])
    yield _data("end", {"masked": source.mask.count})
    yield f"<script>{_own('page.js')}</script>\n</body></html>\n".encode()


def _head(title: str) -> str:
    policy = (
        f"default-src 'none'; script-src '{_digest(_own('page.js'))}';"
        f" style-src '{_digest(_own('page.css'))}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(safe(title))} - mcpscope</title>\n"
        f"<style>{_own('page.css')}</style></head>\n<body>\n"
        "<noscript>This page shows its recording with a script of its own; nothing is loaded.</noscript>\n"
    )


def _row(one: Recorded, masked: Masked, began: int) -> list[Any]:
    what = one.tool or one.method or one.kind
    texts = (one.dir, one.kind, one.method, what, masked.name, one.rpc_id, one.status)
    return [
        one.seq,
        (one.opened_at - began) / 1e6,
        None if one.dur_ns is None else one.dur_ns / 1e6,
        *map(safe, texts),
        one.code,
        one.req_bytes or 0,
        one.res_bytes or 0,
        safe(" ".join(one.flags)),
        safe(masked.summary),
        iso(one.opened_at),
        one.parent_id,
    ]


def _bodies(masked: Masked) -> list[Any]:
    """Request, answer, the other messages between them, notes; each as text for the eye."""
    return [
        _shown(masked.request),
        _shown(masked.answer),
        [_shown(said.raw) for said in masked.others],
        [safe(note, keep="\n") for note in masked.notes],
    ]


def _shown(raw: bytes | None) -> str | None:
    return None if raw is None else safe(raw.decode("utf-8", "backslashreplace"), keep="\n\t")


def _all_safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {safe(key): _all_safe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_all_safe(item) for item in value]
    return safe(value, keep="\n") if isinstance(value, str) else value


def _data(name: str, value: Any) -> bytes:
    text = json_text(value).translate(_IN_SCRIPT)
    return f'<script type="application/json" data-is="{name}">{text}</script>\n'.encode()


@cache
def _own(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
