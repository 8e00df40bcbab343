"""``mcpscope faults``: set, listed, removed and cleared on a running proxy; what is wrong is said."""

from __future__ import annotations

import json
from subprocess import CompletedProcess

import pytest

from tests.program import Program
from tests.session.steered import Steered, call

pytestmark = pytest.mark.timeout(120)


def faults(program: Program, words: str) -> CompletedProcess[bytes]:
    return program.run("faults", *words.split())


def test_faults_are_set_listed_and_cleared_live(program: Program) -> None:
    wire = Steered(program)
    wire.entry()
    added = program.run(
        *["faults", "add", "tool:echo", "rate-limit", "1/hour", "--after", "1", "--name", "strict"]
    )
    assert added.stdout.decode() == "fault strict: rate-limit beyond 1 in 3600 s after 1\n", added
    program.run(
        *[
            "faults",
            "add",
            "tool:slow",
            "delay",
            "2s",
            "--jitter",
            "1s",
            "--probability",
            "0.5",
            "--seed",
            "3",
            "--once",
        ]
    )
    shown = program.run("faults", "list").stdout.decode()
    assert "delay 2 s and up to 1 s with probability 0.5, seed 3 once" in shown
    for id in range(3):
        wire.says(call(id))
    heard = {answer["id"]: answer for answer in (wire.hears(), wire.hears(), wire.hears())}
    assert ["error" in heard[id] for id in range(3)] == [False, False, True]
    rows = json.loads(program.run("--json", "faults", "list").stdout)["data"]
    assert [(row["name"], row["hits"]) for row in rows][:1] == [("strict", 3)]
    assert program.run("faults", "remove", "nothing").returncode == 7
    assert program.run("faults", "remove", "strict").stdout.decode() == "removed strict\n"
    assert program.run("faults", "clear").returncode == 0
    assert program.run("faults", "list").stderr.decode() == "no faults\n"
    wire.says(call(9))
    assert "result" in wire.hears()
    assert wire.closes() == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("tool:echo delay", "'' is no time"),
        ("tool:echo delay soon", "'soon' is no time"),
        ("tool:echo rate-limit often", "'often' is no rate"),
        ("tool:echo timeout 5s", "timeout takes no value"),
        ("tool:echo empty --probability 2", "probability is a number from 0 to 1"),
        ("tool:echo corrupt --on request", "corrupt strikes answers only"),
        ("tool:echo empty --after -1", "after is a number of at least 0"),
        ("tol:echo empty", "tol"),
        ("tool:echo explode", "explode"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_set(running: Steered, words: str, text: str) -> None:
    done = running.program.run("faults", "add", *words.split())
    assert done.returncode == 2, done
    assert text in done.stderr.decode()


@pytest.fixture(scope="module")
def running(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("faults")
    program = Program(folder, folder / "run")
    (folder / "run").mkdir(mode=0o700)
    wire = Steered(program)
    wire.entry()
    yield wire
    found = program.run("faults", "list").stderr.decode()
    wire.closes()
    program.close()
    assert found == "no faults\n"


def test_a_fault_of_the_command_line_is_checked_before_anything_starts(program: Program) -> None:
    for way in (("--", "true"), ("--stdio", "http://127.0.0.1:1/mcp")):
        done = program.run("proxy", "--fault", "tool:x explode", *way)
        assert done.returncode == 2
        assert "names no fault" in done.stderr.decode()
