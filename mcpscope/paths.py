"""Where mcpscope keeps its files: the database, journals, sockets; all 0600 in 0700 folders.

SDK clients start servers with six variables (HOME, LOGNAME, PATH, SHELL, TERM, USER), so no place
may depend on an XDG variable alone: the runtime folder is the same with and without it.

The wire asks for ``db_file`` and ``runtime_folder`` as text: importing pathlib takes as long as all else it
does before the first byte, so it is imported here only when a Path is asked for.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def state_dir() -> Path:
    """``$XDG_STATE_HOME/mcpscope`` or ``~/.local/state/mcpscope``; not created here."""
    return _path(state_folder())


def default_db() -> Path:
    """``$MCPSCOPE_DB``, else ``mcpscope.db`` in the state folder."""
    return _path(db_file())


def db_file() -> str:
    """``default_db`` as text."""
    return os.environ.get("MCPSCOPE_DB") or f"{state_folder()}/mcpscope.db"


def journal_root(db: Path) -> Path:
    """The folder beside ``db`` that holds one folder per running (or crashed) proxy."""
    return db.with_name(db.name + ".journal")


def runtime_dir() -> Path:
    """Where sockets and registry entries live; the same for a proxy started with a bare environment.

    ``$MCPSCOPE_RUNTIME_DIR`` overrides it (tests). Otherwise ``/run/user/UID/mcpscope`` where the system
    has it, else a folder of this user under the temporary directory.
    """
    return _path(runtime_folder())


def runtime_folder() -> str:
    """``runtime_dir`` as text."""
    named = os.environ.get("MCPSCOPE_RUNTIME_DIR")
    if named:
        return named
    uid = os.getuid()
    system = f"/run/user/{uid}"
    if os.access(system, os.W_OK):
        return f"{system}/mcpscope"
    return f"/tmp/mcpscope-{uid}"


def private_dir(path: Path) -> Path:
    """Make ``path`` (and what is missing above it) as a 0700 folder of this user and return it.

    Raises ScopeError (``unsafe_dir``) where somebody else owns the folder or it is a link.
    """
    try:
        private_folder(str(path))
    except PermissionError as error:
        from mcpscope.errors import Exit, ScopeError

        raise ScopeError(
            error.strerror or str(error),
            code="unsafe_dir",
            exit=Exit.STORE,
            hint="remove it or name another",
        ) from error
    return path


def private_folder(path: str) -> None:
    """``private_dir`` for text; raises OSError where the system refuses or the folder is not ours."""
    old = os.umask(0o077)
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    finally:
        os.umask(old)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, f"{path} is not a folder of this user")
    # A folder with the sticky bit is one that everybody shares (/tmp): it is not ours to close.
    if found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX:
        os.chmod(path, 0o700)


def state_folder() -> str:
    """``state_dir`` as text."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return f"{base}/mcpscope"


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)
