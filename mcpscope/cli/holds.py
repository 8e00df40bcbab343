"""``mcpscope holds``: what is held on the running proxies, and what becomes of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.approving import approve, asked
from mcpscope.cli.completing import complete_hold
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.steering import decide, dialled, everywhere, hold_at, say, text_of, waited
from mcpscope.control.client import Control
from mcpscope.engine import spans
from mcpscope.errors import Exit, ScopeError
from mcpscope.store.last_approved import last_approved
from mcpscope.store.last_good import last_good
from mcpscope.text import safe

_PROXY = click.option("--proxy", metavar="NAME", default="", help="The proxy's label, pid or uid.")
_ID = click.argument("id", type=int, shell_complete=complete_hold)
_ANYWAY = click.option(
    "--anyway", is_flag=True, help="Send it although its client no longer waits, or a schema refuses it."
)


@click.group("holds")
def command() -> None:
    """List and decide held messages."""


command.add_command(approve)


@command.command("list")
@_PROXY
@with_settings
def list_holds(proxy: str, *, settings: Settings) -> None:
    """What is held, on every running proxy."""
    found: list[dict[str, Any]] = []
    for entry, control in everywhere():
        if proxy in ("", entry.label, str(entry.pid), entry.uid):
            held = control.call("scope/holds/list")
            found += [{**hold, "proxy": entry.label, "pid": entry.pid} for hold in held]
    if settings.json:
        emit_json(found)
        return
    if not found:
        click.echo("nothing is held", err=True)
    for hold in found:
        what = f"{hold['method']} {hold['tool']}".strip() or "a message"
        phase = "answer of" if hold["phase"] == "answer" else "      "
        line = f"{hold['id']:>4}  {phase:<9} {what}  {waited(hold)}  by {hold['rule']}  on {hold['proxy']}"
        click.echo(safe(line + ("  edited" if hold["edited"] else "")))
        for warning in hold["warnings"]:
            click.echo(f"      ! {safe(warning)}")


@command.command("show")
@_ID
@_PROXY
@with_settings
def show(id: int, proxy: str, *, settings: Settings) -> None:
    """One hold: its facts, and the message as it would leave."""
    with hold_at(id, proxy) as (control, hold):
        if hold["kind"] == "ask" and "last_approved" not in hold:
            db = Path(control.call("scope/status")["db"])
            hold["last_approved"] = last_approved(db, hold["method"], hold["name"])
        if settings.json:
            emit_json(hold)
            return
        for name in ("method", "tool", "phase", "state", "rule", "digest", "size"):
            click.echo(f"{name:<9} {safe(str(hold[name]))}")
        click.echo(f"{'held':<9} {waited(hold)}")
        for warning in hold["warnings"]:
            click.echo(f"{'warning':<9} {safe(warning)}")
        seen = (
            "the server has not seen this" if not hold["server_has_seen"] else "the server has done its part"
        )
        click.echo(f"{'note':<9} {seen}")
        for line in asked(hold):
            click.echo(safe(line, keep="\n"))
        click.echo(safe(text_of(hold["message"]), keep="\n"))


@command.command("continue")
@click.argument("id", type=int, required=False, shell_complete=complete_hold)
@click.option("--all", "everything", is_flag=True, help="All that are held and whose client still waits.")
@_ANYWAY
@_PROXY
@with_settings
def continue_(id: int | None, everything: bool, anyway: bool, proxy: str, *, settings: Settings) -> None:
    """Let it go as it stands."""
    if everything == (id is not None):
        raise ScopeError("continue takes an ID or --all", code="usage", exit=Exit.USAGE)
    if id is not None:
        decide(settings, id, proxy, "continue", confirmed=anyway)
        return
    with dialled(proxy) as (_, control):
        done = control.call("scope/holds/continue-all")
    if settings.json:
        emit_json(done)
    else:
        click.echo(f"released {len(done['released'])}, kept {len(done['kept'])}")


@command.command("step")
@_ID
@click.option("--any", "any_", is_flag=True, help="Stop at the next message, whatever it is.")
@_ANYWAY
@_PROXY
@with_settings
def step(id: int, any_: bool, anyway: bool, proxy: str, *, settings: Settings) -> None:
    """Let it go and stop again at its answer."""
    decide(settings, id, proxy, "step", any=any_, confirmed=anyway)


@command.command("edit")
@_ID
@click.option("--args", "arguments", metavar="FILE", help="New arguments (or result), JSON; - is stdin.")
@click.option("--message", metavar="FILE", help="The whole message anew, JSON; - is stdin.")
@click.option("--patch", metavar="FILE", help="A JSON Patch (RFC 6902); - is stdin.")
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help='args.limit=5, /result/x="y" …')
@click.option("--remove", "removes", multiple=True, metavar="PATH", help="Take a value out.")
@click.option("--keep", is_flag=True, help="Keep it held, as a draft.")
@click.option("--unlock-state", is_flag=True, help="Let requestState change.")
@_ANYWAY
@_PROXY
@with_settings
def edit(id: int, proxy: str, *, settings: Settings, **change: Any) -> None:
    """Change what is held and send it. Only what changes gets other bytes."""
    with hold_at(id, proxy) as (control, hold):
        wish: dict[str, Any] = {
            "set": dict(map(_pair, change["sets"])),
            "remove": list(change["removes"]),
            "release": not change["keep"],
            "unlock_state": change["unlock_state"],
            "anyway": change["anyway"],
            "confirmed": change["anyway"],
        }
        if change["patch"] is not None:
            wish["patch"] = _json(_read(change["patch"]), list, "a JSON Patch is an array of operations")
        if change["arguments"] is not None:
            wish["text"] = _read(change["arguments"])
            wish["part"] = "/result" if hold["phase"] == "answer" else "/params/arguments"
        elif change["message"] is not None:
            wish["text"] = _read(change["message"])
        say(settings, control.call("scope/holds/edit", id=id, **wish))


@command.command("revert")
@_ID
@_PROXY
@with_settings
def revert(id: int, proxy: str, *, settings: Settings) -> None:
    """Throw the draft away."""
    decide(settings, id, proxy, "revert")


@command.command("mock")
@_ID
@click.argument("file", required=False)
@click.option("--last-good", "repeat", is_flag=True, help="The last good answer this tool gave.")
@_PROXY
@with_settings
def mock(id: int, file: str | None, repeat: bool, proxy: str, *, settings: Settings) -> None:
    """Answer in the receiver's place: FILE holds {"result": …} or {"error": …}, or a bare result."""
    if repeat == (file is not None):
        raise ScopeError("mock takes a FILE or --last-good", code="usage", exit=Exit.USAGE)
    if repeat:
        with hold_at(id, proxy) as (control, hold):
            say(settings, control.call("scope/holds/answer", id=id, **_last_good(control, hold)))
        return
    text = _read(file or "-")
    body = _json(text, dict, "an answer is a JSON object")
    if "result" not in body and "error" not in body:
        text = f'{{"result":{text}}}'
    decide(settings, id, proxy, "answer", text=text)


