"""``mcpscope doctor``: what is wrong on this machine, or with a server, and what to do about it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.health import Seen, State, of_machine
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.errors import Exit, ScopeError
from mcpscope.lint.finding import Finding
from mcpscope.lint.recorded import findings_of
from mcpscope.lint.rules import Severity
from mcpscope.protocol.methods import LISTS, Method
from mcpscope.protocol.revisions import LATEST, is_known
from mcpscope.replay.caller import Caller
from mcpscope.store.directory import Directory
from mcpscope.store.reader import Reader
from mcpscope.store.reading import reading
from mcpscope.text import safe

SLOW_START_SECONDS = 5.0
MAX_PAGES = 50
_STATES = {Severity.ERROR: State.FAIL, Severity.WARNING: State.WARN, Severity.NOTE: State.WARN}
_FIXES = {
    "not-json": "write logs to standard error: standard output belongs to the protocol",
    "hidden-characters": "remove them: a model reads what nobody sees",
    "no-input-schema": 'a tool without parameters has {"type": "object"}',
    "tool-name": "A-Z a-z 0-9 _ - . and at most 128 characters",
    "long-tool-name": "A-Z a-z 0-9 _ - and at most 64 characters work everywhere",
    "schema-for-clients": "say it without: models' interfaces refuse it",
}


@click.command("doctor")
@click.argument("target", nargs=-1, type=click.UNPROCESSED)
@click.option("--timeout", type=click.FloatRange(min=0.1, max=3600), default=30.0, metavar="SECONDS")
@with_settings
def command(target: tuple[str, ...], timeout: float, settings: Settings) -> int:
    """Check terminal, database, folders, clients, versions; with -- COMMAND or URL a server instead."""
    seen = list(_of_server(target, timeout) if target else of_machine(settings.db))
    failed = any(one.state is State.FAIL for one in seen)
    if settings.json:
        emit_json([_facts(one) for one in seen])
    else:
        for one in seen:
            click.echo(f"{one.state.value:4}  {safe(one.subject)}: {safe(one.text)}")
            if one.fix:
                click.echo(f"      try: {safe(one.fix)}")
    return Exit.DIFFERENT if failed else Exit.OK


def _facts(one: Seen) -> dict[str, Any]:
    return {
        "state": one.state.value.lower(),
        "subject": one.subject,
        "text": one.text,
        "fix": one.fix or None,
    }


def _of_server(target: tuple[str, ...], timeout: float) -> Iterator[Seen]:
    """Start it, ask it what it offers in both eras, and read what was recorded of that."""
    words = list(target) if "://" in target[0] else ["--", *target]
    with tempfile.TemporaryDirectory(prefix="mcpscope-doctor-") as folder:
        db = Path(folder) / "doctor.db"
        seen = [*_greeted(words, db, timeout, modern=False), *_greeted(words, db, timeout, modern=True)]
        yield from seen
        if not any(one.subject == "start" or one.state is State.FAIL for one in seen):
            fix = "answer initialize, server/discover, or both"
            yield Seen(State.FAIL, "eras", "the server speaks neither the handshake nor 2026-07-28", fix)
        yield from _recorded(db)


def _greeted(words: list[str], db: Path, timeout: float, *, modern: bool) -> Iterator[Seen]:
    era = "2026-07-28" if modern else "handshake"
    began = time.monotonic()
    options = ["--record", "modern" if modern else "legacy"]
    try:
        with Caller(words, db, timeout, options, modern=modern) as caller:
            answer = caller.ask(Method.DISCOVER, {}) if modern else caller.welcome
            took = time.monotonic() - began
            result = answer.get("result")
            if not isinstance(result, dict):
                said = answer.get("error", {}).get("message", "no result")
                yield Seen(State.OK, f"era {era}", f"the server does not speak it ({said})")
                return
            yield from _start(took)
            yield from _welcomed(result, era, modern=modern)
            for method in _offered(result):
                _listed(caller, method)
    except ScopeError as error:
        yield Seen(State.FAIL, f"era {era}", error.message, error.hint)


def _start(took: float) -> Iterator[Seen]:
    if took > SLOW_START_SECONDS:
        fix = "clients give up after 10 to 60 s: do slow work after the first answer"
        yield Seen(State.WARN, "start", f"{took:.1f} s to the first answer", fix)
    else:
        yield Seen(State.OK, "start", f"{took:.2f} s to the first answer")


def _welcomed(result: dict[str, Any], era: str, *, modern: bool) -> Iterator[Seen]:
    able = result.get("capabilities")
    names = ", ".join(able) if isinstance(able, dict) and able else "nothing"
    info = result.get("serverInfo")
    who = f"{info.get('name')} {info.get('version', '')}".strip() if isinstance(info, dict) else "a server"
    revision = LATEST if modern else str(result.get("protocolVersion"))
    yield Seen(State.OK, f"era {era}", f"{who}, {revision}, offers {names}")
    if not is_known(revision):
        yield Seen(
            State.FAIL, f"era {era}", f"{revision!r} is no revision", "answer with one that is published"
        )


def _offered(result: dict[str, Any]) -> list[str]:
    able = result.get("capabilities")
    return [method for method, name in LISTS.items() if isinstance(able, dict) and name in able]


def _listed(caller: Caller, method: str) -> None:
    cursor: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        result = caller.ask(method, cursor).get("result")
        if not isinstance(result, dict) or not isinstance(result.get("nextCursor"), str):
            return
        cursor = {"cursor": result["nextCursor"]}


def _recorded(db: Path) -> Iterator[Seen]:
    found: dict[tuple[str, str, str], Finding] = {}
    try:
        with reading(db) as connection:
            for info in Directory(connection).newest():
                if info.server_transport == "sse":
                    fix = "offer Streamable HTTP beside it, at one address"
                    yield Seen(State.WARN, "deprecated", "HTTP+SSE is deprecated since 2025-03-26", fix)
                with closing(Reader(db)) as reader:
                    for finding in findings_of(reader, info):
                        if finding.side == "server":
                            found.setdefault((finding.code, finding.about, finding.text), finding)
    except ScopeError as error:
        yield Seen(State.FAIL, "recording", error.message, error.hint)
    for finding in found.values():
        text = f"{finding.about}: {finding.text}" if finding.about else finding.text
        fix = _FIXES.get(finding.code) or finding.rule.url
        yield Seen(_STATES[finding.severity], finding.code, text, fix)
    if not found:
        yield Seen(State.OK, "findings", "none")
