"""Documents inside a text: many servers answer with JSON in a text block, some with what Python prints."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

MAX_LITERAL_CHARS = 1 << 18


def document_in(text: str) -> Any:
    """The object or array that ``text`` is, else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _literal_in(text)


def _literal_in(text: str) -> Any:
    """The ``repr`` of a dictionary or list of plain values, None for anything else."""
    if "'" not in text or not text.rstrip().endswith(("}", "]")) or len(text) > MAX_LITERAL_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    return found if _is_plain(found) else None


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)
