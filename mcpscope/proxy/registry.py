"""The entry ``<runtime folder>/<pid>.json`` by which others find a running proxy."""

from __future__ import annotations

import os

from mcpscope.paths import private_folder, runtime_folder
from mcpscope.proxy.facts import Value, to_json


class Entry:
    """One proxy's entry; a failure to write it costs others the sight of us, never the session."""

    def __init__(self, pid: int) -> None:
        self._path = f"{runtime_folder()}/{pid}.json"
        self._written = False

    def make_folder(self) -> str | None:
        """The private folder of entries and sockets; None where it cannot be made."""
        folder = os.path.dirname(self._path)
        try:
            private_folder(folder)
        except OSError:
            return None
        return folder

    def __repr__(self) -> str:
        return f"<Entry {self._path}>"

    def write(self, facts: dict[str, Value]) -> None:
        """Write ``facts`` atomically, again whenever they change."""
        draft = f"{self._path}.new"
        try:
            private_folder(os.path.dirname(self._path))
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.write(fd, to_json(facts))
            finally:
                os.close(fd)
            os.rename(draft, self._path)
            self._written = True
        except OSError:
            pass

    def remove(self) -> None:
        if self._written:
            try:
                os.unlink(self._path)
            except OSError:
                pass  # somebody has cleaned up already
