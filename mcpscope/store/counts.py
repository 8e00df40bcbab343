"""What is counted over sessions: states, errors, durations, values of columns, and tools with their use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mcpscope.store.offered import Offered, offered
from mcpscope.store.opened import Opened, column_of, marks, scope_of
from mcpscope.store.pins import Baseline, baseline
from mcpscope.store.values import field_values


class Counts(Opened):
    """The reads of numbers."""

    def tools(self, sessions: Sequence[int]) -> list[Offered]:
        """What servers offered in these sessions, with how it was used."""
        return offered(self._connection, sessions)

    def baseline(self, label: str) -> Baseline:
        """What the tools of the server with this label are held against."""
        return baseline(self._connection, label)

    def tally(self, sessions: Sequence[int] | None, statuses: Iterable[str]) -> int:
        """How many exchanges have one of ``statuses``."""
        words = list(statuses)
        scope, given = scope_of("session_id", sessions)
        row = self._connection.execute(
            f"SELECT count(*) FROM exchanges WHERE status IN ({marks(words)})"
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
        scope, given = scope_of("session_id", sessions)
        rows = self._connection.execute(
            "SELECT dur_ns FROM (SELECT dur_ns FROM exchanges"
            + (f" WHERE {scope}" if scope else "")
            + " ORDER BY id DESC LIMIT ?) WHERE dur_ns IS NOT NULL ORDER BY dur_ns",
            [*given, count],
        )
        return [row[0] for row in rows]

    def values(self, column: str, sessions: Sequence[int] | None, limit: int = 200) -> list[tuple[str, int]]:
        """The values of a column of ``exchanges`` with their counts, the most frequent first."""
        scope, given = scope_of("session_id", sessions)
        name = column_of(column)
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
