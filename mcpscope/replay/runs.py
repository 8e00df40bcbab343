"""A replay as a job: from the name of a recording to stored verdicts."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from mcpscope.engine.filter.language import Filter, parse
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.answers import OurCode
from mcpscope.replay.compare import worst
from mcpscope.replay.driver import Run
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.judging import UPSTREAM_ENDED
from mcpscope.replay.options import Options
from mcpscope.replay.plan import Plan, make_plan
from mcpscope.replay.recording import load
from mcpscope.replay.report import Finished, row_json
from mcpscope.replay.restoring import restore
from mcpscope.replay.steps import Step
from mcpscope.replay.upstream import Upstream
from mcpscope.replay.verdicts import Row, Verdict, unannotated
from mcpscope.replay.volatile import proposed_masks
from mcpscope.store.mcp_sessions import mcp_session_ids
from mcpscope.store.replays import Found, Replays, Revision, VerdictRow, find, matching
from mcpscope.text import safe


@dataclass(frozen=True, slots=True)
class Report:
    """One finished (or ended) run, stored under ``run``.

    ``unreachable`` is the exit code of a run in which the upstream never said a word of its own.
    """

    run: int
    finished: Finished
    interrupted: bool = False
    unreachable: Exit | None = None
    proposed: Sequence[str] = ()
    unannotated: Sequence[str] = ()


@dataclass(slots=True)
class Job:
    """What to replay against what. ``target`` is ``["--", CMD...]`` or ``[URL]``.

    ``then`` takes over the upstream of a run that was not stopped, and hears the name of its session.
    """

    db: Path
    recording: Found
    target: list[str]
    options: Options
    revision: Revision
    maps: dict[str, str] = field(default_factory=dict)
    only: Filter | None = None
    until: int = 0
    policies: Sequence[str] = ()
    run_name: str = ""
    before: str = ""
    then: Callable[[Run, Upstream, str], None] | None = None
    proposed: list[str] = field(default_factory=list)

    def check_may_start(self, named: list[str]) -> None:
        """Raise ScopeError where nobody ``named`` the server and the command came with an imported file."""
        if named or not self.recording.imported or self.target[0] != "--":
            return
        raise ScopeError(
            f"{self.recording.name} was imported, and a command that came with a file is not run unseen",
            code="no_target",
            exit=Exit.USAGE,
            hint=f"to run it, name it: mcpscope replay {self.recording.name} -- {self.target_text}",
        )

    @property
    def target_text(self) -> str:
        """The upstream in one line."""
        return shlex.join(self.target[1:]) if self.target[0] == "--" else self.target[0]

    def plan(self) -> Plan:
        """A fresh plan: each run uses its own up."""
        chosen = matching(self.db, self.recording.id, self.only) if self.only is not None else None
        messages = load(self.db, self.recording.id, self.revision)
        plan = make_plan(islice(messages, self.until or None), chosen)
        plan.echoes.name_sessions(mcp_session_ids(self.db, self.recording.id))
        for was, now in {**self.revision.maps, **self.maps}.items():
            plan.echoes.known.setdefault(was, ())
            plan.echoes.live[was] = now
        return plan

    def countable(self) -> list[Step]:
        """The steps that will get a row."""
        return [step for step in self.plan().steps if step.is_request and step.first is None]

    def learn(self, first: Report, second: Report) -> Report:
        """Find what varies between two runs of the same server, and judge the second again without it.

        What differs from one run to the next of one server is its noise; the masks that hide it are proposed.
        """
        found = proposed_masks(first.finished.rows, second.finished.rows, self.options.masks)
        self.proposed = list(dict.fromkeys([*self.proposed, *found]))
        masks = [*self.options.masks, *(Mask(text) for text in self.proposed)]
        rows = [self._again(row, masks) for row in second.finished.rows]
        store = Replays(self.db)
        try:
            for old, new in zip(second.finished.rows, rows, strict=True):
                if new is not old:
                    store.amend(second.run, stored(new, new.number))
        finally:
            store.close()
        return replace(second, finished=replace(second.finished, rows=rows), proposed=tuple(self.proposed))

    def _again(self, row: Row, masks: Sequence[Mask]) -> Row:
        if row.verdict is not Verdict.CHANGED or row.was is None or row.now is None or not row.differences:
            return row
        own = [mask for mask in masks if mask.is_for(row.label)]
        left = [
            item for item in row.differences if not any(m.hides(item.path, item.was, item.now) for m in own)
        ]
        level = worst(left)
        if level is not None and level >= self.options.strictness.from_level:
            return replace(row, differences=left, why=f"{left[0].where} {left[0].why}")
        return replace(row, verdict=Verdict.SAME, differences=left, why="varies by itself from run to run")

    def accept(self, report: Report) -> int:
        """Append a revision in which what changed is right; returns its number."""
        answers = dict(self.revision.answers)
        for row in report.finished.rows:
            if row.verdict in (Verdict.CHANGED, Verdict.ERROR, Verdict.FIXED) and row.now is not None:
                answers[row.seq] = row.now
        masks = tuple(dict.fromkeys((*self.revision.masks, *self.proposed)))
        store = Replays(self.db)
        try:
            return store.revise(
                self.recording.id, replace(self.revision, answers=answers, masks=masks)
            ).number
        finally:
            store.close()


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a recording is replayed: a filter, a revision (None: the newest), values to say otherwise.

    ``until`` is the number of the last message of the recording that is said (0: all).
    """

    only: str = ""
    until: int = 0
    revision: int | None = None
    maps: dict[str, str] = field(default_factory=dict)


