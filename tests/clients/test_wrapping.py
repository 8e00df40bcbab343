"""Wrapping touches one entry and nothing else; unwrapping gives back the bytes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mcpscope.clients.entries import Entry, Launch
from mcpscope.clients.files import ConfigFile
from mcpscope.clients.ledger import Ledger
from mcpscope.clients.places import CLIENTS, Client, files_of
from mcpscope.clients.wrapping import Plan
from tests.clients.corpus import SAMPLES, Sample
from tests.program import ROOT, Program, files_in

OURS = ["/opt/mcpscope/bin/mcpscope"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home, project = tmp_path / "home", tmp_path / "project"
    project.mkdir()
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(project)
    return home


def written(home: Path, sample: Sample) -> Path:
    base = home.parent / "project" if sample.file.startswith("./") else home
    path = base / sample.file.removeprefix("./")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sample.text.encode())
    path.chmod(0o600)
    return path


def client_of(sample: Sample) -> Client:
    return next(client for client in CLIENTS if client.name == sample.client)


def plan_for(path: Path, client: Client) -> Plan:
    return Plan(ConfigFile(path, client.roots, url_is_sse=client.url_is_sse), Ledger())


def wrap(path: Path, client: Client, *names: str) -> Plan:
    plan = plan_for(path, client)
    plan.wrap(set(names), OURS)
    plan.apply()
    return plan


def unwrap(path: Path, client: Client, *names: str) -> Plan:
    plan = plan_for(path, client)
    plan.unwrap(set(names) or None)
    plan.apply()
    return plan


def launches(path: Path, client: Client) -> dict[str, Launch | None]:
    return {entry.name: entry.launch for entry in ConfigFile(path, client.roots).entries()}


every = pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample.client}-{Path(sample.file).name}"
)


def test_every_client_has_a_sample() -> None:
    assert {client.name for client in CLIENTS} == {sample.client for sample in SAMPLES}


@every
def test_wrapped_and_unwrapped_the_file_is_the_same_byte_for_byte(home: Path, sample: Sample) -> None:
    path, client = written(home, sample), client_of(sample)
    assert path.resolve() in [found.resolve() for found in files_of(client)]
    plan = wrap(path, client, *sample.servers)
    assert [change.skipped for change in plan.changes] == [""] * len(sample.servers)
    for name, launch in launches(path, client).items():
        assert launch is not None
        assert launch.is_ours == (name in sample.servers)
        if launch.is_ours:
            assert [launch.command, *launch.args][:1] == OURS
            assert ("--label" in launch.args) and name in launch.args
    again = wrap(path, client, *sample.servers)
    assert [change.skipped for change in again.changes] == ["already runs mcpscope"] * len(sample.servers)
    unwrap(path, client)
    assert path.read_bytes() == sample.text.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    backup = path.with_name(path.name + ".mcpscope.bak")
    assert (backup.read_bytes(), stat.S_IMODE(backup.stat().st_mode)) == (sample.text.encode(), 0o600)


@every
def test_one_server_at_a_time_in_any_order(home: Path, sample: Sample) -> None:
    path, client = written(home, sample), client_of(sample)
    for name in sample.servers:
        wrap(path, client, name)
    for name in reversed(sample.servers):
        unwrap(path, client, name)
    assert path.read_bytes() == sample.text.encode()


@every
def test_without_what_was_remembered_a_command_is_still_found_again(home: Path, sample: Sample) -> None:
    path, client = written(home, sample), client_of(sample)
    before = launches(path, client)
    wrap(path, client, *sample.servers)
    (home.parent / "state" / "mcpscope" / "wrapped.json").unlink()
    plan = unwrap(path, client)
    after = launches(path, client)
    for change in plan.changes:
        if before[change.name] is None:
            assert "put its URL back by hand" in change.skipped
        else:
            assert after[change.name] == before[change.name]


@every
def test_a_change_made_meanwhile_is_kept(home: Path, sample: Sample) -> None:
    path, client = written(home, sample), client_of(sample)
    name = sample.servers[0]
    wrap(path, client, name)
    text = path.read_bytes().decode()
    entry = next(found for found in ConfigFile(path, client.roots).entries() if found.name == name)
    last = max((entry.node.members[key] for key in entry.node.keys), key=lambda node: node.end)
    behind = text[: last.end] + added(entry.language, entry.node.insert >= 0, text) + text[last.end :]
    path.write_bytes(behind.encode())
    unwrap(path, client)
    expected = path.read_bytes().decode()
    entry = next(found for found in ConfigFile(path, client.roots).entries() if found.name == name)
    original = next(found for found in entries_of(sample, home) if found.name == name)
    plain = entry.node.plain()
    assert plain.pop("mine") == "kept"
    assert plain == original.node.plain()
    start = expected.index("mine")
    assert expected[:start].rstrip(' ,"\t\r\n') in sample.text


def added(language: str, block: bool, text: str) -> str:
    """A member that a person puts behind the last one of an entry."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if language == "json":
        return ', "mine": "kept"'
    if not block:
        return ', mine = "kept"'
    return f'{newline}mine = "kept"' if language == "toml" else f"{newline}    mine: kept"


def entries_of(sample: Sample, home: Path) -> list[Entry]:
    path = home / f"original{Path(sample.file).suffix}"
    path.write_bytes(sample.text.encode())
    return ConfigFile(path, client_of(sample).roots).entries()


