"""A recorded session as lines and back: the same bytes, outcomes, notes, HTTP facts and exchanges."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.demo.frozen import build
from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.errors import ScopeError
from mcpscope.exports.masks import Masks
from mcpscope.store import jsonl, remarks, schema
from mcpscope.store.reader import Reader
from mcpscope.store.records import Dir, RecordType
from mcpscope.store.recovery import recover
from mcpscope.store.taking_in import take_in
from mcpscope.store.writing_out import NoMask, session_lines
from tests.program import ROOT
from tests.store.journals import TestJournal

ODD = [
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n":12345678901234567890}}',
    b'{ "jsonrpc" : "2.0" , "id" : 1.0, "method":"x/y", "id":1, "params":{"name":"\\ud83c\\udf88\\/"}}',
    b"\xff\xfe not UTF-8 \x00\x01",
    b"Listening on stdio \xe2\x80\xae\x1b[31m",
    b'{"jsonrpc":"2.0","id":"7","method":"tools/list","nan":NaN}',
    b'[{"jsonrpc":"2.0","id":2,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"}]',
    b'{"lone":"\\ud800","method":"x"}',
    b'\xef\xbb\xbf{"jsonrpc":"2.0","id":9,"method":"ping"}',
    b'{"deep":' + b"[" * 3000 + b"]" * 3000 + b"}",
]


def recorded(db: Path) -> int:
    """A session with everything that a journal can say; returns its id."""
    journal = TestJournal(db)
    journal.open_session(record_name="first take", client_transport="http", env={"API_KEY": "abc"})
    journal.say(
        RecordType.STREAM_OPEN,
        {"method": "POST", "headers": [["Authorization", "Bearer verysecret1"]]},
        stream=4,
    )
    for raw in ODD:
        journal.c2s(raw + b"\n")
    journal.s2c(b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n')
    at = journal.write(
        RecordType.MESSAGE, b'{"jsonrpc":"2.0","id":20,"method":"tools/call","params":{}}', Dir.TO_SERVER
    )
    for word, sent in ((Word.HELD, None), (Word.EDITED, b'{"jsonrpc":"2.0","id":20,"method":"tools/call"}')):
        outcome = Outcome(at, word, journal.at, "ui pts/3", "a rule", 5_000_000, sent, {"why": "token"})
        journal.write(RecordType.OUTCOME, outcome.to_record(), Dir.TO_SERVER)
    journal.write(
        RecordType.SENT, b'{"jsonrpc":"2.0","id":20,"error":{"code":-32000,"message":"no"}}', Dir.TO_CLIENT
    )
    journal.write(RecordType.STDERR, b"warn\xffing\nsecond line\n")
    journal.say(RecordType.NOTE, {"kind": "remark", "text": "look here", "exchange": 2})
    journal.say(RecordType.GAP, {"messages": 3, "bytes": 99, "reason": "disk full"})
    journal.say(RecordType.HTTP, {"status": 200, "headers": [["Set-Cookie", "sid=123456"]]}, stream=4)
    journal.c2s(b'{"jsonrpc":"2.0","id":5,"method":"ping"}', stream=4)
    journal.say(RecordType.STREAM_CLOSE, {"closed_by": "client"}, stream=4)
    journal.say(RecordType.SESSION_CLOSE, {"reason": "server exit", "exit_code": 0})
    journal.close()
    recover(db)
    with closing(schema.connect_ro(db)) as connection:
        return int(connection.execute("SELECT id FROM sessions").fetchone()[0])


def lines_of(db: Path, session: int, mask: Any = None, **options: Any) -> list[bytes]:
    with closing(schema.connect_ro(db)) as connection:
        return list(session_lines(connection, session, mask or NoMask(), **options))


def rows_of(db: Path, session: int) -> dict[str, list[tuple[Any, ...]]]:
    """Everything of a session but its ids."""
    queries = {
        "sessions": "SELECT name, label, json(command), started_at, ended_at, end_reason, exit_code, gaps,"
        " lost_messages, messages, exchanges, bytes FROM sessions WHERE id = ?",
        "messages": "SELECT at, dir, stream, kind, method, rpc_id, size, marks, fate, origin,"
        " id - exchange_id FROM messages WHERE session_id = ? ORDER BY id",
        "outcomes": "SELECT o.at, outcome, actor, rule, waited_ns, bytes, detail, m.at FROM outcomes AS o"
        " JOIN messages AS m ON m.id = o.message_id WHERE m.session_id = ? ORDER BY o.id",
        "exchanges": "SELECT kind, dir, method, tool, name, rpc_id, status, code, opened_at, ended_at,"
        " req_bytes, res_bytes, flags, legs, summary, stream, answer_id - id FROM exchanges"
        " WHERE session_id = ? ORDER BY id",
        "notes": "SELECT at, kind, text FROM notes WHERE session_id = ? ORDER BY id",
        "streams": "SELECT stream, opened_at, closed_at, open -> '$.headers', open -> '$.method',"
        " facts -> '$.status', facts -> '$.headers', json(close) FROM streams WHERE session_id = ?",
        "definitions": "SELECT at, kind, name, digest, body FROM definitions WHERE session_id = ?",
    }
    with closing(schema.connect_ro(db)) as connection:
        return {name: connection.execute(query, (session,)).fetchall() for name, query in queries.items()}


def test_export_and_import_give_the_same_session(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "db", tmp_path / "b" / "db"
    session = recorded(here)
    remarks.mark(here, 2, on=True)
    remarks.remark(here, 3, "odd", actor="test")
    first = lines_of(here, session)
    found = take_in(there, first)
    assert found.complete and found.name == "first take"
    assert lines_of(there, found.session_id) == first
    now, was = rows_of(there, found.session_id), rows_of(here, session)
    for table in was:
        for left, right in zip(now[table], was[table], strict=True):
            assert left == right, table
    frames = [[frame.raw for frame in Reader(db).frames()] for db in (here, there)]
    assert frames[0] == frames[1] and set(ODD) <= set(frames[0])


def test_what_was_noticed_of_a_tool_that_changed_is_not_noted_twice(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "db", tmp_path / "b" / "db"
    build(here)  # its weather tool is listed again with another description
    first = lines_of(here, 1)
    assert sum(b'"note":"drift"' in line for line in first) == 1
    assert lines_of(there, take_in(there, first).session_id) == first


def test_a_recording_of_every_released_format_comes_out_as_the_same_lines_behind_a_new_header(
    tmp_path: Path,
) -> None:
    kept = sorted((ROOT / "fixtures" / "recordings").glob("format-*.jsonl"))
    assert kept
    for file in kept:
        lines = file.read_bytes().splitlines(keepends=True)
        found = take_in(tmp_path / f"{file.stem}.db", lines)
        assert found.complete and found.messages == json.loads(lines[-1])["end"]["messages"]
        assert lines_of(tmp_path / f"{file.stem}.db", found.session_id)[1:] == lines[1:]


def test_a_remark_is_still_about_its_exchange(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "db", tmp_path / "b" / "db"
    session = recorded(here)
    take_in(there, lines_of(here, session))
    second = take_in(there, lines_of(here, session), name="second")
    with closing(schema.connect_ro(there)) as connection:
        query = (
            "SELECT m.id - (SELECT min(id) FROM messages WHERE session_id = ?1) FROM notes AS n"
            " JOIN messages AS m ON m.id = json_extract(n.detail, '$.exchange') AND m.session_id = ?1"
            " WHERE n.kind = 'remark' AND n.session_id = ?1"
        )
        assert connection.execute(query, (second.session_id,)).fetchall() == [(1,)]


def test_every_line_is_one_line_of_json_with_sorted_members(tmp_path: Path) -> None:
    lines = lines_of(tmp_path / "db", recorded(tmp_path / "db"))
    for line in lines:
        said = json.loads(line)
        assert line.count(b"\n") == 1 and list(said) == sorted(said)
    assert json.loads(lines[0])["version"] == 2
    assert json.loads(lines[-1]) == {"end": {"masked": 0, "messages": len(ODD) + 4}}


def test_a_part_of_a_session_travels_alone(tmp_path: Path) -> None:
    session = recorded(tmp_path / "db")
    some = lines_of(tmp_path / "db", session, only={2})
    assert sum(b'"dir"' in line for line in some) == 2
    assert not any(b'"stream"' in line or b'"outcome"' in line for line in some)


def test_secrets_stay_here_unless_asked_for(tmp_path: Path) -> None:
    masks = Masks()
    masked = b"".join(lines_of(tmp_path / "db", recorded(tmp_path / "db"), masks))
    assert b"verysecret1" not in masked and b"123456" in masked.replace(b"sid=123456", b"!!")
    assert b"sid=123456" not in masked and b'"API_KEY":"abc"' not in masked
    assert json.loads(masked.splitlines()[-1])["end"]["masked"] == masks.count >= 3


def test_what_a_terminal_shows_has_nothing_it_obeys_and_comes_back(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "db", tmp_path / "b" / "db"
    shown = lines_of(here, recorded(here), make_line=jsonl.shown_line)
    assert b"".join(shown).decode().replace("\n", "").isprintable()
    take_in(there, shown)
    assert [f.raw for f in Reader(there).frames()] == [f.raw for f in Reader(here).frames()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[1:], "no header"),
        (lambda lines: [], "no header"),
        (lambda lines: [lines[0].replace(b'"version":2', b'"version":3'), *lines[1:]], "format 3"),
        (lambda lines: [*lines[:3], b"not json\n", *lines[3:]], "line 4: this is not JSON"),
        (lambda lines: [*lines[:3], b"[1]\n"], "line 4: this is not an object"),
        (lambda lines: [*lines[:3], b'{"x":1}\n'], "line 4: this is neither"),
        (lambda lines: [*lines[:3], b'{"at":1,"dir":"c2s"}\n'], "line 4: a message without"),
        (
            lambda lines: [*lines[:3], b'{"at":1,"of":1,"outcome":"eaten"}\n'],
            "line 4: 'eaten' is not an outcome",
        ),
        (lambda lines: [*lines[:3], b'{"at":1,"dir":"c2s","base64":"%"}\n'], "line 4"),
    ],
)
def test_a_wrong_file_leaves_nothing_behind(tmp_path: Path, change: Any, message: str) -> None:
    here, there = tmp_path / "a" / "db", tmp_path / "b" / "db"
    lines = change(lines_of(here, recorded(here)))
    with pytest.raises(ScopeError, match=message) as caught:
        take_in(there, lines)
    assert caught.value.exit == 5
    if there.exists():
        with closing(sqlite3.connect(there)) as connection:
            for table in ("sessions", "messages", "bodies", "exchanges", "notes", "streams", "outcomes"):
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_cut_file_is_taken_as_far_as_it_goes(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "db", tmp_path / "b" / "db"
    found = take_in(there, lines_of(here, recorded(here))[:4])
    assert not found.complete and found.messages == 2


@given(
    st.binary(max_size=80)
    | st.text(max_size=40).map(lambda text: json.dumps({"a": text}, ensure_ascii=False).encode())
)
def test_any_bytes_come_back(raw: bytes) -> None:
    for make in (jsonl.line, jsonl.shown_line):
        line = make({"at": 1, "dir": "c2s", "detail": {"message": {"x": 1}}}, message=raw)
        assert jsonl.Line(line, 1).payload("message") == raw
        assert line.count(b"\n") == 1


VALUES: list[Any] = [None, True, -1, 2**70, 1.5, "", "\ud800", [], {}, [1, "a"], {"a": None}, "7", "{"]
MEMBERS = (
    *("cut", "stream", "open", "close", "facts", "marked", "aside", "gated", "fate", "origin", "marks"),
    *("detail", "note", "sent", "of", "at", "dir", "end"),
)


def spoiled(lines: list[bytes], rng: random.Random) -> list[bytes]:
    """The lines with a member of another type here, a few other bytes there."""
    found = list(lines)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(found))
        if rng.random() < 0.2:
            raw = bytearray(found[at])
            raw[rng.randrange(len(raw))] = rng.randrange(256)
            found[at] = bytes(raw)
            continue
        try:
            said = json.loads(found[at])
        except ValueError:
            continue
        inner = said["session"] if isinstance(said.get("session"), dict) and rng.random() < 0.8 else said
        inner[rng.choice([*inner, *MEMBERS])] = rng.choice(VALUES)
        found[at] = json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    return found


def test_whatever_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "db", tmp_path / "b" / "db"
    lines = lines_of(here, recorded(here))
    rng = random.Random(11)
    for _ in range(60):
        try:
            take_in(there, spoiled(lines, rng))
        except ScopeError as error:
            assert "cannot be read" not in error.message
