"""Shell completion of what is in the database; what it needs is read only where a shell asks for it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _once_asked(name: str) -> Completer:
    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        suggesting = importlib.import_module("mcpscope.cli.suggesting")
        found: list[CompletionItem] = getattr(suggesting, name)(ctx, parameter, incomplete)
        return found

    return complete


complete_session = _once_asked("complete_session")
complete_filter = _once_asked("complete_filter")
complete_tool = _once_asked("complete_tool")
complete_run = _once_asked("complete_run")
complete_rule = _once_asked("complete_rule")
complete_hold = _once_asked("complete_hold")
complete_server = _once_asked("complete_server")
