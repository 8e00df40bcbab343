"""The sessions of a database: listed, and found by what a person calls them."""

from __future__ import annotations

import difflib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mcpscope.errors import Exit, ScopeError
from mcpscope.store.listed import is_inferred
from mcpscope.store.schema import check, connect_ro

_COLUMNS = """
    SELECT id, uid, coalesce(name, ''), coalesce(label, ''), coalesce(command, ''), coalesce(url, ''),
           coalesce(client_name, ''), coalesce(client_version, ''), coalesce(server_name, ''),
           coalesce(server_version, ''), coalesce(revision, ''), coalesce(era, ''),
           coalesce(client_transport, ''), coalesce(server_transport, ''), coalesce(record_mode, ''), pid,
           started_at, ended_at, coalesce(end_reason, ''), exit_code, messages, exchanges, bytes,
           lost_messages, lost_bytes, gaps, coalesce(note, ''), journal IS NULL,
           coalesce((SELECT c.id FROM sessions AS c WHERE c.journal = sessions.journal
                     AND c.number = json_extract(sessions.detail, '$.gateway.client_session')), 0)
    FROM sessions
"""
_FATES = "SELECT fate, count(*) FROM messages WHERE session_id = ? AND fate IS NOT NULL GROUP BY fate"
_STATUSES = "SELECT status, count(*) FROM exchanges WHERE session_id = ? GROUP BY status"
_GAPS = "SELECT at, text FROM notes WHERE session_id = ? AND kind = 'gap' ORDER BY id LIMIT 100"
_WORDS = "SELECT name FROM sessions WHERE name != '' UNION SELECT label FROM sessions WHERE label != ''"
SHORTEST_UID = 6


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One recorded session; times are unix ns, ``command`` is JSON, texts are not safe to show."""

    id: int
    uid: str
    name: str
    label: str
    command: str
    url: str
    client_name: str
    client_version: str
    server_name: str
    server_version: str
    revision: str
    era: str
    client_transport: str
    server_transport: str
    record_mode: str
    pid: int | None
    started_at: int
    ended_at: int | None
    end_reason: str
    exit_code: int | None
    messages: int
    exchanges: int
    bytes: int
    lost_messages: int
    lost_bytes: int
    gaps: int
    note: str
    imported: bool
    """Whether it came from a file; 0 or 1 as SQLite says it."""
    client_session: int
    """The id of the client's session that this one, with an upstream of a gateway, serves; 0 for none."""

    @property
    def inferred(self) -> bool:
        """See ``is_inferred``."""
        return is_inferred(self.era, self.client_transport)

    @property
    def ending(self) -> str:
        """How it ended, in words: "running", "clean", "server exit 3", "killed: found at next start"."""
        if self.ended_at is None:
            return "running"
        if self.end_reason == "killed":
            return "killed: found at next start"
        if self.end_reason == "server exit":
            return f"server exit {self.exit_code}" if self.exit_code is not None else "server exit"
        return self.end_reason or "ended"


class Directory:
    """Sessions over an open connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def newest(self, limit: int = -1) -> list[SessionInfo]:
        """The sessions that began last, the newest first; -1 is all of them."""
        rows = self._connection.execute(_COLUMNS + "ORDER BY id DESC LIMIT ?", (limit,))
        return [SessionInfo(*row) for row in rows]

    def find(self, word: str) -> SessionInfo:
        """The session that ``word`` means: its number, name, the newest with that label, the start of a uid.

        ``last`` is the newest one. Raises ScopeError with the nearest name if there is none.
        """
        for condition, value in _meanings(word):
            row = self._connection.execute(
                f"{_COLUMNS} WHERE {condition} ORDER BY id DESC LIMIT 1", value
            ).fetchone()
            if row is not None:
                return SessionInfo(*row)
        known = [str(row[0]) for row in self._connection.execute(_WORDS)]
        near = difflib.get_close_matches(word, known, n=1)
        raise ScopeError(
            f"no session or recording called {word!r}",
            code="no_session",
            exit=Exit.STORE,
            hint=f"did you mean {near[0]}?" if near else "mcpscope sessions list",
        )

    def fates(self, session: int) -> dict[str, int]:
        """How many messages were not forwarded for certain, by fate."""
        return dict(self._connection.execute(_FATES, (session,)).fetchall())

    def of_journal(self, journal: str) -> list[SessionInfo]:
        """The sessions that come from one journal, oldest first."""
        rows = self._connection.execute(f"{_COLUMNS} WHERE journal = ? ORDER BY id", (journal,))
        return [SessionInfo(*row) for row in rows]

    def journal_is_complete(self, journal: str) -> bool:
        """Whether everything that a proxy wrote is stored, and nothing more will come."""
        row = self._connection.execute("SELECT ended FROM journals WHERE uid = ?", (journal,)).fetchone()
        return row is not None and bool(row[0])

    def statuses(self, session: int) -> dict[str, int]:
        """How many exchanges ended in which way."""
        return dict(self._connection.execute(_STATUSES, (session,)).fetchall())

    def gaps(self, session: int) -> list[tuple[int, bytes]]:
        """When and how something was not recorded: (unix ns, text)."""
        return [(at, bytes(text)) for at, text in self._connection.execute(_GAPS, (session,))]


def _meanings(word: str) -> list[tuple[str, tuple[object, ...]]]:
    found: list[tuple[str, tuple[object, ...]]] = [("name = ?", (word,))]
    number = word.removeprefix("#")
    if number.isdigit() and len(number) < 19:
        found.append(("id = ?", (int(number),)))
    found += [("label = ?", (word,)), ("uid = ?", (word,))]
    if len(word) >= SHORTEST_UID:
        found.append(("substr(uid, 1, ?) = ?", (len(word), word)))
    if word == "last":
        found.append(("1", ()))
    return found


def of_journal(path: Path, journal: str) -> list[SessionInfo]:
    """The sessions that came from one journal; none where the database cannot be read."""
    try:
        connection = connect_ro(path)
    except sqlite3.Error:
        return []
    try:
        check(connection, path)
        return Directory(connection).of_journal(journal)
    except (sqlite3.Error, ScopeError):
        return []
    finally:
        connection.close()


def stored_of(path: Path, journal: str) -> tuple[int, int]:
    """Segment and offset up to which a journal is stored; zeros where nothing is, or cannot be read."""
    try:
        with closing(connect_ro(path)) as connection:
            query = "SELECT segment, offset FROM journals WHERE uid = ?"
            return connection.execute(query, (journal,)).fetchone() or (0, 0)
    except sqlite3.Error:
        return 0, 0
