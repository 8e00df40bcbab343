"""Opening a database to read it: what crashes left behind is taken in first, what is not ours is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import journal_root
from mcpscope.store import schema, tables
from mcpscope.store.recovery import settle

RECOVER_SECONDS = 10.0
_PROGRAMS = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')"


@contextmanager
def reading(path: Path, warn: Callable[[str], None] = lambda text: None) -> Iterator[sqlite3.Connection]:
    """A read-only connection; raises ScopeError for whatever a person can do something about.

    ``warn`` hears what does not prevent reading: a journal that cannot be taken in now.
    """
    connection = open_reader(path, warn)
    try:
        yield connection
    except sqlite3.DatabaseError as error:
        raise explained(path, error) from error
    finally:
        connection.close()


def open_reader(path: Path, warn: Callable[[str], None] = lambda text: None) -> sqlite3.Connection:
    """As ``reading``, for who closes it later."""
    _take_in(path, warn)
    try:
        if not path.exists():
            raise ScopeError(
                f"there is no database at {path}",
                code="db_missing",
                exit=Exit.STORE,
                hint="record a session first (mcpscope -- COMMAND), or name the database with --db",
            )
        if not path.is_file():
            raise _no_file(path)
        connection = schema.connect_ro(path)
    except (sqlite3.DatabaseError, OSError) as error:
        raise explained(path, error) from error
    try:
        _verify(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise explained(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(path: Path) -> None:
    """Make the database that is used next, or bring it up to date; raises ScopeError as ``reading`` does."""
    if path.exists() and not path.is_file():
        raise _no_file(path)
    try:
        schema.ensure(path)
    except (sqlite3.DatabaseError, OSError) as error:
        raise explained(path, error) from error


def _no_file(path: Path) -> ScopeError:
    return ScopeError(
        f"{path} is not a file", code="db_foreign", exit=Exit.STORE, hint="name another with --db"
    )


@contextmanager
def writing(path: Path, *, busy_seconds: float = 10.0) -> Iterator[sqlite3.Connection]:
    """A connection for a command that changes rows: one transaction, committed at the end."""
    try:
        schema.ensure(path)
        with closing(schema.connect_rw(path, busy_seconds=busy_seconds)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    except (sqlite3.DatabaseError, OSError) as error:
        raise explained(path, error) from error


def explained(path: Path, error: Exception) -> ScopeError:
    """What SQLite or the system said about the database, as something a person can act on."""
    if isinstance(error, sqlite3.Error) and schema.is_damage(error):
        return schema.damaged(path, error)
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        reason, hint = "is locked by another program", "close it, or try again"
    elif code == sqlite3.SQLITE_FULL:
        reason, hint = "cannot grow: the disk is full", "make room, then try again"
    elif code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH) or isinstance(
        error, PermissionError
    ):
        reason, hint = "cannot be opened", "check its permissions and those of its folder"
    elif code == sqlite3.SQLITE_READONLY:
        reason, hint = "cannot be written", "check its permissions and those of its folder"
    else:
        reason, hint = f"cannot be read ({error})", "name another with --db"
    return ScopeError(f"the database {path} {reason}", code="db_unusable", exit=Exit.STORE, hint=hint)


def _take_in(path: Path, warn: Callable[[str], None]) -> None:
    try:
        settle(path, seconds=RECOVER_SECONDS)
        # An empty file with a journal beside it is one that a recorder is making in this moment.
        begun = path.is_file() and (path.stat().st_size > 0 or journal_root(path).is_dir())
        if begun and schema.version_of(path) < schema.SCHEMA_VERSION:
            schema.ensure(path)
    except (sqlite3.OperationalError, OSError) as error:
        warn(f"what an earlier proxy left behind could not be taken in: {error}")
    except sqlite3.DatabaseError as error:
        raise explained(path, error) from error


def _verify(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file with views or triggers of somebody else: they could pretend anything."""
    if schema.check(connection, path) == 0:
        raise ScopeError(
            f"{path} is empty",
            code="db_missing",
            exit=Exit.STORE,
            hint="record a session first (mcpscope -- COMMAND), or name the database with --db",
        )
    ours = {_plain(sql) for sql in tables.VIEWS}
    for kind, name, sql in connection.execute(_PROGRAMS):
        if _plain(sql) not in ours:
            raise ScopeError(
                f"{path} has a {kind} {name!r} that mcpscope did not make",
                code="db_foreign",
                exit=Exit.STORE,
                hint="export the recordings with the program that made it, or name another with --db",
            )


def _plain(sql: str) -> str:
    return " ".join(sql.split())
