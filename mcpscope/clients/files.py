"""One configuration file: read with its servers, and written back so that nothing but the edits changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mcpscope.clients import json_tree, toml_tree, yaml_tree
from mcpscope.clients.entries import Entry
from mcpscope.clients.tree import ARRAY, OBJECT, Node, NotReadable
from mcpscope.errors import Exit, ScopeError

MAX_BYTES = 8 << 20
BACKUP_SUFFIX = ".mcpscope.bak"
_READERS = {"json": json_tree.read, "toml": toml_tree.read, "yaml": yaml_tree.read}
_LANGUAGES = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}

Roots = tuple[tuple[str, ...], ...]


class ConfigFile:
    """The file at ``path`` as it was read; ``text`` is all of it, a byte order mark included."""

    def __init__(self, path: Path, roots: Roots, *, url_is_sse: bool = False) -> None:
        self.path = path
        self._real = path.resolve()
        self._roots = roots
        self._url_is_sse = url_is_sse
        self.language = _LANGUAGES.get(path.suffix, "json")
        self.data = self._read()
        try:
            self.text = self.data.decode()
        except UnicodeDecodeError as error:
            raise self._unreadable(f"byte {error.start} is not UTF-8") from None

    def __repr__(self) -> str:
        return f"<ConfigFile {self.path} {self.language}>"

    @property
    def key(self) -> str:
        """The file's name wherever it is remembered: without links."""
        return str(self._real)

    def entries(self, text: str | None = None) -> list[Entry]:
        """Its servers in their order; raises ScopeError where it cannot be read."""
        text = self.text if text is None else text
        try:
            root = _READERS[self.language](text)
        except NotReadable as error:
            raise self._unreadable(str(error)) from None
        found: dict[int, Entry] = {}
        for roots in self._roots:
            for path, node in root.find(roots):
                for name, entry in _named(node):
                    made = Entry(name, path, entry, text, self.language, self._url_is_sse)
                    if made.launch is not None or made.remote is not None:
                        found.setdefault(id(entry), made)
        return list(found.values())

    def write(self, text: str, *, backup: bool) -> None:
        """Put ``text`` in the file's place at once; raises ScopeError if it was changed since it was read."""
        if self._read() != self.data:
            raise ScopeError(
                f"{self.path} was changed meanwhile",
                code="config_changed",
                exit=Exit.DIFFERENT,
                hint="run the command again",
            )
        data = text.encode()
        try:
            if backup:
                _keep(self._real.with_name(self._real.name + BACKUP_SUFFIX), self.data)
            _replace(self._real, data)
        except OSError as error:
            raise ScopeError(
                f"cannot write {self.path}: {error.strerror}", code="config_write", exit=Exit.STORE
            ) from error
        self.data, self.text = data, text

    def _read(self) -> bytes:
        try:
            with self._real.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise self._unreadable(error.strerror or "cannot be opened") from error
        if len(data) > MAX_BYTES:
            raise self._unreadable(f"is larger than {MAX_BYTES >> 20} MB")
        return data

    def _unreadable(self, why: str) -> ScopeError:
        return ScopeError(
            f"{self.path} cannot be read: {why}",
            code="config_unreadable",
            exit=Exit.POLICY,
            hint="correct the file; it was left as it is",
        )


def _named(node: Node) -> Iterator[tuple[str, Node]]:
    """The servers in a map or a list."""
    if node.kind == OBJECT:
        yield from ((name, entry) for name, entry in node.members.items() if entry.kind == OBJECT)
    elif node.kind == ARRAY:
        for entry in node.items:
            name = entry.members.get("name")
            if name is not None and type(name.value) is str:
                yield name.value, entry


def _keep(path: Path, data: bytes) -> None:
    """The first state of a file, for its owner alone: it may hold tokens. A later one does not replace it."""
    try:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return
    with os.fdopen(fd, "wb") as file:
        file.write(data)


def _replace(path: Path, data: bytes) -> None:
    known = path.stat()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    fd = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), known.st_mode & 0o7777)
            if (known.st_uid, known.st_gid) != (os.geteuid(), os.getegid()):
                try:
                    os.fchown(file.fileno(), known.st_uid, known.st_gid)
                except PermissionError:
                    pass  # another group's file that we may write: it becomes ours, its mode is kept
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
