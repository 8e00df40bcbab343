"""What lists read: ids of exchanges and messages in order, pages of them by id, and what changed since.

One ``Pages`` is one read-only connection, used by one thread at a time; ``interrupt`` may come from another.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcpscope.engine.filter.language import Filter, parse
from mcpscope.store import schema
from mcpscope.store.bodies import BlockReader
from mcpscope.store.filter_sql import to_sql
from mcpscope.store.fulltext import catch_up
from mcpscope.store.listed import ExchangeRow, MessageRow, NoteRow, OutcomeRow, SessionRow
from mcpscope.store.offered import Offered, offered
from mcpscope.store.pins import Baseline, baseline
from mcpscope.store.prefilter import expression_of
from mcpscope.store.query import Query, Stopped, prepare
from mcpscope.store.subjects import Recorded
from mcpscope.store.values import field_values

FETCH = 20_000
CHUNK = 500


_SESSION = """
    SELECT id, uid, coalesce(label, ''), coalesce(name, ''), coalesce(note, ''), coalesce(command, ''),
           coalesce(url, ''), coalesce(client_transport, ''), coalesce(server_transport, ''),
           coalesce(client_name, ''), coalesce(client_version, ''), coalesce(server_name, ''),
           coalesce(server_version, ''), coalesce(revision, ''), coalesce(era, ''), coalesce(pid, 0),
           started_at, coalesce(last_at, started_at), ended_at, coalesce(end_reason, ''), exit_code,
           coalesce(record_mode, ''), replay_of, lost_messages, gaps, messages, exchanges, bytes
    FROM sessions
"""
_EXCHANGE = """
    SELECT id, session_id, kind, coalesce(dir, ''), coalesce(method, ''), coalesce(tool, ''),
           coalesce(name, ''), coalesce(rpc_id, ''), status, code, opened_at, ended_at, dur_ns,
           request_id, answer_id, req_bytes, res_bytes, coalesce(flags, ''), parent_id,
           coalesce(legs, 1), coalesce(summary, ''), stream
    FROM exchanges
"""
_MESSAGE = """
    SELECT m.id, m.session_id, m.exchange_id, m.at, m.dir, m.stream, m.kind, coalesce(m.method, ''),
           coalesce(m.rpc_id, ''), m.size, coalesce(m.marks, ''), coalesce(m.fate, 'forwarded'),
           coalesce(m.origin, 'peer'), coalesce(nullif(e.tool, ''), nullif(e.method, ''), m.method, '')
    FROM messages AS m LEFT JOIN exchanges AS e ON e.id = m.exchange_id
"""
_CHANGED = """
    SELECT exchange_id FROM messages WHERE id > :last AND exchange_id IS NOT NULL
    UNION SELECT id FROM exchanges WHERE id > :last
    UNION SELECT json_extract(detail, '$.exchange') FROM notes
          WHERE id > :last AND kind = 'remark' AND json_valid(detail)
"""
_DECIDED = """
    SELECT max(o.id), m.exchange_id FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id
    WHERE o.id > :last GROUP BY m.exchange_id
