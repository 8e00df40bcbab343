"""What those who steer have done, in words for the record: who, which method, with what."""

from __future__ import annotations

import json
from typing import Any, Final

from mcpscope.control.methods import METHODS
from mcpscope.control.server import Peer
from mcpscope.text import safe

ACT: Final = "act"
"""The kind of the note."""
MAX_TEXT_CHARACTERS: Final = 300
_UNTOLD: Final = frozenset(
    {
        *(
            f"scope/holds/{verb}"
            for verb in ("continue", "continue-all", "step", "answer", "drop", "deny", "approve")
        ),
        "scope/inject",
    }
)
"""What has outcomes or messages of its own in the record; an edit has one if it is sent."""


def act(method: str, params: dict[str, Any], peer: Peer) -> str:
    """``ui pts/3: tools hide echo, slow (tool)``; empty for what changes nothing, or is recorded anyway."""
    known = METHODS.get(method)
    if known is None or not known.steers or method in _UNTOLD:
        return ""
    if method == "scope/holds/edit":
        return (
            "" if params.get("release", True) else safe(f"{peer.name}: holds edit id={params['id']}, a draft")
        )
    given = [
        _said(param.name, params[param.name])
        for param in known.params
        if param.name in params and params[param.name] not in (param.default, None, [], "")
    ]
    words = method.removeprefix("scope/").replace("/", " ")
    return safe(f"{peer.name}: {words} {' '.join(given)}"[:MAX_TEXT_CHARACTERS].rstrip())


def _said(name: str, value: Any) -> str:
    if name in ("globs", "names") and isinstance(value, list):
        return ", ".join(map(str, value))
    if name == "rule" and isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    if name in ("filter", "name", "match", "fault", "action", "mode") and isinstance(value, str):
        return value
    return f"{name}={value if isinstance(value, str) else json.dumps(value, default=str)}"
