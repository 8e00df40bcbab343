"""What stands around one exchange: its messages and their bytes, what it caused, what was said of it."""

from __future__ import annotations

from mcpscope.store.bodies import BlockReader
from mcpscope.store.listed import ExchangeRow, MessageRow, NoteRow, OutcomeRow
from mcpscope.store.opened import MESSAGE, OUTCOME, Opened


class Closeups(Opened):
    """The reads of one exchange, message or note."""

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
            MESSAGE + "WHERE m.exchange_id = ?1 AND m.exchange_id != m.id OR m.id = ?1 ORDER BY m.id",
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

    def note(self, note: int) -> NoteRow | None:
        """The note with this id."""
        return next(iter(self._notes("WHERE id = ?", [note])), None)

    def remarks(self, exchange: int) -> list[NoteRow]:
        """What people wrote about an exchange, oldest first."""
        return self._notes(
            "WHERE kind = 'remark' AND json_extract(detail, '$.exchange') = ? ORDER BY id", [exchange]
        )

    def outcomes(self, exchange: int) -> list[OutcomeRow]:
        """Every outcome of the messages of an exchange."""
        rows = self._connection.execute(OUTCOME + "WHERE m.exchange_id = ? ORDER BY o.id", [exchange])
        return [OutcomeRow(*row[2:]) for row in rows]

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
