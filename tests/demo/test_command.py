"""``mcpscope demo`` from end to end: a real client, proxy, recorder and server."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.recorded import exchanges_of, messages_of, sessions_of
from tests.program import Program, until

pytestmark = pytest.mark.timeout(180)


def living(program: Program) -> list[int]:
    """Processes that were started with this test's runtime folder, wherever they were re-parented to."""
    mark = f"MCPSCOPE_RUNTIME_DIR={program.env['MCPSCOPE_RUNTIME_DIR']}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            pass  # it has ended, or is somebody else's
    return found


def test_the_tour_is_shown_recorded_and_leaves_nothing_but_its_database(program: Program) -> None:
    done = program.run("demo", "--pace", "0.1", timeout=90)
    shown = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    assert "draw_chart" in shown
    assert "\x1b" not in shown
    (db,) = (Path(program.env["XDG_STATE_HOME"]) / "mcpscope" / "demo").glob("*.db")
    assert str(db) in shown
    for line in shown.splitlines():
        if line.startswith("  mcpscope --db") and " ui " not in line:
            words = shlex.split(line, comments=True)[1:]
            assert program.run(*words).stdout, line
    old, new = sessions_of(db)
    assert (old.label, old.exit_code, new.label, new.exit_code) == ("demo", 0, "demo-2026", 0)
    assert len(messages_of(db, old.id)) == 60
    assert {row["tool"] for row in exchanges_of(db, old.id)} >= {"weather", "export_report", "no_such_tool"}
    assert not program.db.exists()
    until(lambda: not living(program), timeout=15)


def test_the_next_demo_removes_what_the_last_one_left(program: Program) -> None:
    for _ in range(2):
        assert program.run("demo", "--script", "load", "--seconds", "0.2", timeout=60).returncode == 0
        until(lambda: not living(program), timeout=15)
    folder = Path(program.env["XDG_STATE_HOME"]) / "mcpscope" / "demo"
    assert len(list(folder.glob("*.db"))) == 1


def test_a_load_is_recorded_whole_in_the_database_that_was_named(program: Program, tmp_path: Path) -> None:
    db = tmp_path / "load.db"
    options = ["--script", "load", "--rate", "200", "--seconds", "1", "--db", str(db), "--quiet"]
    done = program.run("demo", *options, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    (session,) = until(lambda: [found for found in sessions_of(db) if found.ended])
    calls = [message for message in messages_of(db, session.id) if message.method == "tools/call"]
    assert len(calls) == 200


def test_ctrl_c_ends_everything(program: Program) -> None:
    running = program.popen("demo", stderr=subprocess.PIPE)
    assert running.stdout
    assert running.stdout.readline()
    os.killpg(running.pid, signal.SIGINT)
    _, complaint = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b"Traceback" not in complaint
    until(lambda: not living(program), timeout=15)
