"""JSON-RPC ids in a filter: ``id:7`` finds 7 and ``"7"``, as both SDKs pair them."""

from __future__ import annotations

import json


def spellings(text: str) -> tuple[str, ...]:
    """The JSON spellings that ``text`` may stand for: itself, and as a string."""
    quoted = json.dumps(text, ensure_ascii=False)
    return (text, quoted)
