"""A recording said again to the server under test, and an assertion that it answers as it did."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcpscope.errors import ScopeError
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.options import Options
from mcpscope.replay.report import DIFFERENCES_SHOWN, Finished, difference_line, summary
from mcpscope.replay.runs import Choice, prepare, run
from mcpscope.replay.sources import look_up
from mcpscope.replay.verdicts import Row, Strictness
from mcpscope.testing.stand_in import Server, is_url, words_of


@dataclass(frozen=True, slots=True)
class Replayed:
    """How each recorded session went; ``rows`` has a verdict for each exchange."""

    runs: Sequence[Finished]

    @property
    def rows(self) -> list[Row]:
        return [row for one in self.runs for row in one.rows]

    @property
    def passed(self) -> bool:
        """Whether everything was answered as it was, and something was asked at all."""
        return bool(self.rows) and not any(one.failed for one in self.runs)

    def __str__(self) -> str:
        """The exchanges that differ, each with its places, and the counts of all verdicts."""
        lines = [line for row in self.rows if row.verdict.fails for line in _shown(row)]
        lines += [f"the run ended early: {one.ended}" for one in self.runs if one.ended]
        return "\n".join([*lines, summary(self.rows) or "the recording asks for nothing"])

    def check(self) -> None:
        """AssertionError, with all of that, unless it passed."""
        __tracebackhide__ = True  # pytest shows the test, not us
        if not self.passed:
            names = ", ".join(dict.fromkeys(one.recording for one in self.runs))
            target = self.runs[0].target if self.runs else "the server"
            raise AssertionError(f"{target} does not answer as recorded in {names}:\n{self}")


def replay(  # noqa: PLR0913  # the options of a command, for people to name
    recording: str | Path,
    server: Server = (),
    *,
    masks: Sequence[str] = (),
    level: str = "semantic",
    timeout: float | None = None,
    allow_destructive: bool = False,
    before: str = "",
    db: Path | None = None,
) -> Replayed:
    """Say ``recording``, a file or a name in ``db``, to ``server``; a name needs none: it was recorded here.

    ``masks`` hide places as ``mcpscope replay --mask`` does, ``level`` is structural, semantic or strict, and
    ``before`` a command that puts data back. What declares itself destructive is skipped unless allowed.
    """
    how = Options(
        strictness=Strictness(level),
        masks=[Mask(text) for text in masks],
        timeout=timeout,
        allow_destructive=allow_destructive,
    )
    words = words_of(server)
    target = words if is_url(words) or not words else list(words)
    with tempfile.TemporaryDirectory(prefix="mcpscope-test-", ignore_cleanup_errors=True) as folder:
        source = look_up(str(recording), db or Path(folder) / "none.db", Path(folder))
        if source.found is None:
            raise AssertionError(f"there is no recording {recording}; record it with mode once")
        if source.file is not None and not target:
            raise AssertionError(f"name the server for {recording}: what stands in a file is not run")
        runs = []
        for one in source.sessions:
            try:
                job = prepare(source.db, f"#{one.id}", target, how, Choice())
            except ScopeError as error:
                raise AssertionError(f"{recording}: {error.message}; {error.hint}") from None
            job.before = before
            runs.append(run(job).finished)
    return Replayed(runs)


def _shown(row: Row) -> list[str]:
    lines = [f"{row.verdict.glyph} {row.label}: {row.verdict.value}"]
    counted = [
        one for one in row.differences if one.level >= Strictness.SEMANTIC.from_level
    ] or row.differences
    if not counted:
        return [f"{lines[0]}: {row.why}"]
    lines += [f"    {difference_line(one)}" for one in counted[:DIFFERENCES_SHOWN]]
    more = len(counted) - DIFFERENCES_SHOWN
    return [*lines, f"    and {more} more"] if more > 0 else lines
