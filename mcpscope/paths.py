"""Where mcpscope keeps its files: the database, journals, sockets; all 0600 in 0700 folders.

SDK clients start servers with six variables (HOME, LOGNAME, PATH, SHELL, TERM, USER), so no place
may depend on an XDG variable alone: the runtime folder is the same with and without it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mcpscope.errors import Exit, ScopeError


def state_dir() -> Path:
    """``$XDG_STATE_HOME/mcpscope`` or ``~/.local/state/mcpscope``; not created here."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "mcpscope"


def default_db() -> Path:
    """``$MCPSCOPE_DB``, else ``mcpscope.db`` in the state folder."""
    named = os.environ.get("MCPSCOPE_DB")
    return Path(named) if named else state_dir() / "mcpscope.db"


def journal_root(db: Path) -> Path:
    """The folder beside ``db`` that holds one folder per running (or crashed) proxy."""
    return db.with_name(db.name + ".journal")


def runtime_dir() -> Path:
    """Where sockets and registry entries live; the same for a proxy started with a bare environment.

    ``$MCPSCOPE_RUNTIME_DIR`` overrides it (tests). Otherwise ``/run/user/UID/mcpscope`` where the system
    has it, else a folder of this user under the temporary directory.
    """
    named = os.environ.get("MCPSCOPE_RUNTIME_DIR")
    if named:
        return Path(named)
    uid = os.getuid()
    system = Path(f"/run/user/{uid}")
    if system.is_dir() and os.access(system, os.W_OK):
        return system / "mcpscope"
    return Path(f"/tmp/mcpscope-{uid}")


def private_dir(path: Path) -> Path:
    """Make ``path`` (and what is missing above it) as a 0700 folder of this user and return it.

    Raises ScopeError (``unsafe_dir``) where somebody else owns the folder or it is a link.
    """
    old = os.umask(0o077)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    finally:
        os.umask(old)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ScopeError(
            f"{path} is not a folder of this user",
            code="unsafe_dir",
            exit=Exit.STORE,
            hint="remove it or name another",
        )
    if found.st_mode & 0o077:
        path.chmod(0o700)
    return path
