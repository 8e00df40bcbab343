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
