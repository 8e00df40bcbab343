"""What the recorder asks of a database: a connection of its own, or that of its scribe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol


class Rows(Protocol):
    """What a statement gave; good until the next statement."""

    @property
    def lastrowid(self) -> int | None: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Statements(Protocol):
    """The part of ``sqlite3.Connection`` that is used inside a recorder's transaction.

    Over a scribe an error of ``execute`` may only show when something is asked of a later statement, as
    it is of every COMMIT.
    """

    def execute(self, sql: str, parameters: Any = ..., /) -> Rows: ...

    def executemany(self, sql: str, parameters: Any, /) -> Any: ...

    def executescript(self, sql_script: str, /) -> Any: ...

    def close(self) -> None: ...
