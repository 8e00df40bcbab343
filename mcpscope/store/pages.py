"""What lists read: ids of exchanges and messages in order, pages of them by id, and what changed since.

One ``Pages`` is one read-only connection, used by one thread at a time; ``interrupt`` may come from another.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mcpscope.engine.filter.language import Filter, parse
from mcpscope.store.closeups import Closeups
from mcpscope.store.counts import Counts
from mcpscope.store.filter_sql import to_sql
from mcpscope.store.fulltext import catch_up
from mcpscope.store.listed import ExchangeRow, MessageRow, NoteRow, OutcomeRow, SessionRow
from mcpscope.store.opened import MESSAGE, OUTCOME, Interrupted, column_of, marks, parts_of, scope_of
from mcpscope.store.prefilter import expression_of
from mcpscope.store.query import Query, Stopped, prepare
from mcpscope.store.subjects import Recorded

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


class Pages(Closeups, Counts):
    """The reads of lists over one database, of what stands around one row, and of numbers."""

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
        scope, given = scope_of("session_id", sessions)
        where = f" WHERE {scope}" if scope else ""
        found = self._gather(f"SELECT id FROM exchanges{where} ORDER BY id DESC LIMIT ?", [*given, count])
        found.reverse()
        return found

    def ids(self, sessions: Sequence[int] | None, asked: Filter | None, *, order: str = "id") -> array[int]:
        """The ids of all exchanges of ``sessions`` (None: all) that pass, by the column ``order``."""
        scope, given = scope_of("e.session_id", sessions)
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
        by = "e.id" if order == "id" else f"e.{column_of(order)}, e.id"
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
        scope, given = scope_of("session_id", sessions)
        found: set[int] = set()
        for part in parts_of(ids):
            sql = f"SELECT id FROM exchanges WHERE id IN ({marks(part)})" + (
                f" AND +{scope}" if scope else ""
            )
            found.update(row[0] for row in self._connection.execute(sql, [*part, *given]))
        return found

    def rows(self, ids: Sequence[int]) -> dict[int, ExchangeRow]:
        """The exchanges with these ids."""
        found: dict[int, ExchangeRow] = {}
        for part in parts_of(ids):
            for row in self._connection.execute(_EXCHANGE + f"WHERE id IN ({marks(part)})", part):
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

    def frame_ids(self, sessions: Sequence[int] | None, after: int = 0) -> array[int]:
        """The ids of all messages and notes of ``sessions`` behind ``after``, in wire order."""
        scope, given = scope_of("session_id", sessions)
        condition = f" AND {scope}" if scope else ""
        sql = (
            f"SELECT id FROM messages WHERE id > ?{condition}"
            f" UNION ALL SELECT id FROM notes WHERE id > ?{condition} ORDER BY 1"
        )
        return self._gather(sql, [after, *given, after, *given])

    def frames(self, ids: Sequence[int]) -> dict[int, MessageRow | NoteRow]:
        """The messages and notes with these ids."""
        found: dict[int, MessageRow | NoteRow] = {}
        for part in parts_of(ids):
            for row in self._connection.execute(MESSAGE + f"WHERE m.id IN ({marks(part)})", part):
                found[row[0]] = MessageRow(*row)
            if len(found) < len(ids):
                found.update((note.id, note) for note in self._notes(f"WHERE id IN ({marks(part)})", part))
        return found

    def notes(
        self, sessions: Sequence[int] | None, *, leave_out: str = "", limit: int = 5000
    ) -> list[NoteRow]:
        """The newest notes of ``sessions`` in the order of time, without the kind ``leave_out``."""
        scope, given = scope_of("session_id", sessions)
        parts = [scope] if scope else []
        if leave_out:
            parts.append("kind != ?")
            given = [*given, leave_out]
        where = f"WHERE {' AND '.join(parts)}" if parts else ""
        return list(reversed(self._notes(f"{where} ORDER BY id DESC LIMIT {int(limit)}", given)))

    def decisions(self, sessions: Sequence[int] | None, limit: int = 5000) -> list[Decided]:
        """The newest outcomes of ``sessions`` in the order of time, each with its exchange."""
        scope, given = scope_of("m.session_id", sessions)
        where = f"WHERE {scope} " if scope else ""
        rows = self._connection.execute(OUTCOME + where + f"ORDER BY o.id DESC LIMIT {int(limit)}", given)
        return [(row[0], row[1], OutcomeRow(*row[2:])) for row in reversed(rows.fetchall())]


def _exchange(row: tuple[Any, ...]) -> ExchangeRow:
    flags = tuple(str(row[17]).replace(",", " ").split())
    return ExchangeRow(*(*row[:17], flags, *row[18:]))
