"""Text that would steer a terminal, in every field of a recording: no command lets it through."""

from __future__ import annotations

import json

import pytest

from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.store.records import Dir, RecordType
from mcpscope.store.recovery import recover
from tests.program import Program
from tests.store.journals import TestJournal

HOSTILE = "x\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\u2066\u200b\ue000[red]\r\n\0y"

COMMANDS = [
    ["log"],
    ["log", "1", "--frames"],
    ["log", "1", "--format", "jsonl"],
    ["log", "1", "--frames", "--json"],
    ["log", "--json"],
    ["log", "--ascii", "--plain"],
    ["sessions", "list"],
    ["sessions", "list", "--json"],
    ["sessions", "show", "1"],
    ["sessions", "show", "1", "--json"],
    ["sessions", "note", "1"],
    ["sessions", "compare", "1", "1", "--all"],
    ["sessions", "compare", "1", "1", "--json"],
    ["sessions", "prune", "--older-than", "1ms", "--dry-run"],
    ["export", "1"],
    ["export", "1", "--with-secrets"],
    ["export", "1", "--steady"],
    ["diff", "1", "1"],
    ["diff", "1", "1", "--json"],
    ["replay", "1", "--dry-run", "--", HOSTILE.replace("\0", "")],
    ["replay", "1", "--timeout", "0.2", "--", "cat"],
    ["review"],
    ["export", "1", "--format", "json"],
    ["export", "1", "--format", "md"],
    ["export", "1", "--format", "csv"],
    ["export", "1", "--format", "html"],
    ["export", "1", "--format", "har"],
    ["export", "1", "--format", "otlp"],
    ["export", "1", "--format", "pytest"],
    ["export", "1", "--otlp", "http://127.0.0.1:1/" + HOSTILE.replace("\0", "")],
    ["sql", "SELECT * FROM v_exchanges"],
    ["sql", "--json", "SELECT *, body(id) FROM v_messages"],
    ["sql", "--format", "csv", "SELECT * FROM v_notes"],
    ["sql", "SELECT * FROM v_sessions"],
    ["sql", "SELECT * FROM v_outcomes"],
    ["log", HOSTILE.replace("\0", "")],
    ["log", "tol:" + HOSTILE.replace("\0", "")],
    ["sql", f"SELECT '{HOSTILE}'".replace("\0", "")],
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("hostile")
    program = Program(folder, folder)
    journal = TestJournal(program.db)
    journal.open_session(label=HOSTILE, command=[HOSTILE, HOSTILE], url=HOSTILE, client_transport=HOSTILE)
    info = {"name": HOSTILE, "version": HOSTILE}
    params = {"protocolVersion": HOSTILE, "clientInfo": info, "capabilities": {}}
    said = [
        (Dir.TO_SERVER, {"id": HOSTILE, "method": "initialize", "params": params}),
        (Dir.TO_CLIENT, {"id": HOSTILE, "result": {"serverInfo": info, "protocolVersion": HOSTILE}}),
        (
            Dir.TO_SERVER,
            {"id": 1, "method": "tools/call", "params": {"name": HOSTILE, "arguments": {HOSTILE: 1}}},
        ),
        (Dir.TO_CLIENT, {"id": 1, "error": {"code": -1, "message": HOSTILE}}),
        (Dir.TO_SERVER, {"id": 2, "method": HOSTILE}),
        (Dir.TO_CLIENT, {"method": HOSTILE, "params": {"a": HOSTILE}}),
        (Dir.TO_SERVER, {"id": 3, "method": "resources/read", "params": {"uri": HOSTILE}}),
        (Dir.TO_CLIENT, {"id": 3, "result": {"contents": [{"mimeType": HOSTILE, "text": HOSTILE}]}}),
    ]
    for dir, body in said:
        for ascii in (True, False):
            raw = json.dumps({"jsonrpc": "2.0", **body}, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
            journal.write(RecordType.CHUNK, raw + b"\n", dir)
    at = journal.write(RecordType.MESSAGE, b'{"jsonrpc":"2.0","id":9,"method":"x"}', Dir.TO_SERVER)
    outcome = Outcome(at, Word.DENIED, journal.at, HOSTILE, HOSTILE, 5, None, {"why": HOSTILE})
    journal.write(RecordType.OUTCOME, outcome.to_record(), Dir.TO_SERVER)
    journal.c2s(HOSTILE.encode() + b"\xff\n")
    journal.write(RecordType.STDERR, HOSTILE.encode() + b"\n")
    journal.say(RecordType.NOTE, {"kind": "note", "text": HOSTILE})
    journal.say(RecordType.GAP, {"messages": 1, "reason": HOSTILE})
    journal.say(RecordType.SESSION_CLOSE, {"reason": HOSTILE, "exit_code": 1})
    journal.close()
    recover(program.db)
    program.run("sessions", "note", "1", HOSTILE.replace("\0", ""))
    return program


@pytest.mark.parametrize(
    "args", COMMANDS, ids=lambda args: " ".join(args).encode("ascii", "ignore").decode()[:40]
)
def test_nothing_reaches_the_terminal_that_it_obeys(hostile: Program, args: list[str]) -> None:
    done = hostile.run(*args)
    shown = (done.stdout + done.stderr).decode()
    assert shown and b"Traceback" not in done.stderr
    for line in shown.split("\n"):
        assert line.isprintable(), repr(line)
