"""Replays started from the UI: processes of their own, whose verdicts come back through the store."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcpscope.errors import ScopeError
from mcpscope.replay.options import Options
from mcpscope.replay.plan import is_destructive
from mcpscope.replay.runs import Choice, prepare
from mcpscope.store.replays import Replays, Revision, RunRow, VerdictRow

WAIT_SECONDS = 0.2
RAN = (0, 1, 130, -signal.SIGINT)
"""Exit codes of a replay whose run is in the store: the same, different, stopped."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replay would do: calls by tool, what is skipped, and against which upstream."""

    recording: int
    target: str
    tools: tuple[tuple[str, int], ...]
    destructive: tuple[tuple[str, int], ...]
    unannotated: tuple[str, ...]
    steps: int


@dataclass(frozen=True, slots=True)
class RunState:
    """One run as the screen shows it, with the masks that are settled for its recording."""

    run: RunRow
    rows: tuple[VerdictRow, ...]
    masks: tuple[str, ...]


def preview(path: Path, recording: int, target: Sequence[str] = ()) -> Preview:
    """Read a recording as its replay would, against ``target`` or the recorded upstream.

    Raises ScopeError where it cannot be replayed.
    """
    job = prepare(path, str(recording), list(target), Options(), Choice())
    plan = job.plan()
    counts = plan.tools()
    harmful = {name for name in counts if is_destructive(plan.definitions.get(name))}
    bare = tuple(name for name in counts if not plan.definitions.get(name, {}).get("annotations"))
    return Preview(
        recording,
        job.target_text,
        tuple((name, count) for name, count in counts.items() if name not in harmful),
        tuple((name, count) for name, count in counts.items() if name in harmful),
        bare,
        sum(step.is_request and step.first is None for step in plan.steps),
    )


def start(path: Path, recording: int, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Replay in the background; it goes on when the screen, or the UI, is left; see ``failure``."""
    argv = [
        sys.executable,
        "-P",
        "-m",
        "mcpscope",
        "--db",
        str(path),
        "--quiet",
        "replay",
        str(recording),
        *options,
    ]
    quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
    return subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=pipe, start_new_session=True)


async def failure(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end of a replay; what it says where it could not run, else empty."""
    while process.poll() is None:
        await asyncio.sleep(WAIT_SECONDS)
    assert process.stderr is not None
    with process.stderr as pipe:
        said = pipe.read().decode("utf-8", "replace").split("\n")
    if process.returncode in RAN:
        return ""
    errors = [line.removeprefix("error:").strip() for line in said if line.startswith("error:")]
    return errors[0] if errors else f"the replay ended with exit code {process.returncode}"


def stop(run: RunRow) -> bool:
    """Tell a running replay to end; what it found so far stays."""
    try:
        os.kill(run.pid, signal.SIGINT)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def length(path: Path, recording: int) -> int:
    """How many rows a replay of a recording has, 0 where nobody can say."""
    try:
        return len(prepare(path, str(recording), [], Options(), Choice()).countable())
    except ScopeError:
        return 0


def look(path: Path, wanted: int = 0) -> tuple[tuple[RunRow, ...], RunState | None]:
    """All runs, newest first, and the one that is shown: ``wanted``, else the newest."""
    try:
        store = Replays(path)
    except ScopeError:
        return (), None
    try:
        runs = tuple(store.runs())
        run = next((run for run in runs if run.id == wanted), runs[0] if runs else None)
        if run is None:
            return runs, None
        masks = store.revision(run.recording_id).masks
        return runs, RunState(run, tuple(store.verdicts(run.id)), masks)
    finally:
        store.close()


def settle(path: Path, run: RunRow, accepted: Sequence[VerdictRow], masks: Sequence[str] = ()) -> int:
    """Append a revision in which ``accepted`` are right and ``masks`` hide; returns its number."""
    store = Replays(path)
    try:
        old = store.revision(run.recording_id)
        answers = {**old.answers, **{row.seq: row.now for row in accepted if row.now is not None}}
        new = Revision(0, tuple(dict.fromkeys((*old.masks, *masks))), answers, old.maps)
        return store.revise(run.recording_id, new).number
    finally:
        store.close()
