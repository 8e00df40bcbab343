"""``mcpscope sql``: questions over the views, and what is refused."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.program import Program
from tests.store import made


@pytest.fixture
def recorded(program: Program) -> Program:
    made.database(program.db, 40, seed=3)
    return program


def test_views_are_listed_and_asked(recorded: Program) -> None:
    assert b"v_exchanges: id, session_id" in recorded.run("sql").stdout
    counted = recorded.run("sql", "SELECT count(*) AS n FROM v_exchanges")
    assert counted.stdout.decode().split() == ["n", "40"]
    found = json.loads(recorded.run("--json", "sql", "SELECT id, name FROM v_sessions ORDER BY 1").stdout)
    assert found["data"] == {"columns": ["id", "name"], "rows": [[1, "baseline"], [2, None], [3, "other"]]}


def test_the_bytes_of_messages_are_within_reach(recorded: Program) -> None:
    question = (
        "SELECT json_extract(body(id), '$.method') AS m FROM v_messages WHERE json_valid(body(id)) AND m > ''"
    )
    done = recorded.run("sql", "--format", "jsonl", question)
    assert {json.loads(line)["m"] for line in done.stdout.splitlines()} >= {"tools/call", "ping"}, done.stderr


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("DELETE FROM sessions", 2),
        ("ATTACH '/tmp/x' AS x", 2),
        ("PRAGMA journal_mode = DELETE", 2),
        ("SELECT * FROM bodies", 2),
        ("SELECT load_extension('x')", 2),
        ("SELECT 1; SELECT 2", 2),
        ("SELEC", 2),
        ("SELECT nothing FROM v_sessions", 2),
        ("CREATE TABLE t (x)", 2),
        ("BEGIN", 2),
    ],
)
def test_only_questions_over_the_views_are_taken(recorded: Program, question: str, code: int) -> None:
    before = recorded.db.read_bytes()
    done = recorded.run("sql", question)
    assert done.returncode == code and done.stdout == b""
    assert done.stderr.startswith(b"error: ") and b"Traceback" not in done.stderr
    assert recorded.db.read_bytes() == before


def test_a_question_without_end_is_given_up(recorded: Program) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    done = recorded.run("sql", "--timeout", "300ms", endless)
    assert done.returncode == 124 and b"longer than 0.3 s" in done.stderr


def test_hostile_text_reaches_no_terminal(recorded: Program) -> None:
    hostile = "a\x1b]0;x\x07\u202eb\x9b"
    with sqlite3.connect(recorded.db) as connection:
        connection.execute("UPDATE sessions SET name = ? WHERE id = 1", (hostile,))
    for form in ("text", "json", "jsonl", "csv"):
        shown = recorded.run(
            "sql", "--format", form, "SELECT name FROM v_sessions WHERE name > 'a'"
        ).stdout.decode()
        assert shown.replace("\r\n", "\n").replace("\n", "").isprintable(), form
    assert json.loads(recorded.run("sql", "--json", "SELECT name FROM v_sessions").stdout)["data"]["rows"][
        0
    ] == [hostile]