"""


Decided = tuple[int, str, OutcomeRow]
"""The exchange, what it is called, and what was decided of one of its messages."""


class Pages:
    """The reads of lists over one database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = False
        self._connection = schema.connect_ro(path)
        # A reader that waits for nobody: what is locked now is read at the next poll.
        self._connection.execute("PRAGMA busy_timeout = 2000")
        self._connection.execute("PRAGMA cache_size = -8000")

    def __repr__(self) -> str:
        return f"<Pages {self._path}>"

    def close(self) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        """Make the query that another thread runs here fail with ``Interrupted``."""
        self._stop = True
        self._connection.interrupt()

    def version(self) -> int:
        """A number that is another one after each commit by somebody else."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def sessions(self) -> list[SessionRow]:
        """Every session, the newest first."""
        rows = self._connection.execute(_SESSION + "ORDER BY started_at DESC, id DESC")
        return [SessionRow(*row) for row in rows]

    def newest(self, sessions: Sequence[int] | None, asked: Filter | None, count: int) -> array[int]:
        """The ids of the newest ``count`` exchanges of ``sessions`` (None: all) that pass, oldest first."""
        if asked is not None:
            with self._stoppable() as stop:
                query = Query(self._connection, asked, sessions=sessions, stop=stop)
                return array("q", [one.seq for one in query.last(count)])
        scope, given = _scope("session_id", sessions)
        where = f" WHERE {scope}" if scope else ""
        found = self._gather(f"SELECT id FROM exchanges{where} ORDER BY id DESC LIMIT ?", [*given, count])
        found.reverse()
        return found

    def ids(self, sessions: Sequence[int] | None, asked: Filter | None, *, order: str = "id") -> array[int]:
        """The ids of all exchanges of ``sessions`` (None: all) that pass, by the column ``order``."""
        scope, given = _scope("e.session_id", sessions)
        conditions, passing = [scope] if scope else [], None
        if asked is not None:
            prepare(self._connection)
            where = to_sql(asked)
            conditions.append(f"({where.sql})")
            given = [*given, *where.params]
            if not where.exact:
                passing = self._asked(sessions, asked)
        if passing is not None and order == "id":
            return passing
        condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        by = "e.id" if order == "id" else f"e.{_column(order)}, e.id"
        found = self._gather(f"SELECT e.id FROM exchanges AS e{condition} ORDER BY {by}", given)
        if passing is not None:
            kept = set(passing)
            found = array("q", [one for one in found if one in kept])
        return found

    def _asked(self, sessions: Sequence[int] | None, asked: Filter) -> array[int]:
        if expression_of(asked.tree):
            catch_up(self._path)
        with self._stoppable() as stop:
            query = Query(self._connection, asked, sessions=sessions, stop=stop)
            return array("q", [one.seq for one in query.oldest()])

    @contextmanager
    def _stoppable(self) -> Iterator[Callable[[], bool]]:
        """A ``stop`` for queries that ``interrupt`` answers; what was stopped raises Interrupted."""
        self._stop = False
        try:
            yield lambda: self._stop
        except Stopped:
            raise Interrupted from None

    def last(self, sessions: Sequence[int] | None, count: int) -> Iterator[Recorded]:
        """The last ``count`` exchanges, newest first, as filters and rules see them."""
        with self._stoppable() as stop:
            yield from Query(self._connection, parse(""), sessions=sessions, stop=stop).newest(limit=count)

    def passing(self, ids: Sequence[int], sessions: Sequence[int] | None, asked: Filter | None) -> set[int]:
        """Which of ``ids`` exist, are of ``sessions`` and pass."""
        if asked is not None:
            return {one.seq for one in Query(self._connection, asked, sessions=sessions).among(ids)}
        scope, given = _scope("session_id", sessions)
        found: set[int] = set()
        for part in _parts(ids):
            sql = f"SELECT id FROM exchanges WHERE id IN ({_marks(part)})" + (
                f" AND +{scope}" if scope else ""
            )
            found.update(row[0] for row in self._connection.execute(sql, [*part, *given]))
        return found

    def rows(self, ids: Sequence[int]) -> dict[int, ExchangeRow]:
        """The exchanges with these ids."""
        found: dict[int, ExchangeRow] = {}
        for part in _parts(ids):
            for row in self._connection.execute(_EXCHANGE + f"WHERE id IN ({_marks(part)})", part):
                found[row[0]] = _exchange(row)
        return found

    def changed(self, last: int) -> tuple[set[int], int]:
        """The exchanges that got a message since id ``last``, and the highest id there is now."""
        rows = self._connection.execute(_CHANGED, {"last": last}).fetchall()
        (highest,) = self._connection.execute(
            "SELECT max(coalesce((SELECT max(id) FROM messages), 0),"
            " coalesce((SELECT max(id) FROM notes), 0), coalesce((SELECT max(id) FROM exchanges), 0))"
        ).fetchone()
        return {row[0] for row in rows if isinstance(row[0], int)}, int(highest)

    def decided(self, last: int) -> tuple[set[int], int]:
        """The exchanges about which something was decided since outcome ``last``, and the last outcome."""
        rows = self._connection.execute(_DECIDED, {"last": last}).fetchall()
        return {row[1] for row in rows if row[1]}, max([last, *(row[0] for row in rows)])

    def journal(self, uid: str) -> tuple[int, int]:
        """Segment and offset up to which the journal of a proxy is stored; zeros where nothing is."""
        row = self._connection.execute("SELECT segment, offset FROM journals WHERE uid = ?", [uid]).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def last_exchange(self) -> int:
        """The newest exchange; 0 where there is none."""
        return int(self._connection.execute("SELECT coalesce(max(id), 0) FROM exchanges").fetchone()[0])

    def last_outcome(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(id), 0) FROM outcomes").fetchone()[0])

    def children(self, exchange: int) -> list[int]:
        """The exchanges that this one caused."""
        rows = self._connection.execute(
            "SELECT id FROM exchanges WHERE parent_id = ? ORDER BY id", [exchange]
        )
        return [row[0] for row in rows]

    def same_tool(self, exchange: ExchangeRow, count: int = 5) -> tuple[list[int], list[int]]:
        """The ids of up to ``count`` calls of the same tool (or method) before and after, nearest first."""
        column, value = ("tool", exchange.tool) if exchange.tool else ("method", exchange.method)
        sides = []
        for compare, order in (("<", "DESC"), (">", "ASC")):
            rows = self._connection.execute(
                f"SELECT id FROM exchanges WHERE session_id = ? AND {column} = ? AND id {compare} ?"
                f" ORDER BY id {order} LIMIT ?",
                [exchange.session_id, value, exchange.id, count],
            )
            sides.append([row[0] for row in rows])
        return sides[0], sides[1]

    def messages(self, exchange: int) -> list[MessageRow]:
        """The messages of an exchange in wire order."""
        rows = self._connection.execute(
            _MESSAGE + "WHERE m.exchange_id = ?1 AND m.exchange_id != m.id OR m.id = ?1 ORDER BY m.id",
            [exchange],
        )
        return [MessageRow(*row) for row in rows]

    def body(self, message: int) -> bytes:
        """The bytes of a message as they were kept; empty where they are gone."""
        row = self._connection.execute(
            "SELECT body_id, body_at, kept, size FROM messages WHERE id = ?", [message]
        )
        found = row.fetchone()
        if found is None or found[0] is None:
            return b""
        # A reader of its own: what it keeps is let go with it, and a large body is read once.
        kept = found[3] if found[2] is None else found[2]
        return BlockReader(self._connection).read(found[0], found[1] or 0, kept)

    def frame_ids(self, sessions: Sequence[int] | None, after: int = 0) -> array[int]:
        """The ids of all messages and notes of ``sessions`` behind ``after``, in wire order."""
        scope, given = _scope("session_id", sessions)
        condition = f" AND {scope}" if scope else ""
        sql = (
            f"SELECT id FROM messages WHERE id > ?{condition}"
            f" UNION ALL SELECT id FROM notes WHERE id > ?{condition} ORDER BY 1"
        )
        return self._gather(sql, [after, *given, after, *given])

    def frames(self, ids: Sequence[int]) -> dict[int, MessageRow | NoteRow]:
        """The messages and notes with these ids."""
        found: dict[int, MessageRow | NoteRow] = {}
        for part in _parts(ids):
            for row in self._connection.execute(_MESSAGE + f"WHERE m.id IN ({_marks(part)})", part):
                found[row[0]] = MessageRow(*row)
            if len(found) < len(ids):
                found.update((note.id, note) for note in self._notes(f"WHERE id IN ({_marks(part)})", part))
        return found

    def note(self, note: int) -> NoteRow | None:
        """The note with this id."""
        return next(iter(self._notes("WHERE id = ?", [note])), None)

    def notes(
        self, sessions: Sequence[int] | None, *, leave_out: str = "", limit: int = 5000
    ) -> list[NoteRow]:
        """The newest notes of ``sessions`` in the order of time, without the kind ``leave_out``."""
        scope, given = _scope("session_id", sessions)
        parts = [scope] if scope else []
        if leave_out:
            parts.append("kind != ?")
            given = [*given, leave_out]
        where = f"WHERE {' AND '.join(parts)}" if parts else ""
        return list(reversed(self._notes(f"{where} ORDER BY id DESC LIMIT {int(limit)}", given)))

    def remarks(self, exchange: int) -> list[NoteRow]:
        """What people wrote about an exchange, oldest first."""
        return self._notes(
            "WHERE kind = 'remark' AND json_extract(detail, '$.exchange') = ? ORDER BY id", [exchange]
        )

    def outcomes(self, exchange: int) -> list[OutcomeRow]:
        """Every outcome of the messages of an exchange."""
        rows = self._connection.execute(_OUTCOME + "WHERE m.exchange_id = ? ORDER BY o.id", [exchange])
        return [OutcomeRow(*row[2:]) for row in rows]

    def decisions(self, sessions: Sequence[int] | None, limit: int = 5000) -> list[Decided]:
        """The newest outcomes of ``sessions`` in the order of time, each with its exchange."""
        scope, given = _scope("m.session_id", sessions)
        where = f"WHERE {scope} " if scope else ""
        rows = self._connection.execute(_OUTCOME + where + f"ORDER BY o.id DESC LIMIT {int(limit)}", given)
        return [(row[0], row[1], OutcomeRow(*row[2:])) for row in reversed(rows.fetchall())]

    def stream(self, session: int, stream: int) -> tuple[str, str, str]:
        """The HTTP facts of a stream as JSON texts: head of the request, what came later, how it closed."""
        row = self._connection.execute(
            "SELECT coalesce(open, ''), coalesce(facts, ''), coalesce(close, '') FROM streams"
            " WHERE session_id = ? AND stream = ?",
            [session, stream],
        ).fetchone()
        return (str(row[0]), str(row[1]), str(row[2])) if row else ("", "", "")

    def definition(self, session: int, name: str, before: int) -> bytes | None:
        """The definition of a tool as the client knew it at message ``before``, else the first one seen."""
        row = self._connection.execute(
            "SELECT body FROM definitions WHERE session_id = ? AND kind = 'tool' AND name = ?"
            " ORDER BY coalesce(message_id, 0) > ?, id DESC LIMIT 1",
            [session, name, before],
        ).fetchone()
        return bytes(row[0]) if row and row[0] is not None else None

    def tools(self, sessions: Sequence[int]) -> list[Offered]:
        """What servers offered in these sessions, with how it was used."""
        return offered(self._connection, sessions)

    def baseline(self, label: str) -> Baseline:
        """What the tools of the server with this label are held against."""
        return baseline(self._connection, label)

    def tally(self, sessions: Sequence[int] | None, statuses: Iterable[str]) -> int:
        """How many exchanges have one of ``statuses``."""
        words = list(statuses)
        scope, given = _scope("session_id", sessions)
        row = self._connection.execute(
            f"SELECT count(*) FROM exchanges WHERE status IN ({_marks(words)})"
            + (f" AND {scope}" if scope else ""),
            [*words, *given],
        ).fetchone()
        return int(row[0])

    def errors(self, sessions: Sequence[int]) -> dict[int, int]:
        """How many exchanges of each session ended in an error."""
        found = dict.fromkeys(sessions, 0)
        bad = "status IN ('rpc-error', 'tool-error', 'lost')"
        sql = f"SELECT count(*) FROM exchanges WHERE session_id = ? AND {bad}"
        for session in found:
            found[session] = int(self._connection.execute(sql, [session]).fetchone()[0])
        return found

    def durations(self, sessions: Sequence[int] | None, count: int = 1000) -> list[int]:
        """The durations of the newest ``count`` answered requests, sorted."""
        scope, given = _scope("session_id", sessions)
        rows = self._connection.execute(
            "SELECT dur_ns FROM (SELECT dur_ns FROM exchanges"
            + (f" WHERE {scope}" if scope else "")
            + " ORDER BY id DESC LIMIT ?) WHERE dur_ns IS NOT NULL ORDER BY dur_ns",
            [*given, count],
        )
        return [row[0] for row in rows]

    def values(self, column: str, sessions: Sequence[int] | None, limit: int = 200) -> list[tuple[str, int]]:
        """The values of a column of ``exchanges`` with their counts, the most frequent first."""
        scope, given = _scope("session_id", sessions)
        name = _column(column)
        rows = self._connection.execute(
            f"SELECT {name}, count(*) AS n FROM exchanges WHERE {name} IS NOT NULL AND {name} != ''"
            + (f" AND {scope}" if scope else "")
            + f" GROUP BY {name} ORDER BY n DESC LIMIT {int(limit)}",
            given,
        )
        return [(str(row[0]), int(row[1])) for row in rows]

    def suggested(self, place: str, prefix: str, sessions: Sequence[int] | None) -> list[tuple[str, int]]:
        """Real values of a field of filters that begin with ``prefix``, with their counts."""
        return field_values(self._connection, place, prefix, sessions)

    def _notes(self, where: str, parameters: Sequence[object]) -> list[NoteRow]:
        rows = self._connection.execute(
            f"SELECT id, session_id, at, kind, text, coalesce(detail, '') FROM notes {where}",
            list(parameters),
        )
        return [NoteRow(*(*row[:4], _text(row[4]), row[5])) for row in rows]

    def _gather(self, sql: str, parameters: Sequence[object]) -> array[int]:
        found = array("q")
        try:
            cursor = self._connection.execute(sql, list(parameters))
            while part := cursor.fetchmany(FETCH):
                found.extend(row[0] for row in part)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise Interrupted from None
            raise
        return found


class Interrupted(Exception):
    """The query was given up because somebody asked for another one."""


_OUTCOME = """
    SELECT coalesce(m.exchange_id, 0), coalesce(nullif(e.tool, ''), e.method, ''), o.message_id,
           o.outcome, coalesce(o.actor, ''), coalesce(o.rule, ''),
           o.at, o.waited_ns, coalesce(o.detail, ''), o.bytes
    FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id
    LEFT JOIN exchanges AS e ON e.id = m.exchange_id
"""
_COLUMNS = frozenset(
    {
        "id",
        "opened_at",
        "dur_ns",
        "req_bytes",
        "res_bytes",
        "status",
        "method",
        "tool",
        "kind",
        "name",
        "code",
    }
)


def _column(name: str) -> str:
    if name not in _COLUMNS:
        raise ValueError(f"no column {name!r} to sort or count by")
    return name


def _scope(column: str, sessions: Sequence[int] | None) -> tuple[str, list[object]]:
    if sessions is None:
        return "", []
    return f"{column} IN ({_marks(sessions)})", list(sessions)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _parts(ids: Sequence[int]) -> list[list[int]]:
    return [list(ids[at : at + CHUNK]) for at in range(0, len(ids), CHUNK)]


def _exchange(row: tuple[Any, ...]) -> ExchangeRow:
    flags = tuple(str(row[17]).replace(",", " ").split())
    return ExchangeRow(*(*row[:17], flags, *row[18:]))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
