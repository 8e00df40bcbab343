"""Filters on the command line: told from names of sessions and from options."""

from __future__ import annotations

import re
import time

import click

from mcpscope.engine.filter.fields import FIELDS, STATES
from mcpscope.engine.filter.language import Filter, parse
from mcpscope.errors import Exit, ScopeError
from mcpscope.store.directory import Directory, SessionInfo

_NEGATED_TERM = re.compile(r"-(?:[a-zA-Z][\w-]+(?:\.|\[|!=|[:=~<>])|\()")
_LOOKS_LIKE_A_FILTER = re.compile(r"[\s:=~<>()\"|&]|^[-!]|^(?:and|or|not)$", re.IGNORECASE)


EXAMPLE = (
    "Terms side by side must all hold; or, not, - and brackets as usual. "
    "field:value with * and ? as wildcards and (a,b) for any of; = and != exactly; ~ a regular expression; "
    "> >= < <= for numbers. A bare word is searched in the text. Examples: "
    "method:tools/call tool:search* is:error dur>500ms · -method:ping · args.path~^/etc · since:10m is:held"
)


class FilterCommand(click.Command):
    """A command with a FILTER argument: ``-method:ping`` is a filter and not an option."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Filter"):
            formatter.write_text(EXAMPLE)
            formatter.write_dl([(field.name, field.help) for field in FIELDS.values()])
        with formatter.section("States (is:WORD)"):
            formatter.write_dl([(word, state.help) for word, state in STATES.items()])
        super().format_epilog(ctx, formatter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        taken = ["!" + arg[1:] if _NEGATED_TERM.match(arg) else arg for arg in args]
        return super().parse_args(ctx, taken)


def session_and_filter(
    directory: Directory, session: str | None, filter: str | None
) -> tuple[SessionInfo | None, Filter]:
    """What ``[SESSION] [FILTER]`` mean; a single word that is no session but reads like a filter is one."""
    now = time.time_ns()
    if session is not None and not session.strip():
        raise ScopeError(
            "the session's name is empty",
            code="usage",
            exit=Exit.USAGE,
            hint="leave it out for all sessions; mcpscope sessions list names them",
        )
    if session is None or filter is not None:
        return (None if session is None else directory.find(session)), parse(filter or "", now)
    try:
        return directory.find(session), parse("", now)
    except ScopeError as error:
        if _LOOKS_LIKE_A_FILTER.search(session):
            return None, parse(session, now)
        error.hint += f'; to search for the word: text:"{session}"' if error.hint else ""
        raise