def prepare(db: Path, recording: str, target: list[str], options: Options, choice: Choice) -> Job:
    """Look up the recording and the upstream; raises ScopeError where either is not to be found."""
    found = find(db, recording)
    store = Replays(db)
    try:
        settled = store.revision(found.id, choice.revision)
        if choice.revision is not None and settled.number != choice.revision:
            raise ScopeError(
                f"{found.name} has no revision {choice.revision}",
                code="no_revision",
                exit=Exit.STORE,
                hint=f"the newest is {store.revision(found.id, None).number}",
            )
    finally:
        store.close()
    masks = [*options.masks, *(Mask(text) for text in settled.masks)]
    only = parse(choice.only, time.time_ns()) if choice.only else None
    target = target_of(found, target)
    other = (target[0] == "--") != (found.server_transport in ("", "stdio"))
    return Job(
        db,
        found,
        target,
        replace(options, masks=masks, other_transport=other),
        settled,
        dict(choice.maps),
        only,
        choice.until,
    )


def run(
    job: Job,
    told: Callable[[Row], None] = lambda row: None,
    started: Callable[[Callable[[str], None]], None] = lambda stop: None,
) -> Report:
    """Replay once: through a proxy process, every verdict stored as it comes.

    ``started`` is handed the function that stops the run (its argument says why).
    """
    if job.before:
        restore(job.before)
    store = Replays(job.db)
    number, name = store.begin(job.recording.id, job.revision.number, job.target_text, job.run_name)
    began = time.monotonic()
    count = 0

    def tell(row: Row) -> None:
        nonlocal count
        count += 1
        store.add(number, stored(row, count))
        told(row)

    try:
        with Upstream(job.target, _proxy_options(job, name)) as upstream:
            active = Run(job.plan(), upstream, job.options, tell)
            started(active.stop)
            rows = active.run()
            if job.then is not None and not active.stopped:
                job.then(active, upstream, name)
        ended = _ended(active.stopped, upstream)
        store.finish(number, "stopped" if active.stopped else "finished")
    finally:
        store.close()
    finished = Finished(job.recording.name, job.target_text, rows, time.monotonic() - began, ended)
    interrupted = active.stopped == "interrupted"
    return Report(
        number,
        finished,
        interrupted,
        None if interrupted else _unreachable(rows, upstream),
        tuple(job.proposed),
        tuple(unannotated(rows, active.definitions)),
    )


def _unreachable(rows: Sequence[Row], upstream: Upstream) -> Exit | None:
    said = [row.now for row in rows if row.now is not None]
    if any(not _is_gone(body) for body in said) or not (said or upstream.ended):
        return None
    return Exit.POLICY if upstream.exit_code == Exit.POLICY else Exit.UPSTREAM


def _is_gone(body: dict[str, Any]) -> bool:
    """Whether the proxy answered for an upstream that was not there."""
    error = body.get("error")
    return isinstance(error, dict) and error.get("code") == OurCode.UPSTREAM_GONE


def target_of(found: Found, target: list[str]) -> list[str]:
    """The upstream that was named, else the recorded one, as Upstream takes it; ScopeError for none."""
    if len(target) == 1 and "://" in target[0] and not target[0].lower().startswith(("http://", "https://")):
        raise ScopeError(
            f"{target[0]} is no address of an MCP server",
            code="usage",
            exit=Exit.USAGE,
            hint="it begins with http:// or https://; a command goes behind --",
        )
    words = target or _recorded_command(found)
    if any("\0" in word for word in words):
        raise ScopeError("a command cannot hold a zero byte", code="no_target", exit=Exit.USAGE)
    if len(words) == 1 and "://" in words[0]:
        return list(words)
    if words:
        return ["--", *words]
    if found.url:
        return [found.url]
    raise ScopeError(
        f"the recording {found.name} does not say what it was recorded from",
        code="no_target",
        exit=Exit.USAGE,
        hint=f"name it: mcpscope replay {found.name} -- COMMAND",
    )


def _recorded_command(found: Found) -> list[str]:
    """The words of the recorded command; none where a file has something else in their place."""
    words = json.loads(found.command) if found.command else []
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else []


def _proxy_options(job: Job, name: str) -> list[str]:
    options = ["--db", str(job.db), "--record", name, "--label", f"replay of {safe(job.recording.name)}"]
    for policy in job.policies:
        options += ["--policy", policy]
    return options


def _ended(why: str, upstream: Upstream) -> str:
    if why != UPSTREAM_ENDED:
        return "" if why == "stopped at the first difference" else why
    code = upstream.exit_code
    said = [line for line in upstream.said if line.strip()]
    telling = next((line for line in reversed(said) if line.startswith("error: ")), said[-1] if said else "")
    last = f": {telling.removeprefix('error: ')}" if telling else ""
    return f"{UPSTREAM_ENDED} (exit code {code}){last}"


def stored(row: Row, number: int) -> VerdictRow:
    """A row as the store keeps it."""
    detail: dict[str, Any] = row_json(row)
    return VerdictRow(
        number,
        row.seq,
        row.label,
        row.verdict.value,
        row.was_ns,
        row.now_ns,
        row.why,
        row.was,
        row.now,
        {"differences": detail["differences"], "echoes": detail["echoes"]},
    )
