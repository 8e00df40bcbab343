"""What a replay says about each exchange, and about the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.replay.compare import Difference, Level, compare, is_tool_error, worst
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.questions import in_recorded_keys

SLOWER_FACTOR = 2.0
SLOWER_NS = 100_000_000


class Verdict(StrEnum):
    """One word an exchange; the glyphs stand in ux.md 2.8."""

    SAME = "same"
    CHANGED = "changed"
    ERROR = "error"
    FIXED = "fixed"
    SLOWER = "slower"
    NEW = "new"
    MISSING = "missing"
    SKIPPED = "skipped"

    @property
    def glyph(self) -> str:
        return _GLYPHS[self]

    @property
    def fails(self) -> bool:
        """Whether one of these makes the run fail. Slower and skipped inform, they do not fail."""
        return self in (Verdict.CHANGED, Verdict.ERROR, Verdict.FIXED, Verdict.NEW, Verdict.MISSING)


_GLYPHS = {
    Verdict.SAME: "=",
    Verdict.CHANGED: "≠",
    Verdict.ERROR: "✗",
    Verdict.FIXED: "✓",
    Verdict.SLOWER: "⏱",
    Verdict.NEW: "+",
    Verdict.MISSING: "-",
    Verdict.SKIPPED: "↷",
}


class Strictness(StrEnum):
    """From which level on a difference counts."""

    STRUCTURAL = "structural"
    SEMANTIC = "semantic"
    STRICT = "strict"

    @property
    def from_level(self) -> Level:
        return {"structural": Level.ERROR, "semantic": Level.WARNING, "strict": Level.INFO}[self.value]


@dataclass(slots=True)
class Row:
    """The verdict on one exchange; times in ns, None where there was no answer."""

    number: int
    label: str
    verdict: Verdict
    was_ns: int | None = None
    now_ns: int | None = None
    why: str = ""
    seq: int = 0
    was: dict[str, Any] | None = None
    now: dict[str, Any] | None = None
    differences: list[Difference] = field(default_factory=list)
    echoes: dict[str | int, Any] = field(default_factory=dict)


def judge(
    was: Message,
    now: Message,
    *,
    strictness: Strictness,
    masks: Sequence[Mask],
    same: Any,
) -> tuple[Verdict, list[Difference]]:
    """The verdict on an answer, its times apart, and the differences that count first."""
    found = compare(was.body, in_recorded_keys(was, now), masks=masks, same=same)
    if _structural(strictness):
        found = [item for item in found if not _is_value(item)]
    level = worst(found)
    if level is None or level < strictness.from_level:
        return Verdict.SAME, found
    failed = [is_tool_error(message.body) or bool(message.error) for message in (was, now)]
    if failed == [False, True]:
        return Verdict.ERROR, found
    return (Verdict.FIXED if failed == [True, False] else Verdict.CHANGED), found


def is_slower(was_ns: int | None, now_ns: int | None) -> bool:
    """More than twice as long and more than 100 ms longer."""
    if was_ns is None or now_ns is None:
        return False
    return now_ns > was_ns * SLOWER_FACTOR and now_ns - was_ns > SLOWER_NS


def unannotated(rows: Iterable[Row], definitions: Mapping[str, dict[str, Any]]) -> list[str]:
    """The tools that ran although nobody says whether they destroy anything."""
    ran = {row.label for row in rows if row.verdict is not Verdict.SKIPPED}
    return sorted(name for name in ran & definitions.keys() if not definitions[name].get("annotations"))


def counts(rows: Iterable[Row]) -> Counter[Verdict]:
    """How many rows have which verdict."""
    return Counter(row.verdict for row in rows)


def _structural(strictness: Strictness) -> bool:
    return strictness is Strictness.STRUCTURAL


def _is_value(item: Difference) -> bool:
    """Whether only a value changed, and not what is there or of which type it is."""
    scalar = (str, int, float, bool)
    both = isinstance(item.was, scalar) and isinstance(item.now, scalar)
    fixed = item.path[-1] in ("type", "isError", "resultType") or item.path == ("error", "code")
    schema = "inputSchema" in item.path or "outputSchema" in item.path
    return both and type(item.was) is type(item.now) and not fixed and not schema
