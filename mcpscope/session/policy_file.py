"""A policy file read and written by people's hands: the UI and the command line, never the proxy."""

from __future__ import annotations

import os
from pathlib import Path

from mcpscope.engine.policy.saving import EMPTY
from mcpscope.errors import Exit, ScopeError

NEW_MODE = 0o600


def read_text(path: Path) -> str:
    """The text of a policy, or that of an empty one where there is no file; raises ScopeError."""
    try:
        return path.read_text(encoding="utf-8") if path.exists() else EMPTY
    except (OSError, UnicodeDecodeError) as error:
        raise ScopeError(
            f"the policy {path} cannot be read: {error}", code="no_policy", exit=Exit.POLICY
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write the file anew beside itself and put it in its place, so that no reader sees half of it."""
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else NEW_MODE
        target = path.resolve()
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(mode)
        fresh.replace(target)
    except OSError as error:
        raise ScopeError(
            f"the policy {path} cannot be written: {error.strerror}", code="no_policy", exit=Exit.POLICY
        ) from None
