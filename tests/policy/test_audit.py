"""The audit trail: what is in it, and that any change of the record is found and named."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcpscope.store.local_key import local_key
from mcpscope.store.schema import connect_ro
from mcpscope.store.seals import KEY_PURPOSE
from mcpscope.store.verifying import gone, read_heads, sealed_sessions, verify
from tests.program import Program, until
from tests.replay.conversation import ROOT, Client

SCOPE = [sys.executable, "-m", "mcpscope"]
MINTING = str(ROOT / "fixtures" / "servers" / "minting.py")
SERVER = ["sh", "-c", f"echo hello >&2; exec {sys.executable} {MINTING}"]
POLICY = """
version: 1
redact: [args.password]
rules:
  - {name: no wiping, match: "tool:wipe", action: deny, message: never}
  - {name: no eve, match: "tool:greet args.name:Eve", action: deny}
  - {name: noon, match: "tool:now", action: answer, answer: {result: {content: [{type: text, text: noon}]}}}
  - {name: bob, match: "tool:greet", action: edit, set: {params.arguments.name: Bob}}
  - {name: notes, match: "tool:create_note", action: allow}
"""


class Recorded:
    """A database that a policy was enforced over, and the state folder with its key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = folder / "scope.db"
        self.env = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}

    def run(self, *args: str, db: Path | None = None) -> subprocess.CompletedProcess[str]:
        argv = [*SCOPE, "--db", str(db or self.db), *args]
        return subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=60, cwd=ROOT)

    def verify(self, db: Path) -> tuple[int, list[str]]:
        """Exit code of ``audit verify``, and its findings as ``kind id: what``."""
        done = self.run("--json", "audit", "verify", db=db)
        assert done.stdout, done.stderr
        data = json.loads(done.stdout)["data"]
        found = [
            f"{item['kind']} {item['id']}: {item['what']}"
            for one in data["sessions"]
            for item in one["findings"]
        ]
        return done.returncode, [*found, *(f"gone {uid}" for uid in data["missing_sessions"]), *data["file"]]


def speak(recorded: Recorded, policy: Path, *options: str) -> None:
    os.environ["XDG_STATE_HOME"] = recorded.env["XDG_STATE_HOME"]
    client = Client(
        [*SCOPE, "--db", str(recorded.db), "proxy", "--policy", str(policy), *options, "--", *SERVER]
    )
    client.open()
    client.say("tools/list")
    made = client.call("create_note", text="milk", password="opensesame")["structuredContent"]["id"]
    client.call("read_note", id=made)
    client.call("wipe")
    client.call("greet", name="Ada")
    client.call("greet", name="Eve")
    client.call("now")
    client.send({"method": "notifications/cancelled", "params": {"requestId": 999}})
    client.say("ping")
    assert client.close() == 0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    found = Recorded(tmp_path_factory.mktemp("audit"))
    before = os.environ.get("XDG_STATE_HOME")
    policy = found.folder / "policy.yaml"
    policy.write_text(POLICY)
    try:
        speak(found, policy)
        speak(found, policy)
    finally:
        os.environ.pop("XDG_STATE_HOME")
        if before is not None:
            os.environ["XDG_STATE_HOME"] = before
    assert found.run("sessions", "list").returncode == 0  # takes in what is still in the journal
    yield found


@pytest.fixture
def copy(recorded: Recorded, tmp_path: Path) -> Path:
    target = tmp_path / "copy.db"
    source = sqlite3.connect(recorded.db)
    source.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    source.close()
    shutil.copy(recorded.db, target)
    return target


def test_an_untouched_copy_is_intact(recorded: Recorded, copy: Path) -> None:
    assert recorded.verify(copy) == (0, [])
    said = recorded.run("audit", "verify", db=copy).stdout
    assert said.count("as they were sealed") == 2


