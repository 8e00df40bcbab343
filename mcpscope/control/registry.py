"""Which proxies run: the entries of the runtime folder, read by those who look for them."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mcpscope.control.client import Control
from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import runtime_dir

MAX_ENTRY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Running:
    """One proxy as its entry tells it; ``started_at`` is unix ns, paths are "" where there is none.

    ``url`` is the upstream's, ``address`` the one that its own clients use, where that is HTTP.
    """

    pid: int
    uid: str
    label: str
    db: str
    journal: str
    socket: str
    command: tuple[str, ...]
    version: str
    started_at: int
    url: str = ""
    address: str = ""

    def dial(self, name: str) -> Control:
        """Its control socket; raises ScopeError where it has none."""
        if not self.socket:
            raise ScopeError(
                f"the proxy {self.label} ({self.pid}) has no control socket",
                code="no_proxy",
                exit=Exit.UPSTREAM,
            )
        return Control(self.socket, name)


def running(folder: Path | None = None) -> list[Running]:
    """The proxies of this user that live, oldest first; what the dead left behind is cleaned up."""
    found: list[Running] = []
    place = folder if folder is not None else runtime_dir()
    try:
        names = [path for path in place.iterdir() if path.suffix == ".json"]
    except OSError:
        return []
    for path in names:
        entry = _read(path)
        if entry is None:
            continue
        if _lives(entry.pid):
            found.append(entry)
        elif not _answers(path.with_suffix(".sock")):
            for left in (path, path.with_suffix(".sock")):
                with suppress(OSError):
                    left.unlink()
    return sorted(found, key=lambda entry: entry.started_at)


def choose(wanted: str = "") -> Running:
    """The proxy with this label, pid or uid, or the only one there is.

    Raises ScopeError where that names none (``no_proxy``) or several (``ambiguous``).
    """
    found = running()
    if wanted:
        found = [entry for entry in found if wanted in (entry.label, str(entry.pid), entry.uid)]
    if len(found) == 1:
        return found[0]
    labels = ", ".join(f"{entry.label} ({entry.pid})" for entry in found)
    if not found:
        text = f"no proxy called {wanted!r} runs" if wanted else "no proxy runs"
        raise ScopeError(text, code="no_proxy", exit=Exit.UPSTREAM, hint="start one: mcpscope -- COMMAND")
    raise ScopeError(
        f"several proxies run: {labels}", code="ambiguous", exit=Exit.USAGE, hint="name one with --session"
    )


def _read(path: Path) -> Running | None:
    try:
        if path.lstat().st_size > MAX_ENTRY_BYTES:
            return None
        said = json.loads(path.read_bytes())
        return Running(
            pid=int(said["pid"]),
            uid=str(said.get("uid") or ""),
            label=str(said.get("label") or ""),
            db=str(said.get("db") or ""),
            journal=str(said.get("journal") or ""),
            socket=str(said.get("socket") or ""),
            command=tuple(str(word) for word in said.get("command") or ()),
            version=str(said.get("version") or ""),
            started_at=int(said.get("started_at") or 0),
            url=str(said.get("url") or ""),
            address=str(said.get("address") or ""),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _answers(path: Path) -> bool:
    """Whether someone listens at ``path``: the pid of a proxy in a container is not seen here."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True
