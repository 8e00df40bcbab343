"""How far a journal is in the database, committed with the rows that were made of it."""

from __future__ import annotations

from mcpscope.store.checkpoint import dump_state, load_state
from mcpscope.store.ingest import Ingest
from mcpscope.store.recorded import Recorded
from mcpscope.store.sessions import restore_catalog
from mcpscope.store.statements import Statements
from mcpscope.store.tail import Position
from mcpscope.store.unpack import LaneKey, Unpacker

_FIND = "SELECT id, segment, offset, state, ended FROM journals WHERE uid = ?"
_ADD = "INSERT INTO journals (uid, segment, offset) VALUES (?, 0, 0)"
_ADVANCE = "UPDATE journals SET segment = ?, offset = ?, state = ? WHERE id = ?"
_END = "UPDATE journals SET segment = ?, offset = ?, state = NULL, ended = 1 WHERE id = ?"
_PIECES = """
    SELECT session, dir, stream, data FROM partials WHERE journal_id = ? ORDER BY session, dir, stream, piece
"""
_ADD_PIECE = "INSERT OR REPLACE INTO partials VALUES (?, ?, ?, ?, ?, ?)"
_DROP_PIECES = "DELETE FROM partials WHERE journal_id = ? AND session = ? AND dir = ? AND stream = ?"
_STATES = "SELECT state FROM states WHERE journal_id = ? ORDER BY session"
_KEEP_STATE = "INSERT OR REPLACE INTO states (journal_id, session, state) VALUES (?, ?, ?)"
_DROP_STATE = "DELETE FROM states WHERE journal_id = ? AND session = ?"
_DROP_ALL_STATES = "DELETE FROM states WHERE journal_id = ?"
_DROP_ALL_PIECES = "DELETE FROM partials WHERE journal_id = ?"


class Progress:
    """The row of the journal ``uid`` and what hangs on it; changed inside the follower's transactions.

    ``position`` is where the last commit left it; ``ended`` says that there is no more to come.
    """

    def __init__(self, connection: Statements, uid: str) -> None:
        self._connection = connection
        row = connection.execute(_FIND, (uid,)).fetchone()
        if row is None:
            connection.execute(_ADD, (uid,))
            row = connection.execute(_FIND, (uid,)).fetchone()
        self._id, segment, offset, self._state, self.ended = row
        self.position: Position = (segment, offset)

    def __repr__(self) -> str:
        return f"<Progress {self._id} at {self.position}>"

    def restore(self, unpacker: Unpacker, ingest: Ingest) -> None:
        """Give both what they knew at the last commit."""
        if self._state is None:
            return
        pieces: dict[LaneKey, list[bytes]] = {}
        for session, dir, stream, data in self._connection.execute(_PIECES, (self._id,)).fetchall():
            pieces.setdefault((session, dir, stream), []).append(data)
        unpacker.restore(load_state(self._state)["lanes"], pieces)
        for (known,) in self._connection.execute(_STATES, (self._id,)).fetchall():
            session = Recorded.restore(load_state(known))
            restore_catalog(self._connection, session)
            ingest.resume(session)

    def save(self, position: Position, unpacker: Unpacker, ingest: Ingest) -> None:
        """Everything before ``position`` is in the database."""
        self._spill(unpacker, position[0])
        for session in ingest.sessions.values():
            if session.touched:
                session.touched, session.state = False, session.snapshot()
                row = (self._id, session.number, dump_state(session.state))
                self._connection.execute(_KEEP_STATE, row)
        gone = [(self._id, number) for number in ingest.ended]
        self._connection.executemany(_DROP_STATE, gone)
        ingest.ended.clear()
        lanes = {"lanes": unpacker.snapshot()}
        self._connection.execute(_ADVANCE, (*position, dump_state(lanes), self._id))

    def end(self, position: Position) -> None:
        """The journal's writer is gone, and all of it is in the database."""
        self._connection.execute(_DROP_ALL_PIECES, (self._id,))
        self._connection.execute(_DROP_ALL_STATES, (self._id,))
        self._connection.execute(_END, (*position, self._id))

    def _spill(self, unpacker: Unpacker, segment: int) -> None:
        """Move what has begun in an older segment and not ended into the database."""
        ended, unpacker.ended_in_pieces = unpacker.ended_in_pieces, []
        self._connection.executemany(_DROP_PIECES, [(self._id, *key) for key in ended])
        for key, lane in unpacker.lanes.items():
            if lane.outlived:
                self._connection.execute(_DROP_PIECES, (self._id, *key))
                lane.pieces = 0
            if lane.resume is not None and lane.resume[0] < segment:
                data = lane.spill()
                self._connection.execute(_ADD_PIECE, (self._id, *key, lane.pieces, data))
