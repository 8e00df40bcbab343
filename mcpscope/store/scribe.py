"""A second process of a recorder that has fallen behind: it writes what the first one has understood.

To understand a message costs about as much as to write it, and both are bound to the interpreter's lock: two
processes use two cores. The scribe holds the only connection. It is told parts and statements over a pipe,
in order and without an answer; the next question brings the answer, or the first error since the last one.
It ends when the pipe does, whose transaction is then rolled back.
"""

from __future__ import annotations

import fcntl
import io
import os
import pickle
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mcpscope.store.bodies import BlockWriter
from mcpscope.store.rows import Part, write_rows_of
from mcpscope.store.schema import connect_rw

ALL = -1
_PIPE_BYTES = 1 << 20
_PIECES = 64  # at a time; less than the system takes
_HEAD = struct.Struct("<Q")
_PART, _EXECUTE, _MANY, _SCRIPT, _FETCH = range(5)


class Scribe:
    """The first process's end; see ``store.statements``. Nobody else may be connected to ``db`` in here.

    Raises OSError where there cannot be one more process. Later errors are those of ``sqlite3``; a scribe
    that is gone is an OperationalError.
    """

    def __init__(self, db: Path, *, busy_seconds: float) -> None:
        theirs, ours = os.pipe()
        answers, their_answers = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)  # the next part while one is being written
        try:
            self._pid = os.fork()
        except OSError:
            for fd in (theirs, ours, answers, their_answers):
                os.close(fd)
            raise
        if not self._pid:
            os.close(ours)
            os.close(answers)
            _run(theirs, their_answers, db, busy_seconds)
        os.close(theirs)
        os.close(their_answers)
        self._said = ours
        self._answers = os.fdopen(answers, "rb")
        self._statements = 0

    def __repr__(self) -> str:
        return f"<Scribe {self._pid}>"

    def put(self, part: Part) -> None:
        """Have ``part`` written; what it does by itself is done behind its rows."""
        places = [(block.id, block.session_id, block.size) for block in part.blocks]
        self._tell(
            _PART, places, part.rows(), bodies=[piece for block in part.blocks for piece in block.pieces]
        )
        part.finish(self)

    def execute(self, sql: str, parameters: Any = (), /) -> _Told:
        self._tell(_EXECUTE, sql, parameters)
        return _Told(self, self._statements)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> None:
        self._tell(_MANY, sql, list(parameters))

    def executescript(self, sql_script: str, /) -> None:
        self._tell(_SCRIPT, sql_script)

    def close(self) -> None:
        """Let it end; what is not committed is gone."""
        if self._pid:
            os.close(self._said)
            self._answers.close()
            os.waitpid(self._pid, 0)
            self._pid = 0

    def ask(self, statement: int, count: int) -> tuple[list[Any], int | None]:
        """The first ``count`` rows of the last statement, and its row id."""
        assert statement == self._statements, "another statement was executed meanwhile"
        self._tell(_FETCH, count)
        self._statements = statement
        answer = _receive(self._answers)
        if answer is None:
            raise _gone()
        rows, row_id, error = answer
        if error is not None:
            raise _error(*error)
        return rows, row_id

    def _tell(self, *said: Any, bodies: Sequence[bytes] = ()) -> None:
        self._statements += 1
        try:
            _send(self._said, said, bodies)
        except OSError as error:
            raise _gone() from error


class _Told:
    """What a statement gave, asked for when it is wanted."""

    def __init__(self, scribe: Scribe, statement: int) -> None:
        self._scribe = scribe
        self._statement = statement

    @property
    def lastrowid(self) -> int | None:
        return self._scribe.ask(self._statement, 0)[1]

    def fetchone(self) -> Any:
        rows, _ = self._scribe.ask(self._statement, 1)
        return rows[0] if rows else None

    def fetchall(self) -> list[Any]:
        return self._scribe.ask(self._statement, ALL)[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


def _run(said: int, answers: int, db: Path, busy_seconds: float) -> NoReturn:
    """The second process, from its first to its last breath."""
    try:
        _serve(os.fdopen(said, "rb"), answers, db, busy_seconds)
    except (OSError, sqlite3.Error):
        pass  # who would be told is gone
    finally:
        os._exit(0)


def _serve(said: io.BufferedReader, answers: int, db: Path, busy_seconds: float) -> None:
    writing = _Writing(db, busy_seconds)
    while (told := _receive(said)) is not None:
        what, *given = told
        if what == _PART:
            places, rows = given
            bodies = [(id, session_id, said.read(size)) for id, session_id, size in places]
            given = [bodies, rows]
        if what == _FETCH:
            _send(answers, writing.answer(given[0]))
        else:
            writing.do(what, given)
    writing.close()


class _Writing:
    """The connection, and what went wrong with it since somebody asked."""

    def __init__(self, db: Path, busy_seconds: float) -> None:
        self._bodies = BlockWriter()
        self._cursor: sqlite3.Cursor | None = None
        self._error: Exception | None = None
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = connect_rw(db, busy_seconds=busy_seconds)
        except sqlite3.Error as error:
            self._error = error

    def do(self, what: int, given: list[Any]) -> None:
        self._cursor = None
        if self._connection is None or (self._error is not None and given[0] != "ROLLBACK"):
            return
        try:
            self._carry_out(self._connection, what, given)
        except Exception as error:  # told to whoever asks next, as it would show in one process
            self._error = error

    def _carry_out(self, connection: sqlite3.Connection, what: int, given: list[Any]) -> None:
        if what == _PART:
            write_rows_of(connection, self._bodies, *given)
        elif what == _EXECUTE:
            self._cursor = connection.execute(*given)
        elif what == _MANY:
            connection.executemany(*given)
        else:
            connection.executescript(*given)

    def answer(self, count: int) -> tuple[list[Any], int | None, tuple[str, str, int | None] | None]:
        rows: list[Any] = []
        row_id = None
        try:
            if self._error is None and self._cursor is not None:
                row_id = self._cursor.lastrowid
                rows = self._cursor.fetchall() if count == ALL else self._cursor.fetchmany(count)
        except sqlite3.Error as error:
            self._error = error
        failed, self._error = self._error, None
        if failed is None:
            return rows, row_id, None
        return [], None, (type(failed).__name__, str(failed), getattr(failed, "sqlite_errorcode", None))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _error(name: str, text: str, code: int | None) -> Exception:
    kind = getattr(sqlite3, name, None)
    if not (isinstance(kind, type) and issubclass(kind, sqlite3.Error)):
        return RuntimeError(f"the scribe failed: {name}: {text}")
    error = kind(text)
    if code is not None:
        error.sqlite_errorcode = code
    return error


def _gone() -> sqlite3.OperationalError:
    return sqlite3.OperationalError("the process that writes has gone")


def _send(fd: int, said: Any, bodies: Sequence[bytes] = ()) -> None:
    data = pickle.dumps(said, pickle.HIGHEST_PROTOCOL)
    pieces = [_HEAD.pack(len(data)), data, *bodies]
    for first in range(0, len(pieces), _PIECES):
        _write(fd, pieces[first : first + _PIECES])


def _write(fd: int, pieces: list[bytes]) -> None:
    left = sum(map(len, pieces)) - os.writev(fd, pieces)
    if left:
        rest = memoryview(b"".join(pieces))[-left:]
        while rest:
            rest = rest[os.write(fd, rest) :]


def _receive(file: io.BufferedReader) -> Any:
    """What was sent next; None at the end."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    (size,) = _HEAD.unpack(head)
    data = file.read(size)
    return pickle.loads(data) if len(data) == size else None
