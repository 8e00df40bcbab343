"""The options every command shares, given before or behind its name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.options import GLOBAL_OPTIONS, Option
from mcpscope.paths import default_db


@dataclass(frozen=True, slots=True)
class Settings:
    """What the global options said; ``db`` is already the default where none was named."""

    db: Path
    config: str | None = None
    theme: str | None = None
    ascii: bool = False
    no_color: bool = False
    json: bool = False
    quiet: bool = False
    verbose: bool = False


def click_options(options: tuple[Option, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that adds the rows of an option table to a click command."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = _click_option(option)(function)
        return function

    return add


def _click_option(option: Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if not option.metavar:
        return click.option(option.name, *option.flags, is_flag=True, help=option.help)
    kind = click.Choice(option.choices) if option.choices else click.STRING
    return click.option(
        option.name,
        *option.flags,
        metavar=None if option.choices else option.metavar,
        type=kind,
        multiple=option.many,
        default=None,
        help=option.help,
    )


def with_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the global options to a command and hand it one ``settings: Settings`` as a keyword.

    What stands behind the command's name wins over what stands before it.
    """

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        ctx = click.get_current_context()
        before: dict[str, Any] = ctx.find_object(dict) or {}
        given = {option.name: kwargs.pop(option.name) for option in GLOBAL_OPTIONS}
        merged = {
            name: before.get(name) if value in (None, False, ()) else value for name, value in given.items()
        }
        db = merged.pop("db")
        if db == "":
            raise click.UsageError("--db needs the name of a file")
        settings = Settings(db=Path(db) if db else default_db(), **{k: v for k, v in merged.items() if v})
        return function(*args, settings=settings, **kwargs)

    return click_options(GLOBAL_OPTIONS)(called)
