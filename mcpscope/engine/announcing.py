"""What a client hears when lists change because of us, and what it does then, which is noted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpscope.engine.commands import Command, Note, Tell
from mcpscope.engine.patch import encode
from mcpscope.engine.visibility import Surface
from mcpscope.protocol.ids import spelled
from mcpscope.protocol.message import Direction
from mcpscope.protocol.revisions import SUBSCRIPTION_ID, Era

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

REACTION_NS: Final = 5_000_000_000
"""How long a client has to ask again before it is noted that it has not."""
_RETRY_NS: Final = 20_000_000
_GIVE_UP_NS: Final = 1_000_000_000
_MS: Final = 1_000_000


@dataclass(slots=True)
class Awaited:
    """A change of one surface that the client has not asked about; ``told``: that has been noted."""

    at: int
    heard: bool
    told: bool = False


class Reactions:
    """What one session's client still has to hear of, and what it may be about to ask for."""

    def __init__(self) -> None:
        self.owed: dict[Surface, int] = {}
        self.again_at = 0
        self.awaited: dict[Surface, Awaited] = {}
        self.strange: set[str] = set()
        """Tools that this list, page after page, has shown otherwise than they were accepted."""
        self.declared: set[Surface] = set()
        """Surfaces of which the client was told by us that they may change."""

    def __repr__(self) -> str:
        return f"<Reactions owed={list(self.owed)} awaited={list(self.awaited)}>"

    @property
    def due(self) -> int | None:
        """When something is to be said or noted next."""
        times = [found.at + REACTION_NS for found in self.awaited.values() if not found.told]
        if self.owed:
            times.append(self.again_at)
        return min(times, default=None)


def changed(engine: Engine, surfaces: frozenset[Surface], at: int, out: list[Command]) -> None:
    """What the client sees of ``surfaces`` is another now."""
    for surface in sorted(surfaces):
        engine.reactions.owed[surface] = at
    tick(engine, at, out)


def tick(engine: Engine, at: int, out: list[Command]) -> None:
    """Say what is owed as soon as it is known to whom, and note who has not reacted."""
    reactions = engine.reactions
    if reactions.owed:
        _announce(engine, at, out)
    for surface, awaited in reactions.awaited.items():
        if not awaited.told and awaited.at + REACTION_NS <= at:
            awaited.told = True
            text = (
                f"the client has not asked for its {surface.value} again for {REACTION_NS // 10**9} s: "
                "it keeps its old list until it does; calls to what is hidden are refused meanwhile"
            )
            _note(engine, surface, text, out)


def listed(engine: Engine, surface: Surface, at: int, out: list[Command]) -> None:
    """The client asks for a list: after a change that is its reaction."""
    awaited = engine.reactions.awaited.pop(surface, None)
    if awaited is not None:
        after = (at - awaited.at) / _MS
        words = f"{after:.0f} ms" if after < 10_000 else f"{after / 1000:.0f} s"
        how = "list_changed was sent" if awaited.heard else "nothing could be sent"
        _note(engine, surface, f"{how}; the client asked for its {surface.value} again after {words}", out)


def ended(engine: Engine, out: list[Command]) -> None:
    """The client has gone: what it never asked for again."""
    for surface in engine.reactions.awaited:
        _note(engine, surface, f"the client has ended without asking for its {surface.value} again", out)
    engine.reactions.awaited.clear()


def _announce(engine: Engine, at: int, out: list[Command]) -> None:
    reactions, memory = engine.reactions, engine.memory
    facts = memory.identity.facts
    era = facts.era
    if era is None and not facts.asked_revision:
        reactions.again_at = at + _RETRY_NS
        reactions.owed = {
            surface: since for surface, since in reactions.owed.items() if at - since < _GIVE_UP_NS
        }
        return
    owed, reactions.owed = list(reactions.owed), {}
    if era is not Era.MODERN and not memory.initialized:
        return  # it has no list yet
    offered = json.loads(facts.server_capabilities)
    owed = [surface for surface in owed if not offered or surface in offered]
    for place, surface in enumerate(owed):
        heard = (
            _legacy(engine, surface, at, out) if era is not Era.MODERN else _modern(engine, surface, at, out)
        )
        reactions.awaited[surface] = Awaited(at + place, heard, told=not heard)


def _legacy(engine: Engine, surface: Surface, at: int, out: list[Command]) -> bool:
    body = {"jsonrpc": "2.0", "method": surface.changed}
    declared = json.loads(engine.memory.identity.facts.server_capabilities).get(surface.value)
    told = surface in engine.reactions.declared
    quiet = not told and not (isinstance(declared, dict) and declared.get("listChanged") is True)
    doubt = " (the server never declared listChanged; the client may not listen)" if quiet else ""
    _note(engine, surface, f"{surface.changed} was sent{doubt}", out)
    engine.send(encode(body), Direction.TO_CLIENT, at, 0, out)
    return True


def _modern(engine: Engine, surface: Surface, at: int, out: list[Command]) -> bool:
    """On every subscription that asked for it and was acknowledged (2026-07-28, "Subscriptions")."""
    count = 0
    for entry in engine.memory.exchanges.listening():
        if entry.acked and surface.wish in entry.wants.split():
            data = b'{"jsonrpc":"2.0","method":"%b","params":{"_meta":{"%b":%b}}}' % (
                surface.changed.encode(),
                SUBSCRIPTION_ID.encode(),
                spelled(entry.id).encode(),
            )
            engine.send(data, Direction.TO_CLIENT, at + count, entry.stream, out)
            count += 1
    if count:
        _note(engine, surface, f"{surface.changed} was sent on {count} subscription(s)", out)
    else:
        text = f"the client listens for no changes of {surface.value}: it asks again when its list is too old"
        _note(engine, surface, text, out)
    return count > 0


def _note(engine: Engine, surface: Surface, text: str, out: list[Command]) -> None:
    out.append(Note("visibility", text))
    out.append(Tell("visibility", {"surface": surface.value, "text": text}))
