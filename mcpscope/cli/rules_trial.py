"""``mcpscope rules explain`` and ``test``: what a policy would do, before it does it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.engine.backtest import Judged, Step, Trial
from mcpscope.engine.outcomes import Word
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.session.law import read_policies
from mcpscope.store.callers import callers_of
from mcpscope.store.directory import Directory, SessionInfo
from mcpscope.store.reader import Reader
from mcpscope.store.reading import reading
from mcpscope.text import json_text, safe

PAGE = 500
_LEAVES = (Word.FORWARDED.value, Word.EDITED.value)


@click.command("explain")
@click.argument("file", type=click.Path())
@click.argument("message")
@click.option("--caller", default="", metavar="NAME", help="Whose token came with it.")
@click.option("--client", default="", metavar="NAME", help="What the client says it is.")
@click.option("--from-server", is_flag=True, help="The server says it.")
@with_settings
def explain(
    settings: Settings, file: str, message: str, caller: str, client: str, *, from_server: bool
) -> int:
    """Which rule of policy FILE decides on MESSAGE, and what each other rule made of it.

    MESSAGE is JSON, @FILE, or - for standard input. Exit code 1 where it would not pass.
    """
    parsed = parse(_bytes_of(message))
    direction = Direction.TO_CLIENT if from_server else Direction.TO_SERVER
    trial = Trial(read_policies([file]), client=client)
    steps = trial.steps(parsed, direction, 1, caller)
    judged = trial.judge(parsed, direction, 2, caller=caller)
    if settings.json:
        emit_json({**_facts(judged), "rules": [_step(step) for step in steps]})
    else:
        for step in steps:
            if step.found != "elsewhere":
                told = f"{step.found:9} {step.action:6} {step.rule}  {step.looks_for or '(everything)'}"
                click.echo(safe(told))
        why = "; ".join((*judged.tags, *judged.warnings))
        rule = f" by {judged.rule}" if judged.rule else ""
        click.echo(safe(f"{judged.word}{rule}{f' ({why})' if why else ''}"))
    return Exit.OK if judged.word in _LEAVES else Exit.DIFFERENT


@click.command("test")
@click.argument("file", type=click.Path())
@click.argument("sessions", nargs=-1, shell_complete=complete_session)
@click.option(
    "--cases",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What is expected: written where this file is missing, else compared; exit code 1 on a difference.",
)
@with_settings
def try_on(settings: Settings, file: str, sessions: tuple[str, ...], cases: Path | None) -> int:
    """What policy FILE would have done in recorded SESSIONS (default: the last one)."""
    policies = read_policies([file])
    decided: dict[str, Judged] = {}
    seen = 0
    with reading(settings.db, warn) as connection:
        reader, directory = Reader(settings.db, connection), Directory(connection)
        for word in sessions or ("last",):
            info = directory.find(word)
            for name, judged in _judged(reader, info, Trial(policies)):
                seen += 1
                if judged.word != Word.FORWARDED.value or judged.tags:
                    decided[f"{info.id}/{name}"] = judged
    different = _compared(decided, cases)
    if settings.json:
        found = [{"message": name, **_facts(judged)} for name, judged in decided.items()]
        emit_json({"messages": seen, "decided": found, "different": different})
    else:
        for line in _lines(decided, seen, different):
            click.echo(safe(line))
    return Exit.DIFFERENT if different else Exit.OK


def _judged(reader: Reader, info: SessionInfo, trial: Trial) -> Iterator[tuple[int, Judged]]:
    """Every message of a session as its peers sent it, by its id, and what would become of it."""
    callers = callers_of(reader.connection, info.id)
    last = 0
    while frames := reader.frames(info.id, after=last, limit=PAGE):
        for frame in frames:
            last = frame.id
            if frame.dir and frame.origin == "peer" and len(frame.raw) == frame.size:
                caller = callers.get(frame.stream, "")
                message = parse(frame.raw)
                yield frame.id, trial.judge(message, Direction(frame.dir), frame.at, frame.stream, caller)


def _lines(decided: dict[str, Judged], seen: int, different: list[str]) -> Iterator[str]:
    counts = Counter((judged.word, judged.rule) for judged in decided.values())
    if not counts:
        yield f"all {seen:,} messages would have passed as they came"
    for (word, rule), count in counts.most_common():
        yield f"would have {_VERBS.get(word, word)} {count:,} of {seen:,} messages: {rule or 'no rule'}"
    for name in different:
        yield f"different from what is expected: message {name}"


_VERBS = {"forwarded": "marked", "dropped": "dropped", "ask": "asked about"}


def _compared(decided: dict[str, Judged], cases: Path | None) -> list[str]:
    """The messages decided otherwise than ``cases`` says; the file is written where it is missing."""
    if cases is None:
        return []
    found = {name: [judged.word, judged.rule] for name, judged in decided.items()}
    try:
        if not cases.exists():
            cases.write_text(json_text(found) + "\n", encoding="utf-8")
            return []
        expected = json.loads(cases.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScopeError(f"{cases} cannot be used: {error}", code="usage", exit=Exit.USAGE) from None
    if not isinstance(expected, dict):
        raise ScopeError(f"{cases} has no cases", code="usage", exit=Exit.USAGE)
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def _facts(judged: Judged) -> dict[str, Any]:
    facts: dict[str, Any] = {"outcome": judged.word, "rule": judged.rule}
    return {**facts, "tags": list(judged.tags), "warnings": list(judged.warnings)}


def _step(step: Step) -> dict[str, str]:
    return {"rule": step.rule, "action": step.action, "match": step.looks_for, "found": step.found}


def _bytes_of(message: str) -> bytes:
    if message == "-":
        return sys.stdin.buffer.read().strip()
    if not message.startswith("@"):
        return message.encode("utf-8", "surrogateescape")
    try:
        return Path(message[1:]).read_bytes().strip()
    except OSError as error:
        raise ScopeError(
            f"{message[1:]} cannot be read: {error.strerror}", code="usage", exit=Exit.USAGE
        ) from None
