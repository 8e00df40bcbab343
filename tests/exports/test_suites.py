"""The ``pytest`` form: a folder with a test and its recording, which runs as it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mcpscope.demo.frozen import build
from mcpscope.exports.suites import Server, call_test, recording_test
from tests.program import Program

pytestmark = pytest.mark.timeout(200)
ODD = 'it\'s """ \\ \u202e\u2028 {x} é'


@pytest.mark.parametrize("words", [["python", "a b.py"], ["http://127.0.0.1:1/mcp"]])
def test_whatever_is_called_the_files_are_python_and_say_it(words: list[str]) -> None:
    for server in (Server(words), Server(words, modern=True)):
        arguments, answer = {ODD: [1, 2.5, None, True]}, {"result": {"content": [ODD]}}
        scope: dict[str, object] = {}
        text = call_test(server, f"tool {ODD}", arguments, answer, ["$.result.content[*]"])
        assert "\u202e" not in text
        exec(compile(text, "test_x.py", "exec"), scope)
        assert scope["SERVER"] == (words[0] if "://" in words[0] else words)
        assert [name for name in scope if name.startswith("test_tool_")]
        compile(recording_test(ODD, server, [(ODD, arguments, answer)]), "test_y.py", "exec")


@pytest.mark.soak
def test_an_exported_suite_runs_unchanged(program: Program) -> None:
    build(program.db)
    folder = program.folder / "suite"
    done = program.run("export", "demo", "tool:read_note", "--format", "pytest", "-o", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.rglob("*.*")) == ["demo.mcpscope.jsonl", "test_demo.py"]
    again = program.run("export", "demo", "--format", "pytest", "-o", str(folder))
    assert (again.returncode, b"file exists" in again.stderr) == (2, True)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "in_its_place"]
    ran = subprocess.run(argv, cwd=folder, env=program.env, capture_output=True, text=True, timeout=150)
    assert ran.returncode == 0 and " passed" in ran.stdout, ran.stdout
