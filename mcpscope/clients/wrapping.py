"""Puts mcpscope in front of servers of a file, and takes it out; nothing is written before ``apply``."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from mcpscope.clients.entries import HEADERS_VARIABLE, Edit, Entry, NotWrappable, edited
from mcpscope.clients.files import ConfigFile
from mcpscope.clients.ledger import Ledger, Wrapped
from mcpscope.clients.tree import Node


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one server: what it starts or reaches before and after, or why nothing does."""

    name: str
    path: tuple[str, ...]
    before: str
    after: str = ""
    skipped: str = ""


class Plan:
    """The changes of one file; ``text`` is what it will be. ``apply`` writes it and keeps the originals."""

    def __init__(self, file: ConfigFile, ledger: Ledger) -> None:
        self.file = file
        self.text = file.text
        self.changes: list[Change] = []
        self._ledger = ledger
        self._added: list[Wrapped] = []
        self._dropped: list[tuple[tuple[str, ...], str]] = []

    def __repr__(self) -> str:
        return f"<Plan {self.file.path} {len(self.changes)} changes>"

    @property
    def changed(self) -> bool:
        return self.text != self.file.text

    def wrap(self, names: set[str] | None, program: list[str], *, label: str = "") -> None:
        """Wrap the servers with these names; None is all that can be wrapped without a person's word."""
        for path, name in self._chosen(names):
            entry = self._entry(path, name)
            before = _shown(entry)
            try:
                if entry.disabled:
                    raise NotWrappable("is disabled")
                if (
                    names is None
                    and entry.remote is not None
                    and not entry.remote.headers
                    and not entry.launch
                ):
                    raise NotWrappable(
                        "remote without headers: the client may log in itself; name it to wrap it"
                    )
                edits = entry.wrapped(program, label or name)
            except NotWrappable as reason:
                self.changes.append(Change(name, path, before, skipped=str(reason)))
                continue
            self.text = edited(self.text, edits)
            after = self._entry(path, name)
            self._added.append(Wrapped(self.file.key, list(path), name, entry.source, after.source))
            self.changes.append(Change(name, path, before, _shown(after)))

    def unwrap(self, names: set[str] | None) -> None:
        """Take mcpscope out of the servers with these names; None is all."""
        for path, name in self._chosen(names):
            entry = self._entry(path, name)
            before = _shown(entry)
            if entry.launch is None or not entry.launch.is_ours:
                if names is not None:
                    self.changes.append(Change(name, path, before, skipped="is not wrapped"))
                continue
            known = self._ledger.find(self.file.key, path, name)
            try:
                edits = self._back(entry, known)
            except NotWrappable as reason:
                self.changes.append(Change(name, path, before, skipped=str(reason)))
                continue
            self.text = edited(self.text, edits)
            self._dropped.append((path, name))
            self.changes.append(Change(name, path, before, _shown(self._entry(path, name))))

    def apply(self) -> None:
        """Write the file and the ledger; raises ScopeError or OSError, the originals remembered first."""
        for wrapped in self._added:
            self._ledger.add(wrapped)
        if self._added:
            self._ledger.save()
        self.file.write(self.text, backup=bool(self._added))
        for path, name in self._dropped:
            self._ledger.drop(self.file.key, path, name)
        if self._dropped:
            self._ledger.save()

    def _chosen(self, names: set[str] | None) -> list[tuple[tuple[str, ...], str]]:
        found = self.file.entries(self.text)
        return [(entry.path, entry.name) for entry in found if names is None or entry.name in names]

    def _entry(self, path: tuple[str, ...], name: str) -> Entry:
        return next(e for e in self.file.entries(self.text) if e.path == path and e.name == name)

    def _back(self, entry: Entry, known: Wrapped | None) -> list[Edit]:
        node = entry.node
        if known is not None and entry.source == known.after:
            return [(node.start, node.end, known.before)]
        if known is None:
            return _unprefixed(entry)
        # The entry was changed meanwhile: what it was is read in its place, what was ours is put back.
        text = edited(self.text, [(node.start, node.end, known.before)])
        found = [e for e in self.file.entries(text) if e.path == entry.path and e.name == entry.name]
        if not found:
            return _unprefixed(entry)
        return _local_back(entry, found[0]) if found[0].launch else _remote_back(entry, found[0])


