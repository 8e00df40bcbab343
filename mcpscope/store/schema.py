"""The database file: how it is created, recognised and brought to this version, and how it is opened."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import journal_root, private_dir, state_dir
from mcpscope.store import layout
from mcpscope.store.own_process import own_process

APPLICATION_ID = layout.APPLICATION_ID
SCHEMA_VERSION = layout.SCHEMA_VERSION
MIGRATE_SECONDS = 120
CHECKPOINT_PAGES = 16_000  # a burst is not stopped to write pages back; ``tidy`` of Follower does it after
WAL_LIMIT_BYTES = 16 << 20
CACHE_KIB = 6 << 10  # what a transaction changes, so that no page is written twice or read again in it


class NewerDatabase(ScopeError):
    """The database was written by a newer mcpscope; it is left alone."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(
            f"{path} was written by a newer mcpscope (format {found}, this one knows {SCHEMA_VERSION})",
            code="db_newer",
            exit=Exit.STORE,
            hint="upgrade mcpscope, or name another database with --db",
        )


def ensure(path: Path) -> None:
    """Create the database, or migrate it, so that it has this version; raises ScopeError.

    Raises ``sqlite3.OperationalError`` and ``OSError`` as they come where the disk is full, read-only
    or another process keeps the file locked: the recorder waits and calls again.
    """
    if path.parent == state_dir() or not path.parent.exists():
        private_dir(path.parent)  # a folder that the user named and that was there keeps its mode
    private_dir(journal_root(path))
    if path.exists() and version_of(path) == SCHEMA_VERSION:
        return
    with _schema_lock(path):
        _create_file(path)
        if version_of(path) == SCHEMA_VERSION:
            return
        if path.stat().st_size:
            _migrate(path)
        else:
            _create(path)


def version_of(path: Path) -> int:
    """The schema version of an existing file, 0 for an empty one; raises ScopeError for what is not ours."""
    if _is_cut_short(path):
        _roll_back(path)
    connection = connect_ro(path)
    try:
        return check(connection, path)
    finally:
        connection.close()


def check(connection: sqlite3.Connection, path: Path) -> int:
    """The version of an open database; raises NewerDatabase, or ScopeError for a foreign or damaged one."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
            raise
        raise damaged(path, error) from error
    if application == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise NewerDatabase(path, version)
        return int(version)
    if application == 0 and version == 0 and _only_unfinished(connection, tables):
        return 0
    raise ScopeError(
        f"{path} is an SQLite database of another program",
        code="db_foreign",
        exit=Exit.STORE,
        hint="name another file with --db",
    )


def damaged(path: Path, error: sqlite3.Error) -> ScopeError:
    """The error for a file that SQLite cannot read."""
    return ScopeError(
        f"the database {path} is damaged ({error})",
        code="db_damaged",
        exit=Exit.STORE,
        hint="keep the file (sqlite3 FILE .recover saves what can be read), and name a new one with --db",
    )


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file itself is bad, and not that it is busy, full or out of reach."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def connect_ro(path: Path) -> sqlite3.Connection:
    """A connection that cannot write and trusts nothing in the schema."""
    uri = path.absolute().as_uri() + "?mode=ro"
    if not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists():
        # SQLite would make a -shm file beside it; where nobody can, nobody changes it either.
        uri += "&immutable=1"
    connection = sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA query_only = ON")
    return connection


def connect_rw(path: Path, *, busy_seconds: float = 5) -> sqlite3.Connection:
    """A connection for a writer, transactions by hand. The file exists already (see ``ensure``)."""
    uri = path.absolute().as_uri() + "?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    return connection


def _only_unfinished(connection: sqlite3.Connection, tables: int) -> bool:
    """Whether the file is empty, or a creation of ours that was cut short (migrations but no mark yet)."""
    if tables == 0:
        return True
    query = "SELECT count(*) FROM sqlite_master WHERE name = '_sqlite_migrations'"
    return bool(connection.execute(query).fetchone()[0])


def _is_cut_short(path: Path) -> bool:
    """Whether a creation of ours may have been killed: in WAL mode, its end, there is no such journal."""
    return path.with_name(path.name + "-journal").exists() and journal_root(path).is_dir()


def _roll_back(path: Path) -> None:
    """Let SQLite play its journal back, which it does for whoever may write, unless its writer lives."""
    with closing(connect_rw(path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _create_file(path: Path) -> None:
    # Created by us and not by SQLite, whose mode follows the umask; -wal and -shm take it from this file.
    try:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        if not path.exists():
            raise ScopeError(
                f"{path} is a link to nowhere",
                code="db_unsafe",
                exit=Exit.STORE,
                hint="remove it, or name another file with --db",
            ) from None
        return
    os.close(fd)


def _create(path: Path) -> None:
    """An empty file needs none of what a migration needs, which takes a quarter of a second to import."""
    from mcpscope.store.steps import create  # deferred: most databases are there

    connection = connect_rw(path)
    try:
        create(connection)
    finally:
        connection.close()


def _migrate(path: Path) -> None:
    argv = own_process("mcpscope.store.migrations", str(path))
    done = subprocess.run(argv, capture_output=True, timeout=MIGRATE_SECONDS, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise sqlite3.OperationalError(f"the database cannot be prepared: {last}")


@contextmanager
def _schema_lock(path: Path) -> Iterator[None]:
    fd = os.open(journal_root(path) / "schema.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
