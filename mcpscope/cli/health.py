"""What ``mcpscope doctor`` looks at on this machine: terminal, database, folders, clients, other programs."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mcpscope import __version__
from mcpscope.clients.files import ConfigFile
from mcpscope.clients.places import CLIENTS, files_of
from mcpscope.control.registry import running
from mcpscope.errors import ScopeError
from mcpscope.paths import journal_root, runtime_dir, state_dir
from mcpscope.store.recovery import abandoned
from mcpscope.store.schema import SCHEMA_VERSION, version_of

SMALLEST_TERMINAL = (60, 15)
FREE_BYTES = 200 << 20
_PARTS = ("textual", "orjson", "httptools", "zstandard", "sqlite-utils")


class State(StrEnum):
    """``FAIL`` makes the exit code 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was looked at, and what to do about it ("" where nothing)."""

    state: State
    subject: str
    text: str
    fix: str = ""


def of_machine(db: Path) -> Iterator[Seen]:
    """Everything but a server."""
    yield from _versions()
    yield from _terminal()
    yield from _folders()
    yield from _database(db)
    yield from _others()
    yield from _clients()


def _versions() -> Iterator[Seen]:
    found = []
    for name in _PARTS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Seen(State.FAIL, "versions", f"{name} is not installed", "install mcpscope-proxy again")
    text = f"mcpscope {__version__}, Python {platform.python_version()}, {', '.join(found)}"
    yield Seen(State.OK, "versions", text)


def _terminal() -> Iterator[Seen]:
    if not sys.stdout.isatty() and not sys.stderr.isatty():
        yield Seen(State.OK, "terminal", "none here; mcpscope ui needs one, everything else does not")
        return
    columns, lines = shutil.get_terminal_size()
    if (columns, lines) < SMALLEST_TERMINAL or lines < SMALLEST_TERMINAL[1]:
        least = "x".join(map(str, SMALLEST_TERMINAL))
        yield Seen(State.WARN, "terminal", f"{columns}x{lines} is too small", f"make it at least {least}")
    if os.environ.get("TERM") in (None, "", "dumb"):
        yield Seen(State.WARN, "terminal", "TERM names no terminal", "export TERM=xterm-256color")
    if "utf" not in locale.getpreferredencoding(False).lower():
        yield Seen(State.WARN, "terminal", "the locale is not UTF-8", "export LC_ALL=C.UTF-8, or use --ascii")
    else:
        yield Seen(State.OK, "terminal", f"{columns}x{lines}, {os.environ.get('TERM', '')}")


def _folders() -> Iterator[Seen]:
    for name, path in (("state folder", state_dir()), ("sockets", runtime_dir())):
        there = next((folder for folder in (path, *path.parents) if folder.exists()), path)
        if not os.access(there, os.W_OK | os.X_OK):
            yield Seen(State.FAIL, name, f"{there} cannot be written", f"chown or chmod {there}")
        elif path.exists() and (found := path.stat()).st_uid != os.getuid():
            yield Seen(
                State.FAIL, name, f"{path} belongs to another user", f"remove it (user {found.st_uid})"
            )
        elif path.exists() and stat.S_IMODE(found.st_mode) & 0o077:
            yield Seen(State.WARN, name, f"{path} is open to others", f"chmod 700 {path}")
        else:
            yield Seen(State.OK, name, str(path))
    proxies = running()
    yield Seen(State.OK, "proxies", f"{len(proxies)} running")


def _database(db: Path) -> Iterator[Seen]:
    if not db.exists():
        yield Seen(State.OK, "database", f"{db} does not exist yet")
    else:
        try:
            found = version_of(db)
            text = f"{db}, format {found}" + (
                f" (will be {SCHEMA_VERSION})" if found < SCHEMA_VERSION else ""
            )
            yield Seen(State.OK, "database", text)
        except ScopeError as error:
            yield Seen(State.FAIL, "database", error.message, error.hint)
        except OSError as error:
            yield Seen(State.FAIL, "database", f"{db}: {error.strerror}", "name another with --db")
        if stat.S_IMODE(db.stat().st_mode) & 0o077:
            yield Seen(State.WARN, "database", f"{db} can be read by others", f"chmod 600 {db}")
    there = next(folder for folder in db.absolute().parents if folder.exists())
    free = shutil.disk_usage(there).free
    if free < FREE_BYTES:
        yield Seen(State.WARN, "disk", f"{free >> 20} MB free at {there}", "mcpscope sessions prune")
    left = len(list(abandoned(db))) if journal_root(db).exists() else 0
    if left:
        yield Seen(
            State.WARN, "journals", f"{left} of ended proxies wait to be stored", "mcpscope sessions list"
        )


def _others() -> Iterator[Seen]:
    """Another program of this name comes first for whoever types it."""
    ours = {Path(sys.argv[0]).resolve(), Path(sys.executable).with_name("mcpscope").resolve()}
    first = shutil.which("mcpscope")
    if first is None:
        yield Seen(
            State.WARN, "command", "mcpscope is not on the PATH", "put its folder on the PATH, or use pipx"
        )
    elif Path(first).resolve() not in ours:
        fix = "put the folder of this one first, or remove the other (pip uninstall mcpscope)"
        yield Seen(State.WARN, "command", f"{first} comes first on the PATH and is another one", fix)
    else:
        yield Seen(State.OK, "command", first)


def _clients() -> Iterator[Seen]:
    for client in CLIENTS:
        for path in files_of(client):
            try:
                entries = ConfigFile(path, client.roots).entries()
            except ScopeError as error:
                yield Seen(State.FAIL, client.title, error.message, error.hint)
                continue
            wrapped = [entry for entry in entries if entry.launch is not None and entry.launch.is_ours]
            yield Seen(State.OK, client.title, f"{path}: {len(entries)} servers, {len(wrapped)} wrapped")
            for entry in entries:
                command = entry.launch.command if entry.launch is not None else ""
                if command and shutil.which(Path(command).expanduser()) is None and "$" not in command:
                    fix = (
                        f"mcpscope unwrap {entry.name}, then wrap"
                        if entry in wrapped
                        else "name its whole path"
                    )
                    text = f"{path}: {entry.name} starts {command}, which is not found"
                    yield Seen(State.WARN, client.title, text, fix)
