"""Command lines and paths of configurations as they may be shown."""

from __future__ import annotations

import shlex
from pathlib import Path


def masked(line: str) -> str:
    """A command line as it may be shown: values that look like secrets are left out."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    shown: list[str] = []
    hide = False
    for word in words:
        name, equals, value = word.partition("=")
        secret = _is_secret(name)
        if hide and not word.startswith("-"):
            word = "***"
        elif equals and secret and value:
            word = f"{name}=***"
        hide = secret and not equals and word.startswith("-")
        shown.append(word)
    return shlex.join(shown)


def _is_secret(name: str) -> bool:
    plain = name.lower()
    return any(part in plain for part in ("token", "secret", "password", "passwd", "key", "auth", "header"))


def short(path: Path) -> str:
    """The path as people write it."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)