def test_a_link_stays_a_link_and_its_file_keeps_its_mode(home: Path) -> None:
    sample = next(found for found in SAMPLES if found.client == "cursor")
    path = written(home, sample)
    kept = home / "dotfiles" / "mcp.json"
    kept.parent.mkdir()
    path.rename(kept)
    kept.chmod(0o640)
    path.symlink_to(kept)
    wrap(path, client_of(sample), "fs")
    assert path.is_symlink() and stat.S_IMODE(kept.stat().st_mode) == 0o640
    unwrap(path, client_of(sample))
    assert kept.read_bytes() == sample.text.encode()


def test_what_is_disabled_or_logs_in_itself_is_left_alone(home: Path) -> None:
    path = home / "any.json"
    servers = {
        "off": {"command": "x", "disabled": True},
        "login": {"url": "https://x.example/mcp"},
        "uvx": {"command": "uvx", "args": ["mcpscope-proxy", "--", "y"]},
        "on": {"command": "y"},
    }
    path.write_text(json.dumps({"mcpServers": servers}))
    plan = Plan(ConfigFile(path, (("mcpServers",),)), Ledger())
    plan.wrap(None, OURS)
    assert {change.name: change.skipped.partition(":")[0] for change in plan.changes} == {
        "off": "is disabled",
        "login": "remote without headers",
        "uvx": "already runs mcpscope",
        "on": "",
    }


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.json", b'{"mcpServers": {', "is missing"),
        ("a.json", b"\xff\xfe{}", "not UTF-8"),
        ("a.json", b'{"a": tru}', "is no value"),
        ("a.json", b"[" * 5000, "nested too deeply"),
        ("a.json", b'{"mcpServers": {}} x', "something follows"),
        ("a.toml", b"[mcp_servers\n", "cannot be read"),
        ("a.yaml", b"mcpServers: [\n", "cannot be read"),
        ("a.yaml", b"mcpServers: &a\n  - name: x\n    command: y\nb: *a\n", "anchors"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_as_it_is(home: Path, name: str, data: bytes, why: str) -> None:
    program = Program(home, home / "run")
    path = home / name
    path.write_bytes(data)
    done = program.run("wrap", "--all", "--yes", "--client", str(path))
    assert (done.returncode, done.stdout, path.read_bytes()) == (6, b"", data)
    assert why in done.stderr.decode() and "Traceback" not in done.stderr.decode()


def test_the_command_shows_asks_and_restores(home: Path) -> None:
    program = Program(home, home / "run")
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    echo = [str(Path(os.__file__)), "--api-key", "s3cret"]
    before = json.dumps({"mcpServers": {"fs": {"command": "cat", "args": echo}}}, indent=4).encode()
    path.write_bytes(before)
    shown = program.run("wrap", "fs")
    assert (shown.returncode, path.read_bytes()) == (2, before)
    assert b"no terminal" in shown.stderr and b"s3cret" not in shown.stdout and b"--label fs" in shown.stdout
    assert program.run("wrap", "fs", "--dry-run").returncode == 0
    assert path.read_bytes() == before
    done = program.run("wrap", "fs", "--yes")
    assert done.returncode == 0 and b"Cursor: it reloads" in done.stdout
    assert b"wrapped already" in program.run("wrap", "fs", "--yes").stdout
    listed = json.loads(program.run("clients", "list", "--json").stdout)["data"]
    assert [(row["client"], row["server"], row["state"]) for row in listed] == [("cursor", "fs", "wrapped")]
    assert program.run("wrap", "nosuch", "--yes").returncode == 2
    assert program.run("unwrap", "--all", "--yes").returncode == 0
    assert path.read_bytes() == before


def test_a_client_started_from_the_wrapped_configuration_works(home: Path) -> None:
    program = Program(home, home / "run")
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"mcpServers": {"echo": {"command": "cat"}}}))
    assert program.run("wrap", "echo", "--yes").returncode == 0
    entry = json.loads(path.read_text())["mcpServers"]["echo"]
    assert Path(entry["command"]).is_absolute()
    # As a client with a window starts it: six variables (and here where the sources are).
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **kept(program)}
    said = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    done = subprocess.run(
        [entry["command"], *entry["args"]], input=said, capture_output=True, env=env, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, said)


def kept(program: Program) -> dict[str, str]:
    return {name: program.env[name] for name in ("MCPSCOPE_DB", "MCPSCOPE_RUNTIME_DIR")}


class _Upstream(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.seen.append(self.headers.get("Authorization"))  # type: ignore[attr-defined]
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


def test_a_remote_server_is_bridged_with_its_headers_unseen(home: Path) -> None:
    program = Program(home, home / "run")
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), _Upstream)
    upstream.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    url = f"http://127.0.0.1:{upstream.server_port}/mcp"
    servers = {"far": {"url": url, "headers": {"Authorization": "Bearer t0psecret"}}}
    path.write_text(json.dumps({"mcpServers": servers}))
    shown = program.run("wrap", "far", "--yes")
    assert shown.returncode == 0 and b"t0psecret" not in shown.stdout + shown.stderr
    entry = json.loads(path.read_text())["mcpServers"]["far"]
    assert "t0psecret" not in str(entry["args"])
    said = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    env = {**program.env, **entry["env"]}
    with subprocess.Popen(
        [entry["command"], *entry["args"]], stdin=-1, stdout=-1, stderr=-1, env=env
    ) as bridge:
        assert bridge.stdin is not None and bridge.stdout is not None
        bridge.stdin.write(said)
        bridge.stdin.flush()
        assert json.loads(bridge.stdout.readline()) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        bridge.stdin.close()
        bridge.wait(30)
    upstream.shutdown()
    assert upstream.seen == ["Bearer t0psecret"]  # type: ignore[attr-defined]
    assert b"t0psecret" not in b"".join(files_in(program.db.parent).values())