def flip_body(db: sqlite3.Connection) -> str:
    """One byte of the third message of the first session, in its block."""
    import zstandard

    id, body_id, at = db.execute(
        "SELECT id, body_id, body_at FROM messages ORDER BY id LIMIT 1 OFFSET 2"
    ).fetchone()
    encoding, size, data, dictionary = db.execute(
        "SELECT encoding, b.size, b.data, d.data FROM bodies AS b LEFT JOIN dictionaries AS d"
        " ON d.id = dictionary_id WHERE b.id = ?",
        (body_id,),
    ).fetchone()
    if encoding:
        known = zstandard.ZstdCompressionDict(dictionary or b"", dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        data = zstandard.ZstdDecompressor(dict_data=known).decompress(data, max_output_size=size)
    changed = bytearray(data)
    changed[at + 12] ^= 1
    db.execute(
        "UPDATE bodies SET encoding = 0, dictionary_id = NULL, data = ? WHERE id = ?",
        (bytes(changed), body_id),
    )
    return f"message {id}: its body was changed"


def flip_packed(db: sqlite3.Connection) -> str:
    """One byte in the middle of a compressed block."""
    id, data = db.execute("SELECT id, data FROM bodies ORDER BY length(data) DESC LIMIT 1").fetchone()
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 0x40
    db.execute("UPDATE bodies SET data = ? WHERE id = ?", (bytes(changed), id))
    return "message "


def sql(statement: str, expected: str) -> Callable[[sqlite3.Connection], str]:
    def act(db: sqlite3.Connection) -> str:
        values = dict(
            zip(
                "abcdefgh",
                (row[0] for row in db.execute("SELECT id FROM messages ORDER BY id")),
                strict=False,
            )
        )
        values["last"] = db.execute("SELECT max(id) FROM messages WHERE session_id = 1").fetchone()[0]
        values["denied"] = db.execute(
            "SELECT min(message_id) FROM outcomes WHERE outcome = 'denied'"
        ).fetchone()[0]
        values["edited"] = db.execute(
            "SELECT min(message_id) FROM outcomes WHERE outcome = 'edited'"
        ).fetchone()[0]
        for one in statement.format(**values).split(";"):
            db.execute(one)
        return expected.format(**values)

    return act


SWAP = """
    UPDATE messages SET id = -1 WHERE id = {c}; UPDATE messages SET id = {c} WHERE id = {d};
    UPDATE messages SET id = {d} WHERE id = -1
"""
SWAP_BODIES = """
    CREATE TEMP TABLE t AS SELECT id, body_id, body_at, size FROM messages WHERE id IN ({c}, {d});
    UPDATE messages SET (body_at, size) = (SELECT body_at, size FROM t WHERE id = {d}) WHERE id = {c};
    UPDATE messages SET (body_at, size) = (SELECT body_at, size FROM t WHERE id = {c}) WHERE id = {d}
"""
TRUNCATE = """
    DELETE FROM messages WHERE session_id = 1 AND id >= {f};
    DELETE FROM outcomes WHERE message_id NOT IN (SELECT id FROM messages);
    DELETE FROM exchanges WHERE session_id = 1 AND id >= {f};
    DELETE FROM notes WHERE session_id = 1 AND id >= {f}
"""
OUT = "UPDATE outcomes SET {} WHERE message_id = {{denied}} AND outcome = 'denied'"
TAMPERS: dict[str, Callable[[sqlite3.Connection], str]] = {
    "flipped byte in a body": flip_body,
    "flipped byte in a compressed block": flip_packed,
    "another time": sql("UPDATE messages SET at = at + 1 WHERE id = {c}", "message {c}: its at was changed"),
    "another direction": sql(
        "UPDATE messages SET dir = 's2c' WHERE id = {a}", "message {a}: its dir was changed"
    ),
    "another id": sql(
        "UPDATE messages SET rpc_id = '77' WHERE id = {a}", "message {a}: its rpc_id was changed"
    ),
    "another method": sql(
        "UPDATE messages SET method = 'x' WHERE id = {a}", "message {a}: its method was changed"
    ),
    "taken marks": sql("UPDATE messages SET marks = NULL WHERE marks IS NOT NULL", ": its marks was changed"),
    "another fate": sql(
        "UPDATE messages SET fate = NULL WHERE id = {denied}", "message {denied}: what became of it"
    ),
    "moved to another session": sql(
        "UPDATE messages SET session_id = 2 WHERE id = {c}", "message {c}: is missing"
    ),
    "deleted message": sql("DELETE FROM messages WHERE id = {c}", "message {c}: is missing"),
    "added message": sql(
        "INSERT INTO messages (id, session_id, at, dir, kind, size) VALUES (9000, 1, 5, 'c2s', 'request', 0)",
        "message 9000: was added",
    ),
    "swapped messages": sql(SWAP, "message {c}: stands where message {d} stood"),
    "swapped bodies": sql(SWAP_BODIES, "message {c}: its size, its body were changed"),
    "deleted outcome": sql(
        "DELETE FROM outcomes WHERE message_id = {denied}", "outcome of message {denied}: is missing"
    ),
    "swapped outcomes": sql(
        """
        UPDATE outcomes SET id = id - (SELECT sum(id) FROM outcomes WHERE message_id IN ({denied}, {edited}))
            WHERE message_id IN ({denied}, {edited});
        UPDATE outcomes SET id = -id WHERE id < 0
        """,
        "outcome of message {denied}: stands in another place",
    ),
    "another rule": sql(OUT.format("rule = 'bob'"), "outcome of message {denied}: its rule was changed"),
    "another outcome": sql(
        OUT.format("outcome = 'forwarded'"), "outcome of message {denied}: its outcome was changed"
    ),
    "another actor": sql(OUT.format("actor = 'ui'"), "outcome of message {denied}: its actor was changed"),
    "another time of decision": sql(
        OUT.format("at = at - 1"), "outcome of message {denied}: its at was changed"
    ),
    "another wait": sql(
        OUT.format("waited_ns = 5"), "outcome of message {denied}: its waited_ns was changed"
    ),
    "other values seen": sql(
        OUT.format("detail = '{{}}'"), "outcome of message {denied}: its detail was changed"
    ),
    "flipped byte in the bytes sent": sql(
        "UPDATE outcomes SET bytes = CAST(replace(CAST(bytes AS TEXT), 'Bob', 'Rob') AS BLOB)",
        "outcome of message {edited}: its bytes sent was changed",
    ),
    "another note": sql("UPDATE notes SET text = 'x' WHERE id = (SELECT min(id) FROM notes)", "note "),
    "deleted note": sql("DELETE FROM notes", ": is missing"),
    "another exchange": sql(
        "UPDATE exchanges SET status = 'ok' WHERE status = 'denied'", ": its status was changed"
    ),
    "another definition": sql(
        "UPDATE definitions SET body = '{{}}' WHERE name = 'greet'", "definition of message"
    ),
    "truncated tail": sql(TRUNCATE, "message {last}: is missing"),
    "truncated tail with its seals": sql(
        TRUNCATE + "; DELETE FROM seals WHERE session_id = 1 AND number > 0", "its last seals are missing"
    ),
    "truncated tail that pretends to run": sql(
        TRUNCATE + "; DELETE FROM seals WHERE session_id = 1 AND number > 0;"
        " UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE id = 1",
        "its end is cut off",
    ),
    "a seal in the middle": sql(
        "DELETE FROM seals WHERE session_id = 1 AND number = 1", "seal 1 is before it missing"
    ),
    "a changed seal": sql(
        "UPDATE seals SET entries = zeroblob(length(entries)) WHERE session_id = 1 AND number = 1",
        "seal 1: was changed",
    ),
    "all seals gone": sql("DELETE FROM seals WHERE session_id = 1", "all its seals are gone"),
    "another session row": sql(
        "UPDATE sessions SET client_name = 'x' WHERE id = 1", "its client_name was changed"
    ),
    "another end": sql(
        "UPDATE sessions SET ended_at = ended_at + 1 WHERE id = 1", "its ended_at was changed"
    ),
    "a session's row gone": sql("DELETE FROM sessions WHERE id = 1", "its row is missing"),
    "a whole session gone": sql(
        "DELETE FROM seals WHERE session_id = 1; DELETE FROM sessions WHERE id = 1;"
        " DELETE FROM messages WHERE session_id = 1",
        "gone ",
    ),
}


def checked(recorded: Recorded, db: Path, open_one: sqlite3.Connection | None = None) -> list[str]:
    """What the verification finds, in this process: a command costs a second."""
    state = recorded.folder / "state" / "mcpscope"
    key, heads = local_key(KEY_PURPOSE, str(state / "local.key")), read_heads(state / "audit.heads")
    connection = open_one or connect_ro(db)
    found = [f"gone {uid}" for uid in gone(connection, heads)]
    for id in sealed_sessions(connection):
        one = verify(connection, id, key, heads)
        found += [] if one is None else [f"{item.kind} {item.id}: {item.what}" for item in one.findings]
    if open_one is None:
        connection.close()
    return found


@pytest.mark.parametrize("tamper", TAMPERS)
def test_a_change_of_the_record_is_found_and_named(recorded: Recorded, copy: Path, tamper: str) -> None:
    db = sqlite3.connect(copy)
    expected = TAMPERS[tamper](db)
    db.commit()
    db.close()
    found = checked(recorded, copy)
    assert any(expected in text for text in found), (expected, found)


@pytest.mark.parametrize(
    "tamper", ["deleted message", "truncated tail that pretends to run", "a whole session gone"]
)
def test_the_command_names_it_and_exits_with_1(recorded: Recorded, copy: Path, tamper: str) -> None:
    db = sqlite3.connect(copy)
    expected = TAMPERS[tamper](db)
    db.commit()
    db.close()
    code, found = recorded.verify(copy)
    assert code == 1 and any(expected in text for text in found), (expected, found)
    said = recorded.run("audit", "verify", db=copy).stdout
    assert "NOT as it was sealed" in said or "missing as a whole" in said
    assert recorded.run("audit", "verify", "#2", db=copy).returncode == 0


def test_every_decision_is_in_the_trail_with_its_rule_and_what_it_saw(recorded: Recorded) -> None:
    rows = json.loads(recorded.run("--json", "audit", "list", "#1", "--all").stdout)["data"]
    decided = {(row["tool"], row["outcome"]): row for row in rows if row["actor"] == "rule"}
    assert decided["wipe", "denied"]["rule"] == "no wiping"
    assert decided["greet", "denied"]["saw"] == {"tool": "greet", "args.name": "Eve"}
    assert decided["greet", "edited"]["rule"] == "bob"
    assert decided["now", "answered"]["rule"] == "noon"
    assert decided["create_note", "forwarded"]["rule"] == "notes"
    assert all(len(row["policy"]) == 16 for row in rows)
    methods = [row["method"] for row in rows]
    assert methods.count("tools/call") == len([row for row in rows if row["method"] == "tools/call"])
    ids = {row["message"] for row in rows}
    db = sqlite3.connect(recorded.db)
    assert ids == {id for (id,) in db.execute("SELECT id FROM messages WHERE session_id = 1")}
    text = recorded.run("audit", "list").stdout
    assert "no wiping" in text and "Eve" in text and "opensesame" not in text


def test_an_export_of_the_trail_says_whether_it_stands(
    recorded: Recorded, copy: Path, tmp_path: Path
) -> None:
    target = tmp_path / "trail.jsonl"
    assert recorded.run("audit", "export", "#1", "-o", str(target), db=copy).returncode == 0
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert lines[0]["audit"] == 1 and lines[0]["intact"] and lines[0]["head"] == lines[-1]["head"]
    assert lines[-1]["lines"] == len(lines) - 2 and target.stat().st_mode & 0o777 == 0o600
    assert "opensesame" not in target.read_text()
    db = sqlite3.connect(copy)
    db.execute("DELETE FROM outcomes")
    db.commit()
    db.close()
    done = recorded.run("audit", "export", "#1", db=copy)
    assert done.returncode == 1 and not json.loads(done.stdout.splitlines()[0])["intact"]


def test_another_key_cannot_check_and_says_so(recorded: Recorded, copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_bytes(bytes(32))
    done = recorded.run("audit", "verify", "--key", str(other), db=copy)
    assert done.returncode == 5 and "another key" in done.stdout
    own = recorded.folder / "state" / "mcpscope" / "local.key"
    assert own.stat().st_mode & 0o777 == 0o600
    assert recorded.run("audit", "verify", "--key", str(own), db=copy).returncode == 0


def test_removing_a_session_leaves_the_others_verifiable(recorded: Recorded, copy: Path) -> None:
    assert recorded.run("sessions", "rm", "#1", "--yes", db=copy).returncode == 0
    assert recorded.verify(copy) == (0, [])
    data = json.loads(recorded.run("--json", "audit", "verify", db=copy).stdout)["data"]
    assert [one["session"] for one in data["sessions"]] == [2]


def test_remarks_names_and_marks_are_people_s_and_change_nothing_sealed(
    recorded: Recorded, copy: Path
) -> None:
    from mcpscope.store import remarks

    db = sqlite3.connect(copy)
    (exchange,) = db.execute("SELECT id FROM exchanges WHERE status = 'denied' LIMIT 1").fetchone()
    db.close()
    remarks.remark(copy, exchange, "why?", actor="me")
    remarks.mark(copy, exchange, on=True)
    remarks.name_session(copy, 1, "baseline")
    remarks.note_session(copy, 1, "a note")
    assert recorded.verify(copy) == (0, [])


def test_a_session_without_a_policy_is_not_sealed(program: Program) -> None:
    done = program.run("--", "cat", input=b'{"jsonrpc":"2.0","method":"a"}\n')
    assert done.returncode == 0
    until(lambda: program.run("audit", "verify").returncode == 0)
    assert b"no session was recorded under a policy" in program.run("audit", "verify").stderr


@pytest.mark.parametrize("victims", ["proxy", "all"])
def test_a_killed_session_verifies_with_an_open_end(program: Program, tmp_path: Path, victims: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    process = program.popen("proxy", "--policy", str(policy), "--", *SERVER)
    assert process.stdin and process.stdout
    for number in range(5):
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": number, "method": "ping"}
        process.stdin.write(json.dumps(body).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
    until(lambda: program.db.exists())
    if victims == "all":
        children = subprocess.run(
            ["pgrep", "-P", str(process.pid)], capture_output=True, text=True
        ).stdout.split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
    process.kill()
    process.wait()

    def verified() -> bytes:
        return program.run("audit", "verify").stdout

    until(lambda: b"open end" in verified())
    data = json.loads(program.run("--json", "audit", "verify").stdout)["data"]
    assert data["intact"] and data["sessions"][0]["end"] == "open" and data["sessions"][0]["rows"] >= 10


def test_an_imported_session_is_not_taken_for_one_that_lost_its_seals(
    recorded: Recorded, tmp_path: Path
) -> None:
    lines = tmp_path / "one.jsonl"
    assert (
        recorded.run("export", "#1", "--format", "jsonl", "--with-secrets", "-o", str(lines)).returncode == 0
    )
    other = tmp_path / "other.db"
    assert recorded.run("import", str(lines), db=other).returncode == 0
    assert recorded.verify(other) == (0, [])


VALUES = ("NULL", "'x'", "x'00ff'", "1.5", "-1", "4611686018427387904", "''")
TABLES = ("messages", "outcomes", "notes", "bodies", "exchanges", "definitions", "sessions", "seals")
# What is people's, where a row lies, and what nothing reads.
FREE = {
    *(("sessions", name) for name in ("name", "note", "replay_of")),
    *(("bodies", name) for name in ("session_id", "encoding", "size")),
    *((name, "id") for name in ("outcomes", "definitions")),
}


def test_no_column_can_be_changed_unseen(recorded: Recorded, copy: Path, soak: bool) -> None:
    db = sqlite3.connect(copy, isolation_level=None)
    chance = random.Random(7)
    columns = [
        (table, row[1])
        for table in TABLES
        for row in db.execute(f"PRAGMA table_info({table})").fetchall()
        if (table, row[1]) not in FREE
    ]
    cases = [(*place, value) for place in columns for value in VALUES]
    for table, column, value in cases if soak else chance.sample(cases, 40):
        pick = f"SELECT * FROM {table} ORDER BY random() LIMIT 1"
        before = db.execute(pick).fetchone()
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        key = names[:2] if table == "seals" else names[:1]
        where = " AND ".join(f"{name} = {before[names.index(name)]}" for name in key)
        db.execute("SAVEPOINT one")
        try:
            db.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}")
            after = db.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
        except sqlite3.IntegrityError:
            after = (before[names.index(column)],)
        was = before[names.index(column)]
        same = after is not None and (after[0] == was or (column == "flags" and not (after[0] or was)))
        if not same:
            assert checked(recorded, copy, db), (table, column, value, before)
        db.execute("ROLLBACK TO one")
        db.execute("RELEASE one")
