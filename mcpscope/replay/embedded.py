"""JSON inside a text: many servers answer with a document in a text block."""

from __future__ import annotations

import json
from typing import Any


def document_in(text: str) -> Any:
    """The object or array that ``text`` is, else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
