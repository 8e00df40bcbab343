"""What of a running session a server that takes the place of another has to be told, and what was owed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcpscope.errors import ScopeError
from mcpscope.store.lag import waiting_since
from mcpscope.store.pages import Pages
from mcpscope.store.reader import Reader

SAID_AGAIN = (
    *("initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"),
    "subscriptions/listen",
)
_SAID = """
    SELECT coalesce(e.request_id, e.id) FROM exchanges e JOIN sessions s ON s.id = e.session_id
    WHERE s.journal = ? AND s.number = ? AND e.dir = 'c2s' AND e.method IN ({marks})
      AND (e.method != 'subscriptions/listen' OR e.ended_at IS NULL) ORDER BY e.id
"""
_OWED = """
    SELECT coalesce(e.request_id, e.id) FROM exchanges e JOIN sessions s ON s.id = e.session_id
    WHERE s.journal = ? AND s.number = ? AND e.dir = ? AND e.kind = 'request' AND e.ended_at IS NULL
      AND e.answer_id IS NULL AND e.status != 'held' ORDER BY e.id
"""
_MODERN = "SELECT count(*) FROM sessions WHERE journal = ? AND number = ? AND era = 'modern'"


@dataclass(frozen=True, slots=True)
class Standing:
    """Bytes of messages: what the client said that stands, and who waits for an answer on either side."""

    said: Sequence[bytes]
    owed_to_client: Sequence[bytes]
    owed_to_server: Sequence[bytes]
    modern: bool = False


def is_stored(path: Path, folder: Path, uid: str, before: int) -> bool:
    """Whether all that was journalled in ``folder`` before then (unix ns) is in the database."""
    try:
        pages = Pages(path)
    except (ScopeError, OSError, sqlite3.Error):
        return False  # it is being made
    try:
        since = waiting_since(pages, folder, uid)
        return since is None or since > before
    except sqlite3.OperationalError:
        return False
    finally:
        pages.close()


def read_standing(path: Path, uid: str, number: int) -> Standing:
    """Of session ``number`` in the journal ``uid``, as far as it has been stored."""
    try:
        reader = Reader(path)
    except (ScopeError, sqlite3.Error):
        return Standing((), (), ())
    try:

        def bodies(query: str, *values: object) -> list[bytes]:
            rows = reader.connection.execute(query, (uid, number, *values)).fetchall()
            return [body for (id,) in rows if (body := reader.body(id))]

        said = _SAID.format(marks=", ".join("?" for _ in SAID_AGAIN))
        (modern,) = reader.connection.execute(_MODERN, (uid, number)).fetchone()
        return Standing(
            bodies(said, *SAID_AGAIN), bodies(_OWED, "c2s"), bodies(_OWED, "s2c"), modern=bool(modern)
        )
    except sqlite3.OperationalError:
        return Standing((), (), ())  # nothing has been stored yet
    finally:
        reader.close()
