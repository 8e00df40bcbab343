"""The named migrations that bring a database to this version; run in a process of their own by ``schema``.

sqlite-utils costs more to import than a recorder may weigh, and a database is migrated once: so the
recorder and the readers compare ``user_version`` and start this module only where there is work.
"""

from __future__ import annotations

import sqlite3
import sys

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from mcpscope.store.rare import INDEXES
from mcpscope.store.schema import APPLICATION_ID, SCHEMA_VERSION
from mcpscope.store.tables import PINS, REPLAYS, SEALS, STATES, TABLES, TEXTS, TEXTS_STATE, VIEWS

migrations = Migrations("mcpscope")


@migrations()
def m001_first_version(db: Database) -> None:
    """Tables, indexes and views of the first version."""
    for statement in TABLES + VIEWS:
        db.execute(statement)


@migrations()
def m002_full_text(db: Database) -> None:
    """The full-text index, empty; an SQLite without FTS5 or trigrams does without it."""
    try:
        db.execute(TEXTS)
    except sqlite3.OperationalError:
        return
    for statement in TEXTS_STATE:
        db.execute(statement)


@migrations()
def m003_replays(db: Database) -> None:
    """Runs of recordings with their verdicts, and what reviews have settled."""
    for statement in REPLAYS:
        db.execute(statement)


@migrations()
def m004_states(db: Database) -> None:
    """What a recorder knows of each running session, a row a session: an HTTP proxy may have hundreds."""
    db.execute(STATES)


@migrations()
def m005_pins(db: Database) -> None:
    """The definitions of tools that a person has accepted, for each server by its label."""
    db.execute(PINS)


@migrations()
def m006_rare(db: Database) -> None:
    """Indexes of what is rare: a filter that finds nothing need not read every exchange to say so."""
    for index in INDEXES:
        db.execute(index.statement)


@migrations()
def m007_seals(db: Database) -> None:
    """The chain over what was recorded under a policy."""
    db.execute(SEALS)


def migrate(path: str) -> None:
    """Apply what is pending; the caller holds the schema lock. ``user_version`` counts what is applied."""
    connection = sqlite3.connect(path, timeout=60)
    try:
        # Has an effect on an empty file only, and only before the first table.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        migrations.apply(Database(connection))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.commit()
    finally:
        connection.close()


if __name__ == "__main__":
    migrate(sys.argv[1])
