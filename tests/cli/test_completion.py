"""Shell completion: the scripts, and what they get."""

from __future__ import annotations

import subprocess

import pytest

from tests.program import Program
from tests.store import made


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(program: Program, shell: str) -> None:
    done = program.run("completion", shell)
    assert done.returncode == 0 and b"_MCPSCOPE_COMPLETE" in done.stdout, done.stderr
    assert program.run("completion", "tcsh").returncode == 2


def completed(program: Program, *words: str) -> list[str]:
    env = {
        **program.env,
        "_MCPSCOPE_COMPLETE": "bash_complete",
        "COMP_WORDS": "mcpscope " + " ".join(words),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(program.argv(), env=env, cwd=program.folder, capture_output=True, timeout=60)
    assert done.stderr == b""
    return [line.partition(",")[2] for line in done.stdout.decode().splitlines() if line]


def test_commands_sessions_and_filters_are_offered(program: Program) -> None:
    made.database(program.db, 60, seed=4)
    assert "export" in completed(program, "ex")
    assert completed(program, "export", "base") == ["baseline"]
    assert completed(program, "log", "baseline", "to") == ["tool:"]
    assert completed(program, "log", "baseline", "status:rpc") == ["status:rpc-error"]
    found = completed(program, "log", "baseline", "tool:sea")
    assert found and all(text.startswith("tool:search_") for text in found)


def test_without_a_database_nothing_is_offered_and_nothing_fails(program: Program) -> None:
    assert completed(program, "export", "x") == []
    assert completed(program, "log", "x", "tool:sea") == []
    assert not program.db.exists()
