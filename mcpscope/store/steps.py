"""The steps that bring a database from nothing to this version, in their order; migrations by their names."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from mcpscope.store.layout import APPLICATION_ID, SCHEMA_VERSION
from mcpscope.store.rare import INDEXES
from mcpscope.store.tables import PINS, REPLAYS, SEALS, STATES, TABLES, TEXTS, TEXTS_STATE, VIEWS

# What sqlite-utils keeps of applied migrations, word for word: a database made here is migrated there.
_APPLIED = (
    'CREATE TABLE "_sqlite_migrations" (\n   "id" INTEGER PRIMARY KEY,\n   "migration_set" TEXT,\n'
    '   "name" TEXT,\n   "applied_at" TEXT\n)',
    'CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"\n'
    '    ON "_sqlite_migrations" ("migration_set", "name")',
)
_APPLY = "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)"
MIGRATION_SET: Final = "mcpscope"


class Executes(Protocol):
    """A connection of sqlite3, or a Database of sqlite-utils."""

    def execute(self, sql: str, /) -> Any: ...


def m001_first_version(db: Executes) -> None:
    """Tables, indexes and views of the first version."""
    for statement in TABLES + VIEWS:
        db.execute(statement)


def m002_full_text(db: Executes) -> None:
    """The full-text index, empty; an SQLite without FTS5 or trigrams does without it."""
    try:
        db.execute(TEXTS)
    except sqlite3.OperationalError:
        return
    for statement in TEXTS_STATE:
        db.execute(statement)


def m003_replays(db: Executes) -> None:
    """Runs of recordings with their verdicts, and what reviews have settled."""
    for statement in REPLAYS:
        db.execute(statement)


def m004_states(db: Executes) -> None:
    """What a recorder knows of each running session, a row a session: an HTTP proxy may have hundreds."""
    db.execute(STATES)


def m005_pins(db: Executes) -> None:
    """The definitions of tools that a person has accepted, for each server by its label."""
    db.execute(PINS)


def m006_rare(db: Executes) -> None:
    """Indexes of what is rare: a filter that finds nothing need not read every exchange to say so."""
    for index in INDEXES:
        db.execute(index.statement)


def m007_seals(db: Executes) -> None:
    """The chain over what was recorded under a policy."""
    db.execute(SEALS)


STEPS: Final[tuple[Callable[[Executes], None], ...]] = (
    m001_first_version,
    m002_full_text,
    m003_replays,
    m004_states,
    m005_pins,
    m006_rare,
    m007_seals,
)


def prepare(connection: sqlite3.Connection) -> None:
    """What has an effect on an empty file only, and only before the first table."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")


def mark(connection: sqlite3.Connection) -> None:
    """The file is ours, and of this version: ``user_version`` counts the steps that are done."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def create(connection: sqlite3.Connection) -> None:
    """All steps at once in an empty file, all or nothing; the caller holds the schema lock."""
    prepare(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _APPLIED:
            connection.execute(statement)
        for step in STEPS:
            step(connection)
            connection.execute(_APPLY, (MIGRATION_SET, step.__name__, str(datetime.now(UTC))))
        mark(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
