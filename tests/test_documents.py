"""Every command in a document runs: blocks of shell are run, forms with placeholders are parsed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mcpscope.cli.commands import COMMANDS
from mcpscope.cli.options import parse_wrap
from mcpscope.cli.tree import root
from mcpscope.demo.frozen import build
from mcpscope.engine.policy.load import load
from tests.program import ROOT, Program, until
from tests.session.steered import Steered, call, held

PAGES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CONTROL.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
SERVER = 'SERVER="python3 -m mcpscope.demo.server"\n'
STAND_INS = {
    "CMD": "srv",
    "COMMAND": "srv",
    "URL": "http://127.0.0.1/mcp",
    "FILE": "f.yaml",
    "MESSAGE": "m.json",
}


def blocks(page: Path, kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text()) if found == kind]


@pytest.fixture
def machine(program: Program, tmp_path: Path) -> Program:
    """A machine with two recordings, a client's configuration, and a proxy that holds four calls."""
    build(program.db)
    (tmp_path / "bin").mkdir()
    for name, command in {"mcpscope": "-m mcpscope", "python3": ""}.items():
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {command} "$@"\n')
        script.chmod(0o755)
    program.env["PATH"] = f"{tmp_path}/bin:{program.env['PATH']}"
    config = tmp_path / ".cursor" / "mcp.json"
    config.parent.mkdir()
    server = {"command": "python3", "args": ["-m", "mcpscope.demo.server"]}
    config.write_text(json.dumps({"mcpServers": {"notes": server}}))
    wire = Steered(program, "--break", "tool:echo", "--detached", "wait")
    for number in range(1, 5):
        wire.says(call(number, text="a"))
    held(wire.dial(attach=False), 4)
    until(lambda: wire.rows("SELECT 1 FROM sessions WHERE client_name = 'tester'"))
    return program


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh")], ids=lambda page: page.stem)
def test_what_a_page_shows_runs_from_its_top_to_its_end(page: Path, machine: Program) -> None:
    for text in blocks(page, "yaml"):
        named = re.match(r"# (\S+\.yaml)\n", text)
        if named:
            (machine.folder / named[1]).write_text(text)
    for number, text in enumerate(blocks(page, "sh")):
        done = subprocess.run(
            ["sh", "-eu", "-c", SERVER + text],
            stdin=subprocess.DEVNULL, capture_output=True, env=machine.env, cwd=machine.folder, timeout=200,
        )  # fmt: skip
        said = done.stderr.decode()
        assert done.returncode == 0, (number, text, done.stdout.decode()[-2000:], said)
        assert "Traceback" not in said
    for text in blocks(page, "python"):
        done = subprocess.run(
            ["python3", "-c", text], capture_output=True, env=machine.env, cwd=machine.folder, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        assert b"scope/holds/list [{" in done.stdout


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_what_a_page_lists_is_read_by_the_commands(page: Path) -> None:
    for text in blocks(page, "text"):
        for line in text.splitlines():
            if line.startswith("mcpscope "):
                for words in forms(line):
                    parsed(words)


def forms(line: str) -> list[list[str]]:
    """``mcpscope tools hide pay | list  what it does`` as two commands; placeholders have stand-ins."""
    command = re.split(r"\s{2,}", line.removeprefix("mcpscope "))[0]
    first, *others = command.split(" | ")
    group = first.split()[0]
    found = [first, *(f"{group} {other}" for other in others)]
    return [[STAND_INS.get(word, word) for word in shlex.split(form)] for form in found]


def parsed(words: list[str]) -> None:
    """Raises where our parser does not take these words."""
    if parse_wrap(words) is not None:
        return
    command: click.Command = root
    context = click.Context(root, info_name="mcpscope")
    if "://" in words[-1] and words[0] not in COMMANDS:
        words = ["proxy", *words]
    while isinstance(command, click.Group):
        name, words = words[0], words[1:]
        found = command.get_command(context, name)
        assert found is not None, name
        command, context = found, click.Context(found, info_name=name, parent=context)
    command.make_context(str(command.name), list(words), parent=context.parent)


def test_every_policy_in_a_page_is_one() -> None:
    policies = [text for page in PAGES for text in blocks(page, "yaml") if "rules:" in text]
    assert policies and all(load(text).rules for text in policies)


def test_every_file_that_a_document_names_exists() -> None:
    missing = [
        (page.name, name)
        for page in DOCUMENTS
        for name in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text())
        if not (page.parent / name).exists()
    ]
    assert missing == []


def test_every_page_is_in_the_index_and_short_enough_to_be_read() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in PAGES:
        lines = page.read_text().splitlines()
        assert page.name == "README.md" or f"({page.name})" in index
        assert len(lines) <= 110 and [line for line in lines if len(line) > 130 and line[:1] != "|"] == []
