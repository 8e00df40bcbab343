"""How recording goes, for the header: which proxies store nothing, and whose recorder is behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mcpscope.errors import ScopeError
from mcpscope.store.lag import waiting_since
from mcpscope.tui.clock import Clock
from mcpscope.tui.links import Link
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Steer

BEHIND_SECONDS = 1.0
LOOK_SECONDS = 1.0
ANSWER_SECONDS = 2.0
MODES = ("best-effort", "required")
DELETED = ""
"""In the place of a proxy's uid: what is the trouble of them all."""
_REASONS = {"No space left on device": "disk full", "Disk quota exceeded": "disk full"}


async def watch(
    steer: Steer, source: Source, clock: Clock, tell: Callable[[dict[str, tuple[str, bool]]], object]
) -> None:
    """Look once a second, and tell what changed, until cancelled."""
    last: dict[str, tuple[str, bool]] = {}
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        found = await troubles(steer, source, clock)
        if found != last:
            last = found
            tell(found)


async def troubles(steer: Steer, source: Source, clock: Clock) -> dict[str, tuple[str, bool]]:
    """By the uid of a proxy what the header says instead of REC, and whether that is a loss."""
    found: dict[str, tuple[str, bool]] = {}
    if await source.beside(source.deleted):
        found[DELETED] = ("DATABASE DELETED", True)
    for link in steer.links:
        said = await _trouble(link, steer, source, clock)
        if said is not None:
            found[link.entry.uid] = said
    return found


async def _trouble(link: Link, steer: Steer, source: Source, clock: Clock) -> tuple[str, bool] | None:
    try:
        about = await asyncio.wait_for(steer.ask(link, "scope/status"), ANSWER_SECONDS)
    except (ScopeError, OSError, TimeoutError):
        return None  # it has just ended, or has been stopped
    word = str(about.get("recording") or MODES[0])
    if word == "not recorded":
        return "NOT REC", True
    if word not in MODES:
        return f"NOT REC: {_REASONS.get(word, word)}", True
    entry = link.entry
    if not entry.journal or not entry.db or Path(entry.db) != source.path:
        return None
    since = await source.watch(lambda pages: waiting_since(pages, Path(entry.journal), entry.uid))
    late = 0.0 if since is None else (clock.now_ns() - since) / 1e9
    return (f"REC, recorder {late:.1f} s behind", False) if late > BEHIND_SECONDS else None
