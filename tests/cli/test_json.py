"""Every command with ``--json`` prints one JSON document on stdout, or a line on stderr; no escape codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mcpscope.cli import run
from mcpscope.cli.tree import root
from mcpscope.demo.frozen import build
from tests.program import Program, until
from tests.session.steered import Steered, call

POLICY = "version: 1\nrules:\n  - {name: one, match: 'tool:echo', action: allow}\n"
MESSAGE = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}'
SERVER = ("--", sys.executable, "-m", "mcpscope.demo.server")
NO_DOCUMENT = {
    "proxy": "its stdout is the server's",
    "ui": "a terminal's",
    "serve": "its stdout is the recording's server",
    "completion": "a script for a shell",
}
"""Commands that stand for something else than data, and what for."""

RECORDED: dict[str, list[tuple[str, ...]]] = {
    "log": [("demo",), ("demo", "is:error"), ("demo", "--frames", "-n", "3"), ("nosuch",), ("demo", "tol:x")],
    "status": [()],
    "holds approve": [("1", "abc")],
    "holds continue": [("1",)],
    "holds deny": [("1",)],
    "holds drop": [("1",)],
    "holds edit": [("1", "--set", "n=1")],
    "holds extend": [("1", "5")],
    "holds keep-alive": [("1",)],
    "holds list": [()],
    "holds mock": [("1",)],
    "holds revert": [("1",)],
    "holds show": [("1",)],
    "holds step": [("1",)],
    "tools list": [(), ("--session", "demo")],
    "tools show": [("weather",), ("nosuch",)],
    "tools diff": [()],
    "tools accept": [(), ("nosuch",)],
    "tools break": [("x",)],
    "tools unbreak": [("x",)],
    "tools hide": [("x",)],
    "tools unhide": [("x",)],
    "tools only": [("x",)],
    "tools rename": [("x", "y")],
    "faults add": [("tool:x", "delay", "1s"), ("tool:x", "delay", "soon")],
    "faults clear": [()],
    "faults list": [()],
    "faults remove": [("x",)],
    "call": [("weather", "city=Oslo", *SERVER), ("weather", "--", "/no/such/server"), ("x",)],
    "sessions compare": [("demo", "demo")],
    "sessions list": [()],
    "sessions name": [("last", "kept")],
    "sessions note": [("last", "a\x1b[2Jb")],
    "sessions prune": [("--dry-run",), ()],
    "sessions rm": [("nosuch",)],
    "sessions show": [(), ("demo",)],
    "export": [
        ("demo", "-o", "out.jsonl"),
        ("demo",),
        ("demo", "--format", "html", "-o", "out.html"),
        ("nosuch",),
    ],
    "import": [("out.jsonl",), ("nosuch.jsonl",)],
    "sql": [("SELECT 1 AS one, char(27) AS esc",), ("SELEC",)],
    "replay": [("demo", "--dry-run"), ("nosuch",)],
    "review": [(), ("nosuch",)],
    "diff": [("demo", "demo"), ("demo", "nosuch")],
    "stats": [(), ("demo", "--by", "client"), ("--never",)],
    "why": [(), ("nosuch",)],
    "check": [("demo",), ("demo", "--format", "sarif"), ("nosuch",)],
    "rules add": [("--match", "tool:x", "--action", "deny"), ()],
    "rules check": [("policy.yaml",), ("wrong.yaml",)],
    "rules disable": [("one",)],
    "rules enable": [("one",)],
    "rules explain": [("policy.yaml", "message.json")],
    "rules list": [()],
    "rules schema": [()],
    "rules test": [("policy.yaml", "demo")],
    "audit export": [(), ("demo",)],
    "audit list": [(), ("demo",)],
    "audit verify": [(), ("demo",)],
    "wrap": [("notes", "--yes"), ("notes", "--dry-run"), ("nosuch", "--yes"), ("notes",), ()],
    "unwrap": [("notes", "--yes"), ("--all", "--yes")],
    "clients list": [()],
    "demo": [("--script", "nosuch")],
    "doctor": [(), SERVER],
}
"""How commands are tried on a recording, without a proxy that runs; wrong uses, too. All others: alone."""

LIVE: tuple[tuple[str, ...], ...] = (
    ("status",), ("holds", "list"), ("holds", "show", "1"), ("holds", "extend", "1", "60"),
    ("holds", "keep-alive", "1"), ("holds", "edit", "1", "--set", "args.n=2"), ("holds", "revert", "2"),
    ("holds", "continue", "2"), ("holds", "step", "3"), ("holds", "mock", "4", "answer.json"),
    ("holds", "drop", "5", "--code", "-5"), ("holds", "deny", "6"), ("holds", "continue", "99"),
    ("tools", "list"), ("tools", "hide", "x*"), ("tools", "unhide", "x*"), ("tools", "only", "*"),
    ("tools", "rename", "echo", "say"), ("tools", "rename", "echo"), ("tools", "break", "echo"),
    ("tools", "unbreak", "echo"), ("tools", "show", "echo"), ("tools", "diff"),
    ("faults", "add", "tool:x", "delay", "1s"), ("faults", "list"), ("faults", "clear"),
    ("rules", "list"), ("rules", "add", "--match", "tool:x", "--action", "deny"), ("why",), ("stats",),
    ("log",),
)  # fmt: skip


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The names of all commands that do something."""
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, (*path, name))


