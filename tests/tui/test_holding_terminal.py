"""Holding from a UI on a terminal: an open editor, a stopped, killed or unread UI never touch the traffic."""

from __future__ import annotations

import json
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.program import Program, until
from tests.session.steered import Steered, call
from tests.tui.test_terminal import Terminal

pytestmark = pytest.mark.timeout(120)
EXTRA_SECONDS = 0.05
EDITOR = """#!/bin/sh
echo "$@" > "{folder}/opened"
cp "$MCPSCOPE_SCHEMA" "{folder}/schema.json" 2>/dev/null
while [ ! -e "{folder}/go" ]; do sleep 0.05; done
{then}
"""


class Read(Terminal):
    """A terminal that somebody looks at: what is drawn is taken by a thread, until ``look_away`` is set."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.look_away = threading.Event()
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self.closed.wait(0.02):
            if not self.look_away.is_set():
                super().read()

    def read(self) -> bytes:
        return self.drawn

    def close(self) -> None:
        self.closed.set()
        self._thread.join()
        super().close()


@pytest.fixture
def wire(program: Program, monkeypatch: pytest.MonkeyPatch) -> Steered:
    for name in ("MCPSCOPE_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, program.env[name])
    return Steered(program, "--break", "tool:echo")


@pytest.fixture
def terminal(program: Program) -> Iterator[Callable[..., Read]]:
    """Opens UIs on terminals of their own; at the end they are killed."""
    opened: list[Read] = []

    def open_one(**environment: str) -> Read:
        ui = Read(program.db, size=(120, 40), **environment)
        opened.append(ui)
        return ui

    yield open_one
    for ui in opened:
        ui.close()


def editor(folder: Path, then: str) -> str:
    """An editor that waits until the file ``go`` is there."""
    path = folder / "editor.sh"
    path.write_text(EDITOR.format(folder=folder, then=then))
    path.chmod(0o755)
    return str(path)


def latencies(wire: Steered, seconds: float, *, first: int) -> list[float]:
    """Call another tool, one call after the other, for so long."""
    found: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        wire.says(call(first + len(found), "slow"))
        assert wire.hears()["id"] == first + len(found)
        found.append(time.monotonic() - began)
        time.sleep(0.01)
    return found


def held(wire: Steered, ui: Read) -> None:
    """A call of echo is held, once the UI is attached, and looked at."""
    with wire.dial(attach=False) as control:
        until(lambda: control.call("scope/status")["attached"])
    wire.says(call(1, n=10))
    ui.until("HELD")
    ui.press("!")
    ui.until("has not seen")


def the_same(before: list[float], during: list[float]) -> None:
    """Medians of calls made in turn: a machine with other work slows both."""
    assert statistics.median(during) - statistics.median(before) < EXTRA_SECONDS


@pytest.mark.parametrize("seconds", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_other_calls_pass_while_the_editor_is_open_and_what_it_wrote_is_sent(
    program: Program, wire: Steered, terminal: Callable[..., Read], seconds: int
) -> None:
    wire.says({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})
    wire.hears()
    ui = terminal(EDITOR=editor(program.folder, 'sed -i s/10/11/ "$1"'))
    held(wire, ui)
    before = latencies(wire, 0.5, first=100)
    ui.press("E")
    opened = program.folder / "opened"
    until(opened.exists)
    during = latencies(wire, seconds, first=10_000)
    the_same(before, during)
    name = Path(until(lambda: opened.read_text().strip()))
    assert name.suffix == ".json" and "echo-1" in name.name
    assert name.stat().st_mode & 0o777 == 0o600
    assert json.loads((program.folder / "schema.json").read_text())["properties"]
    (program.folder / "go").touch()
    ui.until("taken from the editor")
    assert wire.reached_calls()[-1] != 1
    ui.until("\N{DOUBLE VERTICAL LINE}1 mcpscope\x07")
    ui.press("\x13")
    ui.until("sent, cannot be undone")
    ui.until("\x1b]2;mcpscope\x07")
    while wire.hears()["id"] != 1:
        pass
    assert b'"n":11' in wire.reached()[-1]
    assert not name.parent.exists()


def test_an_editor_that_fails_changes_nothing(
    program: Program, wire: Steered, terminal: Callable[..., Read]
) -> None:
    ui = terminal(EDITOR=editor(program.folder, 'echo broken > "$1"; exit 1'))
    (program.folder / "go").touch()
    held(wire, ui)
    ui.press("E")
    ui.until("the editor changed nothing")
    ui.press("\x1b")
    time.sleep(0.3)
    ui.press("a")
    assert wire.hears()["id"] == 1
    assert b'"n":10' in wire.reached()[-1]


def test_without_an_editor_there_is_a_sentence(
    program: Program, wire: Steered, terminal: Callable[..., Read]
) -> None:
    nothing = program.folder / "nothing"
    nothing.mkdir()
    ui = terminal(PATH=str(nothing), EDITOR="", VISUAL="", MCPSCOPE_EDITOR="")
    held(wire, ui)
    ui.press("E")
    ui.until("there is no editor")
    ui.press("\x1b")
    assert b"Traceback" not in ui.read()


@pytest.mark.parametrize("seconds", [0.5, pytest.param(20, marks=pytest.mark.soak)])
def test_a_stopped_ui_and_an_unread_terminal_hold_nobody_up(
    wire: Steered, terminal: Callable[..., Read], seconds: float
) -> None:
    ui = terminal()
    held(wire, ui)
    before = latencies(wire, 0.5, first=100)
    os.kill(ui.process.pid, signal.SIGSTOP)
    the_same(before, latencies(wire, seconds, first=10_000))
    os.kill(ui.process.pid, signal.SIGCONT)
    ui.look_away.set()
    the_same(before, latencies(wire, seconds, first=20_000))
    ui.look_away.clear()
    ui.press("a")
    ui.until("sent, cannot be undone")
    while wire.hears()["id"] != 1:
        pass


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.soak)])
def test_what_a_dead_or_stopped_ui_leaves_held_follows_its_fallback(
    wire: Steered, terminal: Callable[..., Read], how: signal.Signals
) -> None:
    ui = terminal()
    held(wire, ui)
    ui.press("t")
    ui.until("Decide it within")
    for keys in ("\x7f\x7f", "1s", "\r"):  # as a person types: keys of one burst may overtake each other
        ui.press(keys)
        time.sleep(0.3)
    ui.until("1s from now")
    os.kill(ui.process.pid, how)
    answer = wire.hears()
    assert answer["id"] == 1 and "error" in answer
    assert wire.reached_calls() == []
    wire.says(call(2))
    if how is signal.SIGKILL:  # nobody is attached: the breakpoint lets it pass
        assert wire.hears()["id"] == 2
        assert wire.reached_calls() == [2]
    else:
        assert wire.is_silent()
