"""``mcpscope replay``: say a recording again to an upstream, compare, and report."""

from __future__ import annotations

import importlib
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json
from mcpscope.cli.progress import Progress
from mcpscope.cli.rows import show_rows
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.errors import Exit, ScopeError
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.options import Options, speed_of
from mcpscope.replay.plan import Plan, is_destructive
from mcpscope.replay.report import FORMATS, row_json, summary
from mcpscope.replay.restoring import split
from mcpscope.replay.runs import Choice, Job, Report, prepare, run
from mcpscope.replay.verdicts import Strictness
from mcpscope.text import safe

REPEAT_PAUSE_SECONDS = 1.1
"""Between two runs, so that clocks that count seconds have moved and show as what varies."""


@click.command("replay")
@with_settings
@click.argument("recording", shell_complete=complete_session)
@click.argument("target", nargs=-1, type=click.UNPROCESSED)
@click.option("--only", metavar="FILTER", help="Replay only the calls that match.")
@click.option(
    "--mask", "masks", metavar="PATH", multiple=True, help="Ignore differences at [TOOL:]JSONPATH[~]."
)
@click.option("--map", "maps", metavar="WAS=NOW", multiple=True, help="Say NOW where the recording said WAS.")
@click.option(
    "--level", type=click.Choice([s.value for s in Strictness]), default="semantic", show_default=True
)
@click.option("--speed", metavar="N|max", default="max", show_default=True, help="1 keeps the recorded pace.")
@click.option(
    "--repeat", metavar="N", type=click.IntRange(1, 20), default=1, help="Run N times; find what varies."
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="For one answer (default: 10 s or 3 x recorded).",
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first difference.")
@click.option("--allow-destructive", is_flag=True, help="Run what declares itself destructive, too.")
@click.option("--update", is_flag=True, help="Accept what changed as a new revision.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; start nothing.")
@click.option("--revision", type=click.IntRange(0), help="Compare with this revision (default: the newest).")
@click.option("--policy", metavar="FILE", multiple=True, help="Rules that the replay passes like any client.")
@click.option(
    "--report", "report_format", type=click.Choice(sorted(FORMATS)), help="Print a report in this form."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report here.")
@click.option("--before", metavar="CMD", help="Run this before each run, to put data back.")
@click.option("--cmd", "commands", metavar="CMD", multiple=True, help="A/B: one more upstream, as a command.")
@click.option("--url", "urls", metavar="URL", multiple=True, help="A/B: one more upstream, as a URL.")
@click.option(
    "--bisect", is_flag=True, help="Of several upstreams, oldest first, find the first that differs."
)
@click.option("--until", metavar="N", type=click.IntRange(1), help="Say the first N messages only.")
@click.option(
    "--then", type=click.Choice(["stdio", "ui"]), help="Then the client on stdin goes on, or the UI."
)
@click.option("--run-name", metavar="NAME", help="Name the session of the run.")
def command(
    settings: Settings, recording: str, target: tuple[str, ...], report_format: str | None, **given: Any
) -> int:
    """Send the client's side of RECORDING again and compare every answer.

    TARGET is a command behind -- or a URL; without one, what was recorded is started again.
    """
    how = Options(
        strictness=Strictness(given["level"]),
        masks=[Mask(text) for text in given["masks"]],
        speed=speed_of(given["speed"]),
        timeout=given["timeout"],
        fail_fast=given["fail_fast"],
        allow_destructive=given["allow_destructive"],
    )
    choice = Choice(given["only"] or "", given["until"] or 0, given["revision"], _maps(given["maps"]))
    targets = [split(text, "--cmd") for text in given["commands"]] + [[url] for url in given["urls"]]
    if target or not targets:
        targets.insert(0, list(target))
    _check(given, len(targets))
    jobs = [prepare(settings.db, recording, words, how, choice) for words in targets]
    for job in jobs:
        job.policies, job.run_name = given["policy"], given["run_name"] or ""
        job.before = given["before"] or ""
        if given["then"]:
            # The terminal UI is a long import that no other replay needs.
            job.then = importlib.import_module("mcpscope.cli.seats").seat_of(given["then"], settings)
    if given["dry_run"]:
        return _show_plan(jobs[0], settings, allow=how.allow_destructive)
    for job, words in zip(jobs, targets, strict=True):
        job.check_may_start(words)
    wanted = Wanted(report_format, given["output"], given["repeat"], accept=given["update"])
    if given["bisect"]:
        code = _bisect(jobs, settings, wanted)
    else:
        code = max(_one(job, settings, wanted, several=len(jobs) > 1) for job in jobs)
    if settings.json:
        emit_json(wanted.documents if len(jobs) > 1 else wanted.documents[0])
    return code


def _check(given: dict[str, Any], targets: int) -> None:
    if given["before"] is not None:
        split(given["before"], "--before")
    if given["bisect"] and targets < 2:
        raise _usage("--bisect needs several upstreams", "name each with --cmd or --url, oldest first")
    if given["then"] and (given["repeat"] > 1 or targets > 1):
        raise _usage("--then hands over one run", "leave out --repeat and further upstreams")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How runs are shown and what becomes of them."""

    form: str | None
    output: Path | None
    repeat: int
    accept: bool
    documents: list[dict[str, Any]] = field(default_factory=list)


def _one(job: Job, settings: Settings, wanted: Wanted, *, several: bool) -> int:
    quiet = settings.quiet or settings.json or wanted.form is not None or job.then is not None
    reports = _runs(job, wanted.repeat, quiet=quiet)
    if job.then is not None:
        return Exit.OK
    if settings.json:
        wanted.documents.append(_document(job, reports[-1]))
    else:
        if several:
            click.echo(f"against {safe(job.target_text)}")
        _publish(reports, wanted.form, wanted.output)
    if wanted.accept:
        number = job.accept(reports[-1])
        click.echo(f"accepted as revision {number} of {safe(job.recording.name)}", err=True)
        return Exit.OK
    if any(report.interrupted for report in reports):
        return Exit.INTERRUPTED
    if reports[-1].unreachable is not None:
        return reports[-1].unreachable
    return Exit.DIFFERENT if reports[-1].finished.failed else Exit.OK


def _bisect(jobs: list[Job], settings: Settings, wanted: Wanted) -> int:
    """The first of several upstreams that differs, asked in as few runs as a binary search needs."""
    low, high = 0, len(jobs)
    while low < high:
        middle = (low + high) // 2
        if _one(jobs[middle], settings, wanted, several=True) == Exit.OK:
            low = middle + 1
        else:
            high = middle
    if low == len(jobs):
        click.echo("none of them differs", err=True)
        return Exit.OK
    click.echo(f"the first that differs: {safe(jobs[low].target_text)}", err=True)
    return Exit.DIFFERENT


def _runs(job: Job, count: int, *, quiet: bool) -> list[Report]:
    reports: list[Report] = []
    for turn in range(count):
        if turn:
            time.sleep(REPEAT_PAUSE_SECONDS)
        progress = Progress(len(job.countable()), quiet=quiet)
        active = run(job, told=progress.tell, started=_stop_on_signal)
        progress.close()
        if reports and not active.interrupted:
            active = job.learn(reports[-1], active)
        reports.append(active)
        if active.interrupted:
            break
    return reports


def _stop_on_signal(stop: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop("interrupted"))


def _publish(reports: list[Report], form: str | None, output: Path | None) -> None:
    finished = reports[-1].finished
    if output is not None or form is not None:
        text = FORMATS[form or _form_of(output)](finished)
        if output is None:
            click.echo(text, nl=False)
        else:
            _write(output, text)
    if form is None or output is not None:
        _print(reports[-1])


def _document(job: Job, report: Report) -> dict[str, Any]:
    finished = report.finished
    return {
        "run": report.run,
        "target": job.target_text,
        "failed": finished.failed,
        "ended": finished.ended,
        "proposed_masks": list(report.proposed),
        "rows": [row_json(row) for row in finished.rows],
    }


def _form_of(output: Path | None) -> str:
    by_suffix = {".xml": "junit", ".json": "json", ".md": "md", ".html": "html"}
    return by_suffix.get(output.suffix if output else "", "junit")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ScopeError(
            f"the report cannot be written to {path}: {error.strerror}", code="report", exit=Exit.USAGE
        ) from None


def _print(report: Report) -> None:
    show_rows(report.finished.rows)
    for mask in report.proposed:
        click.echo(f"  varies between two runs; hide it with  --mask '{safe(mask)}'")
    if report.unannotated:
        click.echo(f"  unannotated tools ran: {safe(', '.join(report.unannotated))}")
    state = "FAILED" if report.finished.failed else "passed"
    ended = f"  ({safe(report.finished.ended)})" if report.finished.ended else ""
    click.echo(f"{state}  {summary(report.finished.rows)}{ended}  run {report.run}")


def _show_plan(job: Job, settings: Settings, *, allow: bool) -> int:
    plan = job.plan()
    if settings.json:
        emit_json({"steps": [_step(plan, step, allow=allow) for step in plan.steps], "tools": plan.tools()})
        return Exit.OK
    for step in plan.steps:
        row = _step(plan, step, allow=allow)
        click.echo(
            f"{step.seq:6} {'request' if step.is_request else 'note':8} {safe(step.label):28} {row['skip']}"
        )
    tools = plan.tools()
    named = ", ".join(f"{safe(name)} ×{count}" for name, count in tools.items())
    click.echo(f"{sum(tools.values())} calls to {len(tools)} tools: {named}")
    for value, path in plan.echoes.known.items():
        click.echo(f"  minted, mapped when the server mints another: {safe(str(value))} ({_place(path)})")
    click.echo(f"against {safe(job.target_text)}; nothing was started")
    return Exit.OK


def _place(path: tuple[str | int, ...]) -> str:
    """The member a minted value was found in; a sentence, and a ``--map``, have none."""
    return safe(str(path[-1])) if path else "text"


def _step(plan: Plan, step: Any, *, allow: bool) -> dict[str, Any]:
    skip = step.skip
    if not skip and not allow and step.tool and is_destructive(plan.definitions.get(step.tool)):
        skip = "skipped: declared itself destructive"
    return {"seq": step.seq, "method": step.message.method, "tool": step.tool, "skip": skip}


def _maps(texts: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        was, equals, now = text.partition("=")
        if not equals or not was:
            raise _usage(f"--map takes WAS=NOW, not {text!r}", "--map old-id=new-id")
        found[was] = now
    return found


def _usage(message: str, hint: str) -> ScopeError:
    return ScopeError(message, code="usage", exit=Exit.USAGE, hint=hint)
