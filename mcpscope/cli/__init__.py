"""The commands; the only package that prints. Subcommands are imported when they are called.

``mcpscope [OPTIONS] -- COMMAND`` is the path that stands between a client and its server: it starts the
server before it imports anything it can do without, and never meets click.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.cli.options import Values


def typed(values: Values) -> bool:
    """Whether a person typed this in a terminal and wants to see it, and no client started us."""
    plain = (
        values.get("no_ui")
        or values.get("no_record")
        or values.get("json")
        or os.environ.get("TERM") == "dumb"
    )
    return not plain and os.isatty(0) and os.isatty(1)


def run(argv: list[str] | None = None) -> int:
    """Dispatch ``argv`` (``sys.argv`` without the program's name); returns the exit code."""
    from mcpscope.cli.options import parse_wrap

    args = sys.argv[1:] if argv is None else argv
    wrap = parse_wrap(args)
    if wrap is not None:
        if typed(wrap[0]):
            from mcpscope.cli.attended import run_attended

            return run_attended(*wrap)
        from mcpscope.cli.wire import run_wrapped

        return run_wrapped(*wrap)
    from mcpscope.cli.tree import main

    return main(args)
