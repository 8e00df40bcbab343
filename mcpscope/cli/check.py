"""``mcpscope check``: a recording against the specification, and against what is expected of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.files import writing_to
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.engine.filter.units import duration
from mcpscope.errors import Exit, ScopeError
from mcpscope.lint.finding import Finding
from mcpscope.lint.recorded import findings_of
from mcpscope.lint.report import facts, to_junit, to_sarif, to_text
from mcpscope.lint.rules import RULES, Severity
from mcpscope.store.calls import Called, calls_of
from mcpscope.store.directory import Directory, SessionInfo
from mcpscope.store.reader import Reader
from mcpscope.store.reading import reading

_ALIASES = {"late": "late-answer", "malformed": "not-json", "lost": "no-answer"}


@click.command("check")
@click.argument("recording", shell_complete=complete_session)
@click.option(
    "--fail-on",
    default="error",
    metavar="WORD,…",
    help="What makes the exit code 1: error, warning, note, or codes of findings. Default: error.",
)
@click.option("--expect-tool", "expected", multiple=True, metavar="GLOB", help="A tool that must be called.")
@click.option(
    "--forbid-tool", "forbidden", multiple=True, metavar="GLOB", help="A tool that must not be called."
)
@click.option("--max-duration", metavar="TIME", help="The longest that a call may take, such as 2s.")
@click.option("--format", "form", type=click.Choice(["text", "json", "junit", "sarif"]), default="text")
@click.option("-o", "--output", metavar="FILE", help="Write there instead of stdout.")
@with_settings
def command(recording: str, settings: Settings, **wanted: Any) -> int:
    """Check RECORDING: findings about client and server, each with its page of the specification."""
    words = _words(wanted["fail_on"])
    longest = _nanoseconds(wanted["max_duration"])
    with reading(settings.db) as connection:
        info = Directory(connection).find(recording)
        findings = findings_of(Reader(settings.db, connection), info)
        calls = list(calls_of(connection, info.id))
    findings += _expectations(calls, wanted["expected"], wanted["forbidden"], longest)
    failing = [found for found in findings if found.code in words or found.severity in words]
    if settings.json:
        listed = [facts(found) for found in findings]
        emit_json({"recording": _name(info), "failed": bool(failing), "findings": listed})
    else:
        with writing_to(wanted["output"]) as file:
            file.write(
                f"{_told(wanted['form'], info, findings, failing)}\n".encode("utf-8", "backslashreplace")
            )
    return Exit.DIFFERENT if failing else Exit.OK


def _name(info: SessionInfo) -> str:
    return info.name or info.label or str(info.id)


def _told(form: str, info: SessionInfo, findings: list[Finding], failing: list[Finding]) -> str:
    if form == "json":
        return json.dumps([facts(found) for found in findings], indent=1)
    if form == "junit":
        return to_junit(_name(info), findings, failing, list(RULES.values()), at=info.started_at)
    return to_sarif(_name(info), findings) if form == "sarif" else to_text(findings)


def _expectations(
    calls: list[Called], expected: tuple[str, ...], forbidden: tuple[str, ...], longest: int | None
) -> Iterator[Finding]:
    for glob in expected:
        if not any(fnmatchcase(call.tool, glob) for call in calls):
            yield Finding("missing-call", "client", f"no call of {glob}", glob)
    for call in calls:
        if any(fnmatchcase(call.tool, glob) for glob in forbidden):
            yield Finding("forbidden-call", "client", "it was called", call.tool, call.message)
        if longest is not None and (call.dur_ns or 0) > longest:
            took = (call.dur_ns or 0) / 1e9
            yield Finding("slow-call", "server", f"it took {took:.3f} s", call.tool, call.message)


def _words(fail_on: str) -> set[str]:
    words = {_ALIASES.get(word.strip(), word.strip()) for word in fail_on.split(",") if word.strip()}
    for word in sorted(words):
        if word not in RULES and word not in set(Severity) and word != "none":
            raise ScopeError(
                f"--fail-on does not know {word!r}",
                code="usage",
                exit=Exit.USAGE,
                hint="error, warning, note, none, or a code such as " + ", ".join(list(RULES)[:4]),
            )
    return words


def _nanoseconds(text: str | None) -> int | None:
    if text is None:
        return None
    found = duration(text)
    if found is None:
        raise ScopeError(
            f"--max-duration does not read {text!r}", code="usage", exit=Exit.USAGE, hint="for example 2s"
        )
    return found
