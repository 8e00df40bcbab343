"""What the Tools screen lists: what servers offer and how it was used, and what live proxies do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcpscope.engine.catalog import digest_of
from mcpscope.engine.drift import Change, changes
from mcpscope.engine.filter.completion import quote
from mcpscope.engine.filter.globs import glob
from mcpscope.store.listed import NoteRow, SessionRow
from mcpscope.store.offered import Offered
from mcpscope.store.pages import Pages
from mcpscope.store.pins import Baseline
from mcpscope.tui.links import Link

KINDS = ("tool", "prompt", "resource")
NOTES_READ = 300
Key = tuple[str, str]
"""Kind and name of one thing."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How a definition differs from its baseline; ``was`` None: it is new. ``since`` is unix ns."""

    changes: tuple[Change, ...]
    was: dict[str, Any] | None
    since: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What the store knows of one server, in the sessions that are shown."""

    label: str
    proxies: frozenset[str]
    items: tuple[Offered, ...]
    sizes: tuple[int, ...]
    drifts: tuple[Drift | None, ...]
    notes: tuple[NoteRow, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What the live proxies of one server say. ``hidden`` holds what is hidden, and by what."""

    hidden: Mapping[Key, str] = field(default_factory=dict)
    rules: tuple[Mapping[str, Any], ...] = ()
    faces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Thing:
    """One row: a tool, prompt or resource. ``stale``: hidden, but the client may still have it."""

    label: str
    offered: Offered
    size: int
    links: tuple[Link, ...] = ()
    drift: Drift | None = None
    hidden_by: str = ""
    stale: bool = False
    breaks: tuple[Mapping[str, Any], ...] = ()
    faults: tuple[Mapping[str, Any], ...] = ()
    face: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.label, self.offered.kind, self.offered.name)

    @property
    def kind(self) -> str:
        """As the control socket and the tabs say it: a template is a resource."""
        return "resource" if self.offered.kind == "template" else self.offered.kind

    @property
    def name(self) -> str:
        return self.offered.name

    @property
    def filter(self) -> str:
        """The filter that matches its uses."""
        return filter_of(self.kind, self.name)


def filter_of(kind: str, name: str) -> str:
    """The filter that matches the uses of a thing."""
    if kind == "tool":
        return f"tool:{quote(name)}"
    if kind == "prompt":
        return f"method:prompts/get name:{quote(name)}"
    return f"method:resources/read uri:{quote(name)}"


def groups(sessions: Iterable[SessionRow]) -> dict[str, list[SessionRow]]:
    """Sessions by the label of their server, oldest first."""
    found: dict[str, list[SessionRow]] = {}
    for session in sorted(sessions, key=lambda session: session.id):
        found.setdefault(session.label or session.server_name or session.title, []).append(session)
    return found


def look(pages: Pages, shown: Mapping[str, Sequence[SessionRow]]) -> list[Offer]:
    """Read what each server offers."""
    found = []
    for label, sessions in shown.items():
        ids = [session.id for session in sessions]
        items = tuple(pages.tools(ids))
        baseline = pages.baseline(label)
        notes = pages.notes(ids, leave_out="stderr", limit=NOTES_READ)
        found.append(
            Offer(
                label,
                frozenset(session.proxy for session in sessions),
                items,
                tuple(item.size for item in items),
                tuple(drift_of(item, baseline) for item in items),
                tuple(note for note in notes if note.kind == "visibility"),
            )
        )
    return found


def things(offer: Offer, links: tuple[Link, ...], state: State, settled: frozenset[Key]) -> list[Thing]:
    """The rows of one server; ``settled`` are those that its client is known not to have any more."""
    quiet = {surface: stale(offer.notes, surface) for surface in KINDS}
    found = []
    for item, size, drift in zip(offer.items, offer.sizes, offer.drifts, strict=True):
        kind = "resource" if item.kind == "template" else item.kind
        hidden_by = state.hidden.get((kind, item.name), "")
        about = [rule for rule in state.rules if concerns(str(rule["match"]), kind, item.name)]
        found.append(
            Thing(
                offer.label,
                item,
                size,
                links,
                drift,
                hidden_by,
                bool(hidden_by) and quiet[kind] and (kind, item.name) not in settled,
                tuple(rule for rule in about if rule["action"] == "break" and rule["name"] != "intercept"),
                tuple(rule for rule in about if rule["fault"] is not None),
                state.faces.get(item.name, "") if kind == "tool" else "",
            )
        )
    return found


def drift_of(item: Offered, baseline: Baseline) -> Drift | None:
    """How a tool differs from what was accepted, or first seen; None where it does not."""
    if item.kind != "tool" or not item.listed:
        return None
    known = baseline.bodies.get(item.name)
    if known is None:
        return Drift((), None, baseline.at, accepted=True) if baseline.accepted else None
    was, since = known
    if digest_of(was) == digest_of(item.body):
        return None
    return Drift(tuple(changes(was, item.body)), was, since, accepted=baseline.accepted)


def concerns(match: str, kind: str, name: str) -> bool:
    """Whether a rule's filter is about this thing: it is its own filter, or begins with a glob over it."""
    if match == filter_of(kind, name):
        return True
    first, _, _ = match.partition(" ")
    field_name, colon, pattern = first.partition(":")
    return bool(colon) and kind == "tool" and field_name == "tool" and glob(pattern.strip('"'))(name)


def stale(notes: Sequence[NoteRow], kind: str) -> bool:
    """Whether the client was told of a change (or could not be) and has not asked for the list since."""
    last = last_note(notes, kind)
    return last is not None and not asked(last)


def last_note(notes: Sequence[NoteRow], kind: str) -> NoteRow | None:
    """What was noted last of what clients heard of this kind of list, and did."""
    return next((note for note in reversed(notes) if f"{kind}s" in note.text), None)


def asked(note: NoteRow) -> bool:
    """Whether it says that the client asked for the list again."""
    return "the client asked for its" in note.text
