"""The copy menu: bytes as they crossed the wire, and snippets that run and say the recorded call again."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import ANY

import pytest

from mcpscope.store.pages import Pages
from mcpscope.testing import ask
from mcpscope.tui.loaded import Loaded, load
from mcpscope.tui.present.copying import Copyable, copies
from mcpscope.tui.present.glyphs import ASCII
from mcpscope.tui.present.tabs import timing_lines
from tests.e2e.http_ends import HttpEnds
from tests.e2e.standing_in import serving
from tests.peers.found import Peers
from tests.program import Program
from tests.tui.tape import Tape

REPO = Path(__file__).parents[3]


def menu(db: Path, tool: str, *, shown: bytes = b"") -> dict[str, Copyable]:
    """The copy menu of the newest call of a tool."""
    pages = Pages(db)
    try:
        (session,) = pages.sessions()
        rows = pages.rows(list(pages.ids(None, None)))
        key = max(key for key, row in rows.items() if row.tool == tool)
        loaded = load(pages, key)
        assert isinstance(loaded, Loaded)
        return {one.name: one for one in copies(loaded, session, shown, "$.params")}
    finally:
        pages.close()


def test_parts_are_copied_as_they_crossed_the_wire(db: Path) -> None:
    tape = Tape(db).start()
    arguments = b'{ "n" : 1e2,"s":"\\u00fc"}'
    call = (
        b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"t","arguments":%b}}\n' % arguments
    )
    tape.raw(call, to_server=True)
    tape.tell(9, content=[{"type": "text", "text": "one"}, {"type": "text", "text": "two"}])
    tape.store()
    found = menu(db, "t", shown=call.strip())
    assert found["arguments"].text.encode() == arguments
    assert found["text"].text == "one\ntwo"
    assert found["json"].text.encode() == call.strip()
    assert json.loads(found["call-json"].text)["params"]["arguments"] == {"n": 100.0, "s": "ü"}
    assert found["curl"].why_not and not found["curl"].text


def test_a_curl_line_is_for_http_servers_and_holds_no_session_id(db: Path) -> None:
    tape = Tape(db, url="http://127.0.0.1:8000/mcp", command=None, server_transport="http").start()
    tape.call("it's", q="a'b")
    tape.store()
    found = menu(db, "it's")
    assert "\ncurl -sN http://127.0.0.1:8000/mcp" in found["curl"].text
    assert "$MCP_SESSION" in found["curl"].text and "MCP-Protocol-Version: 2025-11-25" in found["curl"].text
    shown = subprocess.run(["sh", "-n", "-c", found["curl"].text], capture_output=True)
    assert shown.returncode == 0, shown.stderr


@pytest.mark.sdk2
@pytest.mark.timeout(120)
def test_a_curl_line_says_a_stateless_request_again_as_it_was(
    program: Program, peers: Peers, tmp_path: Path
) -> None:
    ends = HttpEnds(program)
    try:
        url = ends.server(peers.sdk2_python, str(REPO / "fixtures" / "servers" / "sdk2_server.py"))
        proxy = ends.proxy(url)
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        for method, params in (
            ("tools/call", {"name": "add", "arguments": {"a": 2, "b": 40}}),
            ("prompts/get", {"name": "greet", "arguments": {"name": "it's `Ada` $HOME"}}),
        ):
            said = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
            lines = [
                "MCP-Protocol-Version: 2026-07-28",
                f"Mcp-Method: {method}",
                f"Mcp-Name: {params['name']}",
            ]
            lines += ["Content-Type: application/json", "Accept: application/json, text/event-stream"]
            lines += ["Authorization: Bearer s3cret", "X-`made`: [redacted:0123abcd]"]
            argv = ["curl", "-sS", proxy, *(word for line in lines for word in ("-H", line))]
            argv += ["-d", json.dumps(said)]
            done = subprocess.run(argv, capture_output=True, timeout=60)
            assert done.returncode == 0 and b'"result"' in done.stdout, done
        ends.rows("SELECT 1")
        pages = Pages(program.db)
        (session,) = pages.sessions()
        assert session.inferred
        for key, answer in zip(sorted(pages.ids(None, None)), (b'"42"', b"it's `Ada` $HOME"), strict=True):
            loaded = load(pages, key)
            assert loaded is not None
            found = {one.name: one for one in copies(loaded, session, b"", "")}["curl"].text
            assert 'Authorization: Bearer \'"${AUTHORIZATION}"' in found and "s3cret" not in found
            done = subprocess.run(["sh", "-c", found], capture_output=True, timeout=60, cwd=tmp_path)
            lines = timing_lines(loaded.row, loaded.messages, [], ASCII, None, loaded.streams)
            text = "\n".join("".join(part for part, _ in line) for line in lines)
            assert "HTTP       stream" in text and "closed by server" in text and "first byte +" in text
            assert answer in done.stdout, (found, done)
        pages.close()
    finally:
        ends.close()


def test_markdown_fences_what_holds_fences(db: Path) -> None:
    tape = Tape(db).start()
    tape.call("t", text="```\nnot the end\n```")
    tape.store()
    assert "````json" in menu(db, "t")["markdown"].text


@pytest.mark.sdk2
@pytest.mark.timeout(120)
def test_python_and_pytest_snippets_run_as_pasted(db: Path, tmp_path: Path, peers: Peers) -> None:
    python, server = peers.sdk2_python, str(REPO / "fixtures" / "servers" / "sdk2_server.py")
    tape = Tape(db, command=[python, server]).start()
    asked = tape.ask("tools/call", name="add", arguments={"a": 2, "b": 40})
    content = [{"type": "text", "text": "42"}]
    tape.tell(asked, content=content, structuredContent={"result": 42}, isError=False)
    tape.store()
    found = menu(db, "add")
    script = tmp_path / "snippet.py"
    script.write_text(found["python"].text)
    done = subprocess.run([python, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["content"][0]["text"] == "42"
    test = tmp_path / "test_snippet.py"
    test.write_text(found["pytest"].text)
    assert pytest_of(test) == (0, ANY)


@pytest.mark.soak
@pytest.mark.sdk2
@pytest.mark.timeout(200)
def test_snippets_for_http_run_as_pasted_on_servers_of_both_eras(
    program: Program, peers: Peers, tmp_path: Path
) -> None:
    recording = str(REPO / "fixtures" / "recordings" / "version-2.mcpscope.jsonl")
    server = [peers.sdk2_python, str(REPO / "fixtures" / "servers" / "sdk2_server.py")]
    run = {"modern": (server, "add", {"a": 2, "b": 40}), "legacy": (recording, "read_note", {"id": 1})}
    for era, (target, tool, arguments) in run.items():
        program.db = tmp_path / era / "mcpscope.db"
        program.env["MCPSCOPE_DB"] = str(program.db)
        ends = HttpEnds(program)
        with serving(program, recording, "--no-record") if era == "legacy" else nullcontext() as stand_in:
            url = stand_in or ends.server(*target)
            proxy = ends.proxy(url)
            ask(proxy, tool, arguments, modern=era == "modern")
            ends.rows("SELECT 1")
            found = menu(program.db, tool)
            done = subprocess.run(["sh", "-c", found["curl"].text], capture_output=True, timeout=60)
            wanted = b"42" if era == "modern" else b"bread, butter"
            assert b'"result"' in done.stdout and wanted in done.stdout, (found["curl"].text, done)
            script = tmp_path / "snippet.py"
            script.write_text(found["python"].text)
            done = subprocess.run([peers.sdk2_python, str(script)], capture_output=True, timeout=60)
            assert wanted in done.stdout, done.stderr
            test = tmp_path / "test_snippet.py"
            test.write_text(found["pytest"].text)
            assert pytest_of(test) == (0, ANY)
        ends.close()


def pytest_of(test: Path) -> tuple[int, str]:
    """``pytest FILE`` with our plugin, as in a project that has mcpscope installed."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, cwd=test.parent, env=env)
    return done.returncode, done.stdout


@pytest.mark.npm
@pytest.mark.sdk2
@pytest.mark.timeout(120)
def test_the_inspector_line_runs_as_pasted(db: Path, peers: Peers) -> None:
    python, server = peers.sdk2_python, str(REPO / "fixtures" / "servers" / "sdk2_server.py")
    tape = Tape(db, command=[python, server]).start()
    tape.tell(
        tape.ask("tools/call", name="add", arguments={"a": 2, "b": 40}),
        content=[{"type": "text", "text": "42"}],
    )
    tape.store()
    line = menu(db, "add")["inspector"].text
    start = "npx @modelcontextprotocol/inspector "
    assert line.startswith(start)
    done = subprocess.run(
        [*peers.inspector, *shlex.split(line.removeprefix(start))], capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout
