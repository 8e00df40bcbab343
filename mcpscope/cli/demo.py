"""``mcpscope demo``: a session on real traffic without a network, shown while it happens."""

from __future__ import annotations

import math
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import click

from mcpscope.cli.demo_ui import show as show_ui
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.ui import options as ui_options
from mcpscope.demo.frozen import build
from mcpscope.demo.run import Performance, demo_db, start
from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import default_db
from mcpscope.store.schema import ensure
from mcpscope.tui.terminal import has_terminal

NEXT = (
    ("ui", "the same in the terminal UI"),
    ("log --frames", "every message as it crossed the wire"),
    ("log tool:weather", "what one tool was asked and said"),
    ("log is:error", "what went wrong"),
    ("sessions show last", "who spoke with whom, how it ended"),
    ("export demo --format md", "a session to paste somewhere, secrets masked"),
)
LOG_END_SECONDS = 1.0
LOG_STOP_SECONDS = 5.0


class _Number(click.FloatRange):
    """A range that ``nan`` is not in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value} is not a number", param, ctx)
        return found


_A_RATE = _Number(min=0.001, max=100_000)
_SECONDS = _Number(min=0, max=1e7)
_PACE = _Number(min=0, max=1000)


@click.command()
@click.option("--script", type=click.Choice(["tour", "load"]), default="tour", help="What the client does.")
@click.option("--rate", type=_A_RATE, default=50.0, metavar="N", help="Calls a second of --script load.")
@click.option(
    "--seconds",
    type=_SECONDS,
    default=10.0,
    metavar="S",
    help="How long --script load lasts; 0: until Ctrl-C.",
)
@click.option(
    "--pace",
    type=_PACE,
    default=1.0,
    metavar="X",
    help="Length of the tour's pauses: 1 is a person's.",
)
@click.option("--seed", type=int, default=1, metavar="N", help="Makes what is random the same each time.")
@click.option(
    "--frozen-clock", is_flag=True, help="Write the tour into --db at once, always the same, and stop."
)
@click.option("--frames", is_flag=True, help="Show every message instead of exchanges.")
@click.option("--no-ui", is_flag=True, help="In a terminal, too: print the log instead of opening the UI.")
@with_settings
def command(settings: Settings, *, frozen_clock: bool, frames: bool, no_ui: bool, **asked: Any) -> int:
    """Show mcpscope at work: a scripted client, a real proxy and a small server, no network needed."""
    db = demo_db() if settings.db == default_db() else settings.db
    if frozen_clock:
        build(db, seed=asked["seed"])
        click.echo(db)
        return 0
    played = Performance(**asked)
    shown = [played] if played.script == "load" else [played, replace(played, modern=True)]
    if not (no_ui or frames or settings.quiet or settings.json) and has_terminal():
        return show_ui(shown, db, ui_options(settings), settings.config)
    with tempfile.TemporaryFile() as complaints:
        _show(shown, db, complaints, frames=frames, quiet=settings.quiet)
    if not settings.quiet:
        click.echo(_what_next(db))
    return 0


def _show(shown: list[Performance], db: Path, complaints: IO[bytes], *, frames: bool, quiet: bool) -> None:
    """Play one after the other while the log follows."""
    ensure(db)  # the log may be there before the proxy
    started: list[subprocess.Popen[bytes]] = []
    log = None if quiet else _follow(db, complaints, frames=frames)
    try:
        for played in shown:
            started.append(start(played, db, "demo-2026" if played.modern else "demo", complaints.fileno()))
            if started[-1].wait():
                raise ScopeError(_last_line(complaints), code="demo_failed", exit=Exit.INTERNAL)
    finally:
        for client in started:
            client.wait()  # after Ctrl-C, too: everybody heard it, and the proxy lets its server end
        if log:
            _end(log)


def _follow(db: Path, complaints: IO[bytes], *, frames: bool) -> subprocess.Popen[bytes]:
    """``mcpscope log -f`` on everything that is recorded from now on."""
    command = [sys.executable, "-P", "-m", "mcpscope", "--db", str(db), "log", "--follow"]
    return subprocess.Popen([*command, *(["--frames"] if frames else [])], stderr=complaints)


def _end(log: subprocess.Popen[bytes]) -> None:
    """Give the log the time to show the last messages, then stop it as Ctrl-C does."""
    try:
        log.wait(LOG_END_SECONDS)
        return
    except subprocess.TimeoutExpired:
        log.send_signal(signal.SIGINT)
    try:
        log.wait(LOG_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        log.kill()


def _last_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "the demo's client did not end as it should"


def _what_next(db: Path) -> str:
    width = max(len(words) for words, _ in NEXT)
    lines = [f"  mcpscope --db {shlex.quote(str(db))} {words:{width}}   # {why}" for words, why in NEXT]
    return "\n".join(
        [
            "",
            "That was a client and a server with mcpscope between them, every byte recorded. Look at it:",
            *lines,
            "Stand between a client and a server of your own, in the place of the server's command:",
            "  mcpscope -- npx -y @modelcontextprotocol/server-everything",
        ]
    )
