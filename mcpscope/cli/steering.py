"""What the steering commands share: which proxy is meant, which hold, and times for people."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings
from mcpscope.control.client import Control
from mcpscope.control.registry import Running, choose, running
from mcpscope.errors import Exit, ScopeError

SECOND_NS = 1_000_000_000


def own_name() -> str:
    """How this command signs its decisions."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or str(os.getuid())
    return f"cli {user}"


@contextmanager
def dialled(wanted: str = "") -> Iterator[tuple[Running, Control]]:
    """The control socket of the proxy with this label, pid or uid, or of the only one."""
    entry = choose(wanted)
    with entry.dial(own_name()) as control:
        yield entry, control


def everywhere() -> Iterator[tuple[Running, Control]]:
    """Every running proxy that answers; one that has just ended is passed over."""
    for entry in running():
        if not entry.socket:
            continue
        try:
            control = entry.dial(own_name())
        except ScopeError:
            continue
        with control:
            yield entry, control


@contextmanager
def hold_at(id: int, wanted: str) -> Iterator[tuple[Control, dict[str, Any]]]:
    """The proxy that has hold ``id``; raises ScopeError where none or several have it."""
    if wanted:
        with dialled(wanted) as (_, control):
            yield control, control.call("scope/holds/get", id=id)
        return
    found = [entry for entry, control in everywhere() if _has(control, id)]
    if len(found) > 1:
        labels = ", ".join(f"{entry.label} ({entry.pid})" for entry in found)
        raise ScopeError(
            f"several proxies hold a {id}: {labels}",
            code="ambiguous",
            exit=Exit.USAGE,
            hint="add --proxy PID",
        )
    if not found and len(running()) != 1:
        raise ScopeError(
            f"no proxy holds a {id}", code="no_hold", exit=Exit.REFUSED, hint="see: mcpscope holds list"
        )
    entry = found[0] if found else choose()
    with entry.dial(own_name()) as control:
        yield control, control.call("scope/holds/get", id=id)


def decide(settings: Settings, id: int, proxy: str, method: str, **wish: Any) -> None:
    """Decide on hold ``id`` by the verb ``method`` of the control socket, and say what became of it."""
    with hold_at(id, proxy) as (control, _):
        say(settings, control.call(f"scope/holds/{method}", id=id, **wish))


def say(settings: Settings, done: dict[str, Any]) -> None:
    """What a decision on a hold led to."""
    if settings.json:
        emit_json(done)
    elif "hold" in done:
        click.echo(f"hold {done['hold']['id']} stays held ({done['hold']['state']})")
    else:
        click.echo(f"hold {done['id']} {done['outcome']}")


def text_of(shown: dict[str, str]) -> str:
    """The text of a held message as the control socket shows it."""
    if "text" in shown:
        return shown["text"]
    return base64.b64decode(shown["base64"]).decode(errors="backslashreplace")


def waited(hold: dict[str, Any]) -> str:
    """``12 s of 60 s (known)``: how long it is held, and what is known of the client's patience."""
    seconds = (time.time_ns() - hold["held_at"]) / SECOND_NS
    if hold["state"] == "gave-up":
        return f"{_seconds(seconds)}, nobody waits"
    if hold["clock_ns"] is None:
        return _seconds(seconds)
    return f"{_seconds(seconds)} of {_seconds(hold['clock_ns'] / SECOND_NS)} ({hold['clock_source']})"


def _seconds(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _has(control: Control, id: int) -> bool:
    return any(hold["id"] == id for hold in control.call("scope/holds/list"))
