"""``mcpscope rules explain`` and ``test``: what a policy would do, before it does it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.engine.backtest import Judged, Step, Trial
from mcpscope.engine.limits import MemoryBook
from mcpscope.engine.outcomes import Word
from mcpscope.engine.policy.load import in_force
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.session.law import read_policies
from mcpscope.store.callers import callers_of
from mcpscope.store.directory import Directory, SessionInfo
from mcpscope.store.matching import matches
from mcpscope.store.reader import Frame, Reader
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
    judged = trial.judge(parsed, direction, 2, caller=caller) or Judged("")
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
@click.option("--all", "everything", is_flag=True, help="Every session that is recorded.")
@click.option(
    "--cases",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What is expected: written where this file is missing, else compared; exit code 1 on a difference.",
)
@with_settings
def try_on(
    settings: Settings, file: str, sessions: tuple[str, ...], cases: Path | None, *, everything: bool
) -> int:
    """What policy FILE would have done in recorded SESSIONS (default: the last one), in order of time.

    Limits begin with nothing spent; what a rule asks about is taken as it was decided then.
    """
    policies = read_policies([file])
    decided: dict[str, Judged] = {}
    calls, book = 0, MemoryBook()
    with reading(settings.db, warn) as connection:
        reader = Reader(settings.db, connection)
        infos = chosen(Directory(connection), sessions, everything=everything)
        for info in infos:
            for frame, judged in _judged(reader, info, Trial(policies, book=book)):
                calls += not frame.kind.startswith(_ANSWERS)
                if judged.word != Word.FORWARDED.value or judged.tags:
                    decided[f"{info.id}/{frame.id}"] = judged
        seen, matched = matches(connection, in_force(policies), [info.id for info in infos])
    different = _compared(decided, cases)
    if settings.json:
        found = [{"message": name, **_facts(judged)} for name, judged in decided.items()]
        rules = [{"rule": name, "matched": count, "of": seen} for name, count in matched.items()]
        emit_json({"calls": calls, "decided": found, "different": different, "rules": rules})
    else:
        for line in (*_lines(decided, calls, different), *_matched(matched, seen)):
            click.echo(safe(line))
    return Exit.DIFFERENT if different else Exit.OK


def chosen(directory: Directory, words: Sequence[str], *, everything: bool) -> list[SessionInfo]:
    """The sessions that are meant, each once, in the order in which they began."""
    if everything and words:
        raise ScopeError("--all takes no SESSION", code="usage", exit=Exit.USAGE)
    found = directory.newest() if everything else [directory.find(word) for word in words or ("last",)]
    return sorted({info.id: info for info in found}.values(), key=lambda info: (info.started_at, info.id))


def _judged(reader: Reader, info: SessionInfo, trial: Trial) -> Iterator[tuple[Frame, Judged]]:
    """Every message of a session as its peers sent it, and what would become of it."""
    callers = callers_of(reader.connection, info.id)
    for frame in frames_of(reader, info):
        judged = trial.judge(
            parse(frame.raw),
            Direction(frame.dir),
            frame.at,
            frame.stream,
            callers.get(frame.stream, ""),
            passed=frame.fate == Word.FORWARDED.value,
        )
        if judged is not None:
            yield frame, judged


def frames_of(reader: Reader, info: SessionInfo) -> Iterator[Frame]:
    """What the peers of a session said, as it was received; what was not kept whole is left out."""
    last = 0
    while frames := reader.frames(info.id, after=last, limit=PAGE):
        for frame in frames:
            last = frame.id
            if frame.dir and frame.origin == "peer" and len(frame.raw) == frame.size:
                yield frame


def _lines(decided: dict[str, Judged], calls: int, different: list[str]) -> Iterator[str]:
    counts = Counter((judged.word, judged.rule) for judged in decided.values())
    if not counts:
        yield f"all {calls:,} calls would have passed as they came"
    for (word, rule), count in counts.most_common():
        yield f"would have {_VERBS.get(word, word)} {count:,} of {calls:,} calls: {rule or 'no rule'}"
    for name in different:
        yield f"different from what is expected: message {name}"


def _matched(matched: dict[str, int], seen: int) -> Iterator[str]:
    for name, count in matched.items():
        yield f"would have matched {count:,} of the last {seen:,} exchanges: {name}"


_VERBS = {"forwarded": "marked", "dropped": "dropped", "ask": "asked about"}
_ANSWERS = ("result", "error")


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
