"""The signs of the UI, once in UTF-8 and once in ASCII; all one cell wide, no emoji."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; ``bars`` are eighths of a cell for the waterfall."""

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