@command.command("drop")
@_ID
@click.option("--code", type=int, default=0, help="The error's code.")
@click.option("--text", default="", help="The error's message.")
@_PROXY
@with_settings
def drop(id: int, code: int, text: str, proxy: str, *, settings: Settings) -> None:
    """Do not let it pass; a request is answered with an error."""
    decide(settings, id, proxy, "drop", code=code, text=text)


@command.command("deny")
@_ID
@click.option("--why", default="", help="Told to the client, and recorded.")
@_PROXY
@with_settings
def deny(id: int, why: str, proxy: str, *, settings: Settings) -> None:
    """Refuse it as a rule would."""
    decide(settings, id, proxy, "deny", text=why)


@command.command("extend")
@_ID
@click.argument("seconds", type=float)
@click.option("--then", type=click.Choice(["discard", "continue", "error", "deny"]), default=None)
@_PROXY
@with_settings
def extend(id: int, seconds: float, then: str | None, proxy: str, *, settings: Settings) -> None:
    """Decide later: a new deadline, SECONDS from now."""
    decide(settings, id, proxy, "extend", seconds=seconds, fallback=then or "")


@command.command("keep-alive")
@_ID
@click.option("--off", is_flag=True)
@_PROXY
@with_settings
def keep_alive(id: int, off: bool, proxy: str, *, settings: Settings) -> None:
    """Send the waiting client progress every 10 s, where it asked for progress."""
    decide(settings, id, proxy, "keep-alive", on=not off)


def _last_good(control: Control, hold: dict[str, Any]) -> dict[str, Any]:
    """The proxy's own memory of a good answer, else what is recorded of one."""
    if hold["last_good"]:
        return {"last_good": True}
    about = control.call("scope/status")
    found = last_good(Path(about["db"]), about["uid"] or "", hold["method"], hold["name"])
    result = spans.find(found, ("result",)) if found is not None else None
    if found is None or result is None:
        return {"last_good": True}  # the proxy says that there is none
    return {"text": '{"result":' + found[slice(*result)].decode(errors="surrogateescape") + "}"}


def _pair(text: str) -> tuple[str, Any]:
    path, equals, value = text.partition("=")
    if not equals:
        raise ScopeError(f"--set takes PATH=VALUE, not {text!r}", code="usage", exit=Exit.USAGE)
    try:
        return path, json.loads(value)
    except ValueError:
        return path, value


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScopeError(f"cannot read {file}: {error}", code="bad_file", exit=Exit.USAGE) from None


def _json(text: str, kind: type, what: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ScopeError(f"not JSON: {error}", code="bad_json", exit=Exit.USAGE) from None
    if not isinstance(found, kind):
        raise ScopeError(what, code="bad_json", exit=Exit.USAGE)
    return found
