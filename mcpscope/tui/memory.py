"""What the UI remembers between two starts: filters and histories, in one private JSON file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from mcpscope.paths import private_dir

HISTORY = 200
DEFAULT_FILTERS = {"errors": "is:error", "slow": "dur>1s", "images": "is:binary"}


@dataclass(slots=True)
class Memory:
    """``path`` None forgets at the end. A file that cannot be read or written is as good as none."""

    path: Path | None = None
    filters: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_FILTERS))
    history: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Memory:
        """What ``path`` holds."""
        found = cls(path)
        try:
            data = orjson.loads(path.read_bytes())
        except (OSError, ValueError):
            return found
        if isinstance(data, dict):
            filters, history = data.get("filters"), data.get("history")
            if isinstance(filters, dict):
                found.filters = {str(name): str(text) for name, text in filters.items()}
            if isinstance(history, dict):
                found.history = {
                    str(name): [str(text) for text in texts][-HISTORY:]
                    for name, texts in history.items()
                    if isinstance(texts, list)
                }
        return found

    def remember(self, name: str, text: str) -> None:
        """Put ``text`` at the end of a history."""
        texts = self.history.setdefault(name, [])
        if text in texts:
            texts.remove(text)
        texts.append(text)
        del texts[:-HISTORY]
        self._save()

    def save_filter(self, name: str, text: str) -> None:
        """Keep a filter under a name."""
        self.filters[name] = text
        self._save()

    def _save(self) -> None:
        if self.path is None:
            return
        data = orjson.dumps({"filters": self.filters, "history": self.history}, option=orjson.OPT_INDENT_2)
        fresh = self.path.with_suffix(f".{os.getpid()}.new")
        try:
            private_dir(self.path.parent)
            fd = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            fresh.replace(self.path)
        except OSError:
            pass  # a full or read-only disk costs the history, nothing else
