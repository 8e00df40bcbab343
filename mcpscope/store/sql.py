"""One read-only SQL question over the documented views, bounded in time and size."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mcpscope.errors import Exit, ScopeError
from mcpscope.store import schema
from mcpscope.store.subjects import Loader

MAX_VALUE_BYTES = 64 << 20
OPERATIONS_BETWEEN_CHECKS = 50_000
FETCH = 500

_VIEWS = "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name"
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_FUNCTION})
_REFUSED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})


class Question:
    """Runs one statement on ``connection``, which is its own from then on.

    Beside the views it offers ``body(message_id)``: the text of a message, NULL where there is none.
    """

    def __init__(self, connection: sqlite3.Connection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._deadline = 0.0
        self._views = frozenset(name for (name,) in connection.execute(_VIEWS))
        # A second connection: a statement must not run others on its own.
        path = connection.execute("PRAGMA database_list").fetchone()[2]
        self._other = schema.connect_ro(Path(path))
        loader = Loader(self._other)
        connection.create_function(
            "body", 1, lambda id: _text(loader.body(id)) if isinstance(id, int) else None
        )
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        connection.set_authorizer(self._authorize)
        connection.set_progress_handler(self._late, OPERATIONS_BETWEEN_CHECKS)

    def close(self) -> None:
        self._other.close()

    def ask(self, statement: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
        """Names of the columns, and the rows as they are found. Raises ScopeError."""
        self._deadline = time.monotonic() + self._seconds
        try:
            cursor = self._connection.execute(statement)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise self._explained(error) from error
        if cursor.description is None:
            raise ScopeError("this asks for nothing", code="bad_sql", exit=Exit.USAGE, hint=self._hint())
        return [column[0] for column in cursor.description], self._rows(cursor)

    def columns(self) -> list[tuple[str, list[str]]]:
        """The documented views with their columns."""
        found = []
        for name in sorted(self._views):
            cursor = self._connection.execute(f"SELECT * FROM {name} LIMIT 0")
            found.append((name, [column[0] for column in cursor.description]))
        return found

    def _rows(self, cursor: sqlite3.Cursor) -> Iterator[Sequence[Any]]:
        while True:
            try:
                rows = cursor.fetchmany(FETCH)
            except sqlite3.Error as error:
                raise self._explained(error) from error
            if not rows:
                return
            yield from rows

    def _authorize(
        self, action: int, one: str | None, two: str | None, _: str | None, inner: str | None
    ) -> int:
        """Only questions: a view, or what a view reads. ``inner`` is the view on whose behalf it is read."""
        if action == sqlite3.SQLITE_READ:
            allowed = one in self._views or inner in self._views or one == "" or (two or "") == ""
            allowed = allowed or str(one).lower() in ("json_each", "json_tree")
            return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION and str(two).lower() in _REFUSED_FUNCTIONS:
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY

    def _late(self) -> int:
        return int(time.monotonic() > self._deadline)

    def _explained(self, error: Exception) -> ScopeError:
        text = str(error)
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_INTERRUPT:
            if time.monotonic() > self._deadline:
                message = f"the answer took longer than {self._seconds:g} s"
                return ScopeError(
                    message, code="timeout", exit=Exit.TIMEOUT, hint="ask for less, or --timeout 10m"
                )
            return ScopeError("interrupted", code="interrupted", exit=Exit.INTERRUPTED)
        if isinstance(error, sqlite3.Error) and schema.is_damage(error):
            return ScopeError(f"the database is damaged ({text})", code="db_damaged", exit=Exit.STORE)
        if "prohibited" in text or "not authorized" in text:
            message, hint = "only SELECT over the documented views is allowed", self._hint()
        elif "no such table" in text or "no such column" in text:
            message, hint = text, self._hint()
        else:
            message, hint = f"not understood: {text}", self._hint()
        return ScopeError(message, code="bad_sql", exit=Exit.USAGE, hint=hint)

    def _hint(self) -> str:
        return f"the views are {', '.join(sorted(self._views))}; mcpscope sql alone lists their columns"


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "replace")
