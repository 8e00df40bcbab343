"""``mcpscope review``: accept or keep what a run found different, in the manner of snapshot reviews."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from mcpscope.cli.completing import complete_run
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.errors import Exit, ScopeError
from mcpscope.store.replays import Replays, RunRow, VerdictRow
from mcpscope.text import safe

_ACCEPTABLE = frozenset({"changed", "error", "fixed"})
_KEYS = "a accept  r keep old  k skip  m mask  A/R/K all remaining  q leave"


@click.command("review")
@with_settings
@click.argument("run", required=False, type=int, shell_complete=complete_run)
@click.option("--accept", "accepted", metavar="N", type=int, multiple=True, help="Accept this difference.")
@click.option("--mask", "masks", metavar="PATH", multiple=True, help="Ignore differences here from now on.")
@click.option("--accept-all", is_flag=True, help="Accept everything that changed.")
@click.option("--reject-all", is_flag=True, help="Keep the recording as it is.")
def command(
    settings: Settings,
    run: int | None,
    accepted: tuple[int, ...],
    masks: tuple[str, ...],
    accept_all: bool,
    reject_all: bool,
) -> int:
    """Review the differences of RUN (default: the newest that has any).

    Accepting writes a new revision of the recording; older revisions stay.
    """
    store = Replays(settings.db)
    try:
        found = _run(store, run)
        waiting = [
            row for row in store.verdicts(found.id) if row.verdict in _ACCEPTABLE and row.now is not None
        ]
        if reject_all:
            click.echo(f"kept: run {found.id} stays as it is")
            return Exit.OK
        if accept_all or accepted or masks:
            chosen = waiting if accept_all else [row for row in waiting if row.number in accepted]
            return _accept(store, found, chosen, masks)
        if settings.json:
            emit_json({"run": found.id, "waiting": [_as_json(row) for row in waiting]})
            return Exit.DIFFERENT if waiting else Exit.OK
        if not sys.stdin.isatty() or not sys.stdout.isatty():
            return _commands(found, waiting)
        return _ask(store, found, waiting)
    finally:
        store.close()


def _is_waiting(row: VerdictRow) -> bool:
    return row.verdict in _ACCEPTABLE and row.now is not None


def _run(store: Replays, wanted: int | None) -> RunRow:
    if wanted is not None:
        return store.run(wanted)
    runs = store.runs()
    if not runs:
        raise ScopeError(
            "there is no run to review", code="no_run", exit=Exit.STORE, hint="mcpscope replay RECORDING"
        )
    return runs[0]


def _accept(store: Replays, run: RunRow, rows: list[VerdictRow], masks: tuple[str, ...]) -> int:
    old = store.revision(run.recording_id)
    answers = {**old.answers, **{row.seq: row.now for row in rows}}
    new = replace(old, answers=answers, masks=tuple(dict.fromkeys((*old.masks, *masks))))
    number = store.revise(run.recording_id, new).number
    click.echo(f"accepted {len(rows)}, masked {len(masks)}: revision {number} of {safe(run.recording)}")
    return Exit.OK


def _commands(run: RunRow, waiting: list[VerdictRow]) -> int:
    """What there is to decide, and the commands that decide it, for where nobody can be asked."""
    for row in waiting:
        _show(row)
    if not waiting:
        click.echo(f"run {run.id} has nothing to review")
        return Exit.OK
    click.echo("no terminal to ask on; decide with")
    for row in waiting:
        click.echo(f"  mcpscope review {run.id} --accept {row.number}")
    click.echo(f"  mcpscope review {run.id} --accept-all")
    click.echo(f"  mcpscope review {run.id} --reject-all")
    return Exit.DIFFERENT


def _ask(store: Replays, run: RunRow, waiting: list[VerdictRow]) -> int:
    accepted: list[VerdictRow] = []
    masks: list[str] = []
    everything = ""
    for number, row in enumerate(waiting, 1):
        click.echo(f"\nReviewing {number} of {len(waiting)}")
        _show(row)
        key = everything or _key()
        if key in "ARK" and click.confirm(f"{key}: the same for the {len(waiting) - number + 1} left?"):
            everything = key
        if key == "q":
            break
        if key in "aA":
            accepted.append(row)
        elif key == "m":
            masks += [f"{row.label}:{item['path']}" for item in row.detail.get("differences", ())]
    if not accepted and not masks:
        click.echo("nothing accepted; the recording is as it was")
        return Exit.DIFFERENT if waiting else Exit.OK
    return _accept(store, run, accepted, tuple(masks))


def _key() -> str:
    """One of the named keys; Enter and Esc decide nothing."""
    click.echo(f"  {_KEYS}")
    while True:
        key = click.getchar()
        if key in ("a", "r", "k", "m", "A", "R", "K", "q"):
            return key


def _show(row: VerdictRow) -> None:
    click.echo(f"{row.number:5} {safe(row.label)}  {row.verdict}  {safe(row.why)}")
    for item in row.detail.get("differences", ())[:10]:
        was, now = (safe(str(item[key]))[:200] for key in ("was", "now"))
        click.echo(f"        {safe(item['path'])}  {was} → {now}")


def _as_json(row: VerdictRow) -> dict[str, object]:
    return {
        "number": row.number,
        "label": row.label,
        "verdict": row.verdict,
        "why": row.why,
        "differences": row.detail.get("differences", []),
    }
