"""The memory of a session as a value: the recorder's checkpoint, which a gate takes up in mid-session.

The state travels as one ASCII text, for ids and texts of hostile peers (integers of any size, lone
surrogates) are more than some JSON writers take.
"""

from __future__ import annotations

import json
from typing import Any

from mcpscope.engine.exchange import Exchange, ExchangeKind, Status
from mcpscope.engine.legs import Leg, digest_of
from mcpscope.engine.memory import Memory
from mcpscope.engine.pending import Entry, UsedIds
from mcpscope.protocol.message import Direction

VERSION = 3

_EXCHANGE = tuple(Exchange.__dataclass_fields__)
_ENTRY = (
    "number",
    "channel",
    "direction",
    "id",
    "method",
    "stream",
    "role",
    "token",
    "has_token",
    "modern",
    "digest",
    "progress",
    "wants",
    "acked",
)


def dump(memory: Memory) -> dict[str, Any]:
    """``memory`` as ``{"version", "summaries", "state"}``."""
    lookup = memory.lookup
    entries = {
        entry.number: entry
        for group in (lookup.entries.values(), lookup.done, (e for _, e in lookup.token_items()))
        for entry in group
    }
    held = [entry.exchange for entry in entries.values()]
    held += [leg.exchange for leg in memory.legs]
    held += [exchange for _, _, exchange in memory.tasks.items()]
    held += [*lookup.unreadable.values(), *memory.recent, *memory.held.values()]
    state = {
        "count": memory.count,
        "exchanges": [
            [getattr(exchange, name) for name in _EXCHANGE]
            for exchange in {exchange.id: exchange for exchange in held}.values()
        ],
        "entries": [_dump_entry(entry) for _, entry in sorted(entries.items())],
        "open": list(lookup.entries),
        "done": [entry.number for entry in lookup.done],
        "tokens": [[*key, entry.number] for key, entry in lookup.token_items()],
        "used": [[*where, used.snapshot()] for where, used in lookup.used.items()],
        "unreadable": [[*where, exchange.id] for where, exchange in lookup.unreadable.items()],
        "legs": [
            [leg.exchange.id, leg.method, leg.digest, leg.state, sorted(leg.asked)] for leg in memory.legs
        ],
        "tasks": [[direction, id, exchange.id] for direction, id, exchange in memory.tasks.items()],
        "recent": [exchange.id for exchange in memory.recent],
        "held": list(memory.held),
        "answered": [[id, status.value] for id, status in memory.answered.items()],
        "parts": list(memory.parts.items()),
    }
    return {"version": VERSION, "summaries": memory.summaries, "state": json.dumps(state)}


def load(saved: dict[str, Any]) -> Memory:
    """The memory that ``dump`` saved; ``ValueError`` for another version."""
    if saved.get("version") != VERSION:
        raise ValueError(f"a checkpoint of version {saved.get('version')}, this program reads {VERSION}")
    state = json.loads(saved["state"])
    memory = Memory(summaries=saved["summaries"])
    memory.count = state["count"]
    exchanges = {values[0]: _load_exchange(values) for values in state["exchanges"]}
    entries = {values[0]: _load_entry(values, exchanges) for values in state["entries"]}
    lookup = memory.lookup
    for number in state["open"]:
        lookup.add(entries[number])
    lookup.done.extend(entries[number] for number in state["done"])
    lookup.set_tokens(
        [(channel, Direction(way), entries[number]) for channel, way, number in state["tokens"]]
    )
    lookup.used = {(channel, Direction(way)): UsedIds(*used) for channel, way, used in state["used"]}
    lookup.unreadable = {(channel, Direction(way)): exchanges[id] for channel, way, id in state["unreadable"]}
    for id, method, digest, text, asked in state["legs"]:
        memory.legs.append(Leg(exchanges[id], method, digest, text, frozenset(asked)))
    for way, task, id in state["tasks"]:
        memory.tasks.add(Direction(way), task, exchanges[id])
    memory.recent.extend(exchanges[id] for id in state["recent"])
    memory.held = {id: exchanges[id] for id in state["held"]}
    memory.answered = {id: Status(word) for id, word in state.get("answered", ())}
    memory.parts = dict(state["parts"])
    return memory


def _dump_entry(entry: Entry) -> list[Any]:
    if entry.params is not None:
        entry.digest, entry.params = digest_of(entry.params), None
    return [*(getattr(entry, name) for name in _ENTRY), entry.exchange.id]


def _load_entry(values: list[Any], exchanges: dict[int, Exchange]) -> Entry:
    fields = dict(zip(_ENTRY, values, strict=False))
    fields["direction"] = Direction(fields["direction"])
    return Entry(exchange=exchanges[values[-1]], **fields)


def _load_exchange(values: list[Any]) -> Exchange:
    fields = dict(zip(_EXCHANGE, values, strict=True))
    fields["kind"] = ExchangeKind(fields["kind"])
    fields["dir"] = Direction(fields["dir"])
    fields["status"] = Status(fields["status"])
    return Exchange(**fields)
