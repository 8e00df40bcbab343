"""Brings an older database to this version; run in a process of its own by ``schema``.

sqlite-utils costs more to import than a recorder may weigh, and a database is migrated once: so the
recorder and the readers compare ``user_version`` and start this module only where there is work.
"""

from __future__ import annotations

import sqlite3
import sys

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from mcpscope.store.steps import MIGRATION_SET, STEPS, mark, prepare

migrations = Migrations(MIGRATION_SET)
for _step in STEPS:
    migrations()(_step)


def migrate(path: str) -> None:
    """Apply what is pending; the caller holds the schema lock."""
    connection = sqlite3.connect(path, timeout=60)
    try:
        prepare(connection)
        migrations.apply(Database(connection))
        mark(connection)
        connection.commit()
    finally:
        connection.close()


if __name__ == "__main__":
    migrate(sys.argv[1])
