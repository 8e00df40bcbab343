"""The commands; the only package that prints. Subcommands are imported when they are called.

``mcpscope [OPTIONS] -- COMMAND`` is the path that stands between a client and its server: it starts the
server before it imports anything it can do without, and never meets click.
"""

from __future__ import annotations

import sys


def run(argv: list[str] | None = None) -> int:
    """Dispatch ``argv`` (``sys.argv`` without the program's name); returns the exit code."""
    from mcpscope.cli.options import parse_wrap

    args = sys.argv[1:] if argv is None else argv
    wrap = parse_wrap(args)
    if wrap is not None:
        from mcpscope.cli.wire import run_wrapped

        return run_wrapped(*wrap)
    from mcpscope.cli.tree import main

    return main(args)
