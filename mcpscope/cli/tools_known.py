"""What the ``tools`` commands know of a server: what was listed, what is held against it, what is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.settings import Settings
from mcpscope.cli.steering import dialled
from mcpscope.control.client import Control
from mcpscope.control.registry import running
from mcpscope.engine.drift import Change, changes
from mcpscope.store.listed import NoteRow
from mcpscope.store.mentions import Mention, mentions
from mcpscope.store.offered import Offered, label_of, latest, offered, sessions_of
from mcpscope.store.pages import Pages
from mcpscope.store.pins import Baseline, baseline
from mcpscope.store.reader import Reader
from mcpscope.store.reading import open_reader

PROXY = click.option("--proxy", metavar="NAME", default="", help="The proxy's label, pid or uid.")
KIND = click.option(
    "--kind",
    type=click.Choice(["tool", "prompt", "resource"]),
    default=None,
    help="Only this kind (default: all; tool:, prompt: or resource: before a glob does the same).",
)
SHOWN_NOTES = 5
_READ_NOTES = 300
_TEMPLATE = ("resource", "template")


@dataclass(frozen=True, slots=True)
class Known:
    """One server: ``label`` is what it is called, ``control`` None where no proxy of it runs."""

    label: str
    items: list[Offered]
    baseline: Baseline
    control: Control | None
    reader: Reader
    sessions: list[int]

    def of_kind(self, kind: str | None) -> list[Offered]:
        """Templates are resources here, as for hiding."""
        return [item for item in self.items if kind in (None, item.kind) or (kind, item.kind) == _TEMPLATE]

    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        """The tools that were listed, as they are now."""
        return {item.name: item.body for item in self.items if item.kind == "tool" and item.listed}

    def hidden(self, items: list[Offered]) -> dict[tuple[str, str], str]:
        """What hides each of them now, "" for nothing; by kind and name."""
        if self.control is None:
            return {}
        found: dict[tuple[str, str], str] = {}
        for kind in dict.fromkeys(item.kind for item in items):
            names = [item.name for item in items if item.kind == kind]
            asked = "resource" if kind == "template" else kind
            for row in self.control.call("scope/tools/list", kind=asked, names=names)["items"]:
                found[kind, row["name"]] = row["hidden_by"]
        return found

    def breakpoints(self) -> dict[str, list[str]]:
        """The breakpoints on one tool each, by its name or glob as it was given."""
        found: dict[str, list[str]] = {}
        for rule in self.control.call("scope/breakpoints/list") if self.control is not None else ():
            first = rule["match"].split(" ")[0]
            if first.startswith("tool:"):
                found.setdefault(first[5:].strip('"'), []).append(rule["name"])
        return found

    def changed(self, name: str) -> list[Change]:
        """How a tool differs from what was accepted, or first seen where nobody accepted any."""
        was = self.baseline.bodies.get(name)
        if was is None and not self.baseline.accepted:
            return []
        return changes(was[0] if was is not None else {}, self.tools[name])

    def is_new(self, name: str) -> bool:
        """Others were accepted, this one was not."""
        return self.baseline.accepted and name not in self.baseline.bodies

    def notes(self) -> list[NoteRow]:
        """What became of the last changes: who was told, who asked again and after how long."""
        with closing(Pages(self.reader.path)) as pages:
            found = pages.notes(self.sessions, leave_out="stderr", limit=_READ_NOTES)
        return [note for note in found if note.kind in ("visibility", "drift")][-SHOWN_NOTES:]

    def mentions(self, hidden: set[str]) -> list[Mention]:
        """Where what is seen still names what is hidden."""
        return mentions(self.reader, self.sessions, self.items, hidden)


@contextmanager
def known(proxy: str, settings: Settings) -> Iterator[Known]:
    """The server of the proxy that runs; without one, of the newest session that listed anything."""
    if proxy or running():
        with dialled(proxy) as (entry, control), closing(open_reader(Path(entry.db))) as connection:
            sessions = sessions_of(connection, entry.uid)
            yield _known(entry.label, sessions, Reader(Path(entry.db), connection), control)
        return
    with closing(open_reader(settings.db)) as connection:
        sessions = latest(connection)
        label = label_of(connection, sessions[0]) if sessions else ""
        yield _known(label, sessions, Reader(settings.db, connection), None)


def _known(label: str, sessions: list[int], reader: Reader, control: Control | None) -> Known:
    items = offered(reader.connection, sessions)
    return Known(label, items, baseline(reader.connection, label), control, reader, sessions)
