"""``mcpscope export`` and ``import`` as a person runs them."""

from __future__ import annotations

import csv
import io
import json
import stat

import pytest

from mcpscope.exports.forms import BINARY, FORMS
from tests.program import Program
from tests.store import made


@pytest.fixture
def recorded(program: Program) -> Program:
    made.database(program.db, 40, seed=3)
    return program


def test_there_and_back_again(recorded: Program) -> None:
    done = recorded.run("export", "baseline", "--with-secrets", "-o", "b.jsonl")
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    file = recorded.folder / "b.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    came = recorded.run("import", "b.jsonl", "--json")
    session = json.loads(came.stdout)["data"]
    assert session["name"] == "baseline-2"
    back = recorded.run("export", "baseline-2", "--with-secrets", "-o", "c.jsonl")
    assert back.returncode == 0

    def messages(name):
        return [line for line in (recorded.folder / name).read_bytes().splitlines() if b'"dir"' in line]

    assert messages("b.jsonl") == messages("c.jsonl")


@pytest.mark.parametrize("form", sorted(FORMS.keys() - BINARY - {"otlp", "pytest"}))
def test_every_form_takes_a_filter_and_shows_a_terminal_nothing_it_obeys(
    recorded: Program, form: str
) -> None:
    everything = recorded.run("export", "baseline", "--format", form)
    some = recorded.run("export", "baseline", "tool:*", "--format", form)
    assert everything.returncode == some.returncode == 0, some.stderr
    assert 0 < len(some.stdout) < len(everything.stdout)
    assert everything.stdout.decode().replace("\n", "").isprintable()


def test_a_spreadsheet_gets_a_row_for_each_exchange(recorded: Program) -> None:
    rows = list(csv.DictReader(io.StringIO(recorded.run("export", "1", "--format", "csv").stdout.decode())))
    log = recorded.run("sql", "--json", "SELECT id FROM v_exchanges WHERE session_id = 1").stdout
    assert [[int(row["id"])] for row in rows] == json.loads(log)["data"]["rows"]


def test_masks_are_counted(recorded: Program) -> None:
    lines = recorded.run("export", "1", "--with-secrets").stdout.splitlines()
    lines.insert(1, b'{"at":1,"dir":"c2s","message":{"method":"x","params":{"password":"hunter22"}}}')
    assert (
        recorded.run("import", "-", "--name", "secret one", input=b"\n".join(lines) + b"\n").returncode == 0
    )
    done = recorded.run("export", "secret one")
    assert b"hunter22" not in done.stdout and b"masked 1 value " in done.stderr
    assert b"hunter22" in recorded.run("export", "secret one", "--with-secrets").stdout


def test_other_programs_files_are_imported_whatever_they_are_called(program: Program) -> None:
    def envelope(session: str, seq: int, direction: str, raw: dict[str, object]) -> str:
        head = {"session_id": session, "server_label": "fs", "seq": seq, "ts": f"2026-03-01T12:00:0{seq}Z"}
        return json.dumps({**head, "direction": direction, "transport": "stdio", "raw": raw}) + "\n"

    ping, pong = {"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "id": 1, "result": {}}
    file = "".join(
        envelope(session, seq, direction, raw)
        for session in ("a", "b")
        for seq, (direction, raw) in enumerate([("c2s", ping), ("s2c", pong)])
    )
    came = program.run("import", "-", "--name", "theirs", "--json", input=file.encode())
    told = json.loads(came.stdout)["data"]
    assert [(one["name"], one["messages"]) for one in told["sessions"]] == [("theirs", 2), ("theirs-2", 2)]
    shown = json.loads(program.run("sessions", "show", "theirs", "--json").stdout)["data"]
    assert shown["label"] == "fs" and came.returncode == 0
    (program.folder / "empty.har").write_text('{"log": {"entries": []}}')
    nothing = program.run("import", "empty.har")
    assert nothing.returncode == 5 and b"no message of MCP in empty.har" in nothing.stderr