def own_program() -> list[str]:
    """How this mcpscope is started by its whole path: clients with a window have a short PATH."""
    started = Path(sys.argv[0])
    if started.stem == "mcpscope" and started.is_file():
        return [str(started.absolute())]
    found = shutil.which("mcpscope")
    beside = Path(sys.executable).with_name("mcpscope")
    if beside.is_file():
        return [str(beside)]
    return [found] if found else [sys.executable, "-m", "mcpscope"]


def _shown(entry: Entry) -> str:
    launch, remote = entry.launch, entry.remote
    if launch is not None:
        return " ".join([launch.command, *launch.args])
    return remote.url if remote is not None else ""


def _unprefixed(entry: Entry) -> list[Edit]:
    """What stands behind our ``--`` is what was there."""
    launch = entry.launch
    assert launch is not None
    words = [launch.command, *launch.args]
    if "--" not in words:
        raise NotWrappable("a bridge whose original is not remembered: put its URL back by hand")
    rest = words[words.index("--") + 1 :]
    if not rest:
        raise NotWrappable("nothing stands behind its --")
    return entry.set_launch(rest)


def _local_back(entry: Entry, original: Entry) -> list[Edit]:
    """The program and arguments as they were written, if nobody has changed what is started."""
    launch, was = entry.launch, original.launch
    assert launch is not None and was is not None
    words = [launch.command, *launch.args]
    behind = words[words.index("--") + 1 :] if "--" in words else []
    if behind != [was.command, *was.args]:
        return _unprefixed(entry)
    return _program_back(entry, original)


def _program_back(entry: Entry, original: Entry) -> list[Edit]:
    now, name = entry.program()
    was, old = original.program()
    if now is None or was is None or name != old or ("args" in was.members and "args" not in now.members):
        return _unprefixed(entry)
    edits: list[Edit] = []
    for member in (name, "args"):
        if member in was.members:
            start, end = original.slot(was, member)
            edits.append((*entry.slot(now, member), original.text[start:end]))
        elif member in now.members:
            edits.append(_without(entry, now, name, member))
    return edits


def _remote_back(entry: Entry, original: Entry) -> list[Edit]:
    """The URL, type and headers as they were written."""
    now, was = entry.node, original.node
    program = next((name for name in ("command", "cmd") if name in now.keys), "")
    url = next((name for name in ("httpUrl", "serverUrl", "url", "uri") if name in was.keys), "")
    if not program or not url:
        raise NotWrappable("it was changed since: put its URL back by hand")
    edits: list[Edit] = [
        (now.keys[program], now.members[program].end, original.text[was.keys[url] : was.members[url].end])
    ]
    if "args" in now.members:
        edits.append(_without(entry, now, program, "args"))
    if "type" in now.members and "type" in was.members:
        kind, old = now.members["type"], was.members["type"]
        edits.append((kind.start, kind.end, original.text[old.start : old.end]))
    held = next((name for name in ("headers", "http_headers") if name in was.keys), "")
    env = next((name for name in ("env", "environment", "envs") if name in now.keys), "")
    if held and env and list(now.members[env].plain()) == [HEADERS_VARIABLE]:
        edits.append(
            (now.keys[env], now.members[env].end, original.text[was.keys[held] : was.members[held].end])
        )
    elif held:
        raise NotWrappable("its environment was changed since: put its headers back by hand")
    return edits


def _without(entry: Entry, holder: Node, before: str, name: str) -> Edit:
    """The member ``name`` taken out, which was put right behind ``before``."""
    first, second = holder.members[before], holder.members[name]
    if holder.keys[name] < first.end:
        raise NotWrappable("its members were moved since: take mcpscope out by hand")
    between = entry.text[first.end : holder.keys[name]]
    if between.strip(", \t\r\n"):
        return (second.start, second.end, "[]")
    return (first.end, second.end, "")
