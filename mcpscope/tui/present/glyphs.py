"""The signs of the UI, in UTF-8 and in ASCII, all one cell wide, no emoji; and what its keys are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mcpscope.tui import actions
from mcpscope.tui.action import key_name

_KEY = re.compile(r"\{([a-z.-]+)\}")
KEYS: Mapping[str, str] = MappingProxyType(
    {action.id: key_name(action.keys[0]) for action in reversed(actions.ACTIONS)}
)
"""What the first key of each action is called, by the action's id, where none is bound anew."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; ``bars`` are eighths of a cell for the waterfall, ``keys`` the names of keys."""

    to_server: str
    to_client: str
    neither: str
    ok: str
    error: str
    waiting: str
    held: str
    refused: str
    late: str
    open: str
    malformed: str
    note: str
    cursor: str
    rule: str
    bar: str
    tee_down: str
    tee_right: str
    live: str
    idle: str
    ended: str
    more: str
    new: str
    opened: str
    folded: str
    mark: str
    blocks: str
    pending: str
    arrow: str
    dot: str
    hollow: str
    target: str
    drift: str
    keys: Mapping[str, str] = field(default_factory=lambda: KEYS, hash=False)

    def keyed(self, text: str) -> str:
        """One of our own sentences with the keys that ``{action.id}`` stands for."""
        return _KEY.sub(lambda found: self.keys[found[1]], text)


UTF8 = Glyphs(
    to_server="→",
    to_client="←",
    neither="·",
    ok="✓ ",
    error="✗ ",
    waiting="◌ ",
    held="‖ ",
    refused="⊘ ",
    late="~ ",
    open="… ",
    malformed="# ",
    note="! ",
    cursor="▸",
    rule="─",
    bar="│",
    tee_down="┬",
    tee_right="├",
    live="●",
    idle="◌",
    ended="■",
    more="…",
    new="▼",
    opened="▾",
    folded="▸",
    mark="*",
    blocks="▏▎▍▌▋▊▉█",
    pending="░",
    arrow="→",
    dot="·",
    hollow="○",
    target="◉",
    drift="Δ",
)

ASCII = Glyphs(
    to_server=">",
    to_client="<",
    neither=".",
    ok="",
    error="x ",
    waiting=". ",
    held="= ",
    refused="o ",
    late="~ ",
    open="? ",
    malformed="# ",
    note="! ",
    cursor=">",
    rule="-",
    bar="|",
    tee_down="+",
    tee_right="+",
    live="*",
    idle="o",
    ended="#",
    more="~",
    new="v",
    opened="-",
    folded="+",
    mark="*",
    blocks="########",
    pending=".",
    arrow="->",
    dot=".",
    hollow="o",
    target="@",
    drift="D",
)
