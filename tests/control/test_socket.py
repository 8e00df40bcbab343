"""The control socket: who may dial, what it says to whom, and every method refused to another user."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mcpscope.control import lines
from mcpscope.control.client import Control
from mcpscope.control.listening import Listening
from mcpscope.control.methods import METHODS, validated
from mcpscope.control.registry import choose, running
from mcpscope.errors import ScopeError
from mcpscope.transports.poll import PollLoop
from tests.program import Program, until
from tests.session.steered import Steered

pytestmark = pytest.mark.timeout(60)

AS_NOBODY = """
import json, os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
path, calls = sys.argv[1], json.loads(sys.argv[2])
answers = {}
for name in calls:
    try:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(5)
        s.connect(path)
        s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": {}}).encode() + b"\\n")
        answers[name] = s.recv(4096).decode()
    except (BrokenPipeError, ConnectionResetError):
        answers[name] = ""
    except OSError as error:
        answers[name] = f"refused: {error.strerror}"
print(json.dumps(answers))
"""


def as_nobody(path: str) -> dict[str, str]:
    """What each method says to a process of another user."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    argv = [sys.executable, "-c", AS_NOBODY, path, json.dumps(list(METHODS))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=50, cwd="/")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_method_is_refused_to_another_user_by_the_files(program: Program) -> None:
    wire = Steered(program)
    path = wire.entry().socket
    found = Path(path)
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    answers = as_nobody(path)
    assert set(answers) == set(METHODS)
    assert set(answers.values()) == {"refused: Permission denied"}
    assert wire.closes() == 0


def test_every_method_is_refused_to_another_user_by_the_kernels_word(program: Program) -> None:
    """With the files wide open it is the peer's user id that counts."""
    wire = Steered(program)
    found = Path(wire.entry().socket)
    found.parent.chmod(0o755)
    found.chmod(0o666)
    assert set(as_nobody(str(found)).values()) == {""}
    found.parent.chmod(0o700)
    with wire.dial() as control:
        assert control.call("scope/status")["pid"] == wire.process.pid
    assert wire.closes() == 0


def test_every_method_answers_this_user_or_says_what_is_wrong(program: Program) -> None:
    wire = Steered(program)
    with wire.dial() as control:
        listed = control.call("scope/methods")
        assert [method["name"] for method in listed] == list(METHODS)
        for name, method in METHODS.items():
            given = {param.name: _sample(param.type) for param in method.params if param.default is ...}
            try:
                control.call(name, **given)
            except ScopeError as error:
                assert error.code not in ("internal", "bad_call") or "mode" in given, (name, error)
            with pytest.raises(ScopeError, match="does not take nonsense"):
                control.call(name, nonsense=1, **given)
        assert control.call("scope/status")["pid"] == wire.process.pid
    assert wire.closes() == 0


def _sample(type_):
    return {int: 1, str: "x", bool: True, dict: {"method": "ping"}, list: ["x"]}.get(type_, 1)


def test_what_is_no_call_is_told_and_the_connection_lives(program: Program) -> None:
    wire = Steered(program)
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(wire.entry().socket)
    file = raw.makefile("rb")
    for said, code in (
        (b"{", -32700),
        (b"[]", -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"x"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"scope/nothing"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"scope/holds/get"}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"scope/holds/get","params":{"id":"1"}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"scope/holds/get","params":{"id":1}}', 1),
    ):
        raw.sendall(said + b"\n")
        assert json.loads(file.readline())["error"]["code"] == code, said
    raw.close()
    assert wire.closes() == 0


def test_the_registry_finds_the_living_and_forgets_the_dead(program: Program) -> None:
    wire = Steered(program)
    entry = wire.entry()
    folder = Path(program.env["MCPSCOPE_RUNTIME_DIR"])
    (folder / "4000000.json").write_text(json.dumps({"pid": 4000000, "label": "gone"}))
    (folder / "1.json").write_text("no json")
    assert [one.pid for one in running(folder)] == [entry.pid]
    assert (entry.label, entry.db) == (Path(sys.executable).name, str(program.db)) or entry.label
    assert wire.closes() == 0
    assert not Path(entry.socket).exists()
    with pytest.raises(ScopeError, match="no proxy listens"):
        Control(entry.socket, "late")


def test_choosing_names_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(ScopeError, match="no proxy runs"):
        choose()
    for pid, label, at in ((os.getpid(), "one", 1), (os.getppid(), "two", 2)):
        (tmp_path / f"{pid}.json").write_text(json.dumps({"pid": pid, "label": label, "started_at": at}))
    with pytest.raises(ScopeError, match=r"one \(.*two \("):
        choose()
    assert choose("two").pid == os.getppid()
    with pytest.raises(ScopeError, match="no proxy called 'three'"):
        choose("three")


def test_a_socket_may_lie_deeper_than_the_kernels_hundred_bytes(program: Program, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / "run"
    program.env["MCPSCOPE_RUNTIME_DIR"] = str(deep)
    wire = Steered(program)
    with wire.dial() as control:
        assert control.call("scope/status")["pid"] == wire.process.pid
    assert wire.closes() == 0


def test_the_socket_is_there_before_anybody_looks_and_imports_nothing(program: Program) -> None:
    wire = Steered(program)
    wire.entry()
    maps = Path(f"/proc/{wire.process.pid}/maps").read_text()
    assert "orjson" not in maps
    with wire.dial():
        until(lambda: "orjson" in Path(f"/proc/{wire.process.pid}/maps").read_text())
    assert wire.closes() == 0


def test_lines_come_whole_whatever_the_chunks() -> None:
    text = lines.call("a", {"x": 2**70}, 1) + b"\n" + lines.result(1, None) + lines.error(2, 3, "no")
    whole = lines.Lines().feed(text)
    reader = lines.Lines()
    assert [message for byte in text for message in reader.feed(bytes([byte]))] == whole
    assert [type(message).__name__ for message in whole] == ["Call", "Reply", "Reply"]


def test_parameters_are_checked_by_the_table() -> None:
    method = METHODS["scope/breakpoints/add"]
    assert validated(method, {"skip": 2})["on"] == "request"
    for wrong in ({"skip": True}, {"skip": "2"}, {"on": "never"}, {"what": 1}):
        with pytest.raises(ValueError, match=r"skip|on|what"):
            validated(method, wrong)


class Failing:
    """A handler with a fault."""

    def call(self, method, params, peer):
        raise KeyError(method)

    def left(self, peer):
        pass


def test_a_fault_of_ours_in_steering_is_told_and_does_not_reach_the_loop(tmp_path: Path) -> None:
    loop = PollLoop()
    path = str(tmp_path / "s.sock")
    listening = Listening(loop, path, lambda: None, Failing)
    assert listening.open()

    def ask() -> None:
        try:
            with pytest.raises(ScopeError, match="failed at this: KeyError") as found:
                Control(path, "x")
            assert found.value.code == "internal"
        finally:
            wake.close()

    ours, wake = socket.socketpair()
    loop.add_reader(ours.fileno(), lambda: loop.stop())
    thread = threading.Thread(target=ask)
    thread.start()
    loop.run_forever()
    thread.join(10)
    ours.close()
