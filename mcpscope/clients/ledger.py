"""What each wrapped entry was before, so that taking mcpscope out again restores it byte for byte."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from mcpscope.paths import private_dir, state_dir

_NAME = "wrapped.json"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """One entry: its file, place and name, and its text before and after."""

    file: str
    path: list[str]
    name: str
    before: str
    after: str


class Ledger:
    """All entries that are wrapped now, in a file of this user's own: it may hold tokens."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = (folder or state_dir()) / _NAME
        self._known = _load(self._file)

    def __repr__(self) -> str:
        return f"<Ledger {self._file} {len(self._known)} wrapped>"

    def find(self, file: str, path: tuple[str, ...], name: str) -> Wrapped | None:
        return self._known.get((file, path, name))

    def add(self, wrapped: Wrapped) -> None:
        self._known[wrapped.file, tuple(wrapped.path), wrapped.name] = wrapped

    def drop(self, file: str, path: tuple[str, ...], name: str) -> None:
        self._known.pop((file, path, name), None)

    def save(self) -> None:
        """Write it down; raises OSError."""
        private_dir(self._file.parent)
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        fd = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump([asdict(wrapped) for wrapped in self._known.values()], file, ensure_ascii=True)
        part.replace(self._file)


def _load(file: Path) -> dict[tuple[str, tuple[str, ...], str], Wrapped]:
    try:
        rows = [Wrapped(**row) for row in json.loads(file.read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return {}  # without it entries are unwrapped by what stands in them
    return {(row.file, tuple(row.path), row.name): row for row in rows}
