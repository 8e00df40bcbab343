"""``mcpscope diff``: two recorded sessions, or their tools, side by side."""

from __future__ import annotations

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json
from mcpscope.cli.rows import show_rows
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.errors import Exit
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.plan import Plan, make_plan
from mcpscope.replay.recording import load
from mcpscope.replay.report import row_json, summary
from mcpscope.replay.sessions_diff import diff_sessions, diff_tools
from mcpscope.replay.verdicts import Strictness
from mcpscope.store.replays import Revision, find


@click.command("diff")
@with_settings
@click.argument("first", shell_complete=complete_session)
@click.argument("second", shell_complete=complete_session)
@click.option("--tools", is_flag=True, help="Compare the tools that were listed, not the calls.")
@click.option(
    "--mask", "masks", metavar="PATH", multiple=True, help="Ignore differences at [TOOL:]JSONPATH[~]."
)
@click.option(
    "--level", type=click.Choice([s.value for s in Strictness]), default="semantic", show_default=True
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where they differ.")
def command(
    settings: Settings,
    first: str,
    second: str,
    tools: bool,
    masks: tuple[str, ...],
    level: str,
    exit_code: bool,
) -> int:
    """Compare FIRST with SECOND: recordings or the sessions of runs."""
    was, now = _plan(settings, first, echoes=True), _plan(settings, second, echoes=False)
    if tools:
        rows = diff_tools(was.definitions, now.definitions)
    else:
        rows = diff_sessions(was, now, strictness=Strictness(level), masks=[Mask(text) for text in masks])
    differs = any(row.verdict.fails for row in rows)
    if settings.json:
        emit_json({"differs": differs, "rows": [row_json(row) for row in rows]})
    else:
        show_rows(rows)
        click.echo(summary(rows) or "nothing to compare")
    return Exit.DIFFERENT if differs and exit_code else Exit.OK


def _plan(settings: Settings, name: str, *, echoes: bool) -> Plan:
    return make_plan(load(settings.db, find(settings.db, name).id, Revision()), echoes=echoes)