def test_what_is_tried_are_commands() -> None:
    assert RECORDED.keys() | NO_DOCUMENT.keys() <= set(leaves(root))


def held_to_the_form(out: str, err: str, code: int, args: tuple[str, ...]) -> Any:
    """One document where it went well; one line on stderr where it did not."""
    assert "\x1b" not in out + err, args
    if out:
        document = json.loads(out)
        assert document["ok"] is True and {"data", "warnings"} <= document.keys(), args
        return document["data"]
    assert code, (args, err)
    (line,) = err.splitlines()
    told = json.loads(line)
    assert told["ok"] is False and told["error"]["message"] and told["error"]["exit"] == code, args
    return None


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything that the commands name, and a home with a client's configuration."""
    for name, text in {
        "policy.yaml": POLICY,
        "wrong.yaml": "version: 1\nrules: 7\n",
        "message.json": MESSAGE,
        "answer.json": '{"content": []}',
        ".cursor/mcp.json": '{"mcpServers": {"notes": {"command": "npx", "args": ["notes"]}}}',
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in [name for name in os.environ if name.startswith(("MCPSCOPE_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("MCPSCOPE_DB", str(tmp_path / "scope.db"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_proxy(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    build(here / "scope.db")
    for name in leaves(root):
        for given in RECORDED.get(name, [()]) if name not in NO_DOCUMENT else ():
            at = given.index("--") if "--" in given else len(given)
            args = (*name.split(), *given[:at], "--json", *given[at:])
            code = run(list(args))
            out, err = capfd.readouterr()
            held_to_the_form(out, err, code, args)


def test_with_a_proxy_that_holds(
    program: Program, here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Steered(program, "--break", "tool:echo", "--detached", "wait")
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", program.env["MCPSCOPE_RUNTIME_DIR"])
    monkeypatch.setenv("MCPSCOPE_DB", str(program.db))
    for number in range(1, 8):
        wire.says(call(number, n=number))

    def told(*args: str) -> tuple[str, str, int]:
        code = run([*args, "--json"])
        return (*capfd.readouterr(), code)

    until(lambda: len(json.loads(told("holds", "list")[0] or '{"data": []}')["data"]) >= 7)
    until(lambda: json.loads(told("why")[0] or '{"data": {"owed": []}}')["data"]["owed"])
    went_well = 0
    for args in LIVE:
        out, err, code = told(*args)
        went_well += held_to_the_form(out, err, code, args) is not None
    assert (
        went_well >= len(LIVE) - 3
    )  # no progress was asked for, there is no hold 99, and the tools are hidden
