"""Taking a session out of the database, with everything that is only its."""

from __future__ import annotations

import sqlite3

from mcpscope.store.sealing import tombstone

_STATEMENTS = (
    "DELETE FROM outcomes WHERE message_id IN (SELECT id FROM messages WHERE session_id = ?)",
    "DELETE FROM texts_always WHERE exchange_id IN (SELECT id FROM exchanges WHERE session_id = ?)",
    "DELETE FROM messages WHERE session_id = ?",
    "DELETE FROM bodies WHERE session_id = ?",
    "DELETE FROM notes WHERE session_id = ?",
    "DELETE FROM exchanges WHERE session_id = ?",
    "DELETE FROM definitions WHERE session_id = ?",
    "DELETE FROM streams WHERE session_id = ?",
    "DELETE FROM verdicts WHERE run_id IN (SELECT id FROM runs WHERE recording_id = ?)",
    "DELETE FROM runs WHERE recording_id = ?",
    "DELETE FROM revisions WHERE recording_id = ?",
    "UPDATE sessions SET replay_of = NULL WHERE replay_of = ?",
    "DELETE FROM sessions WHERE id = ?",
)
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


def remove_session(connection: sqlite3.Connection, id: int) -> None:
    """Delete the rows of one session; the caller holds the transaction.

    Its entries in the full-text index stay: they lead to ids that are never used again.
    """
    row = connection.execute("SELECT uid FROM sessions WHERE id = ?", (id,)).fetchone()
    tables = {name for (name,) in connection.execute(_TABLES)}
    for statement in _STATEMENTS:
        if statement.split()[2 if statement.startswith("DELETE") else 1] in tables:
            connection.execute(statement, (id,))
    if "seals" in tables and row is not None:
        tombstone(connection, id, row[0])
