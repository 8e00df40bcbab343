"""``mcpscope ui``: the terminal UI, on this terminal, another one or in a browser."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import default_db, state_dir
from mcpscope.store.reading import open_reader
from mcpscope.tui.app import DEMO, Options
from mcpscope.tui.attach import live_databases
from mcpscope.tui.memory import Memory
from mcpscope.tui.preferences import config_file, read
from mcpscope.tui.start import SCREENS, make_app
from mcpscope.tui.terminal import demand_terminal, memory_path, run_app, served, take_tty
from mcpscope.tui.theming import NAMES, wants_ascii


@click.command()
@click.argument("session", required=False, default="", shell_complete=complete_session)
@click.option("--filter", "filter_text", metavar="FILTER", default="", help="Filter Traffic from the start.")
@click.option("--screen", type=click.Choice(sorted(SCREENS)), default="traffic", help="The first screen.")
@click.option("--read-only", is_flag=True, help="Look, but steer nothing.")
@click.option("--images", type=click.Choice(["off", "auto"]), help="Draw images where the terminal can.")
@click.option("--tty", metavar="PATH", default="", help="Draw on this terminal.")
@click.option("--web", is_flag=True, help="Serve the UI to a browser on this machine.")
@click.option("--port", type=int, default=0, metavar="N", help="The port of --web (0: any).")
@with_settings
def command(session: str, settings: Settings, *, tty: str, web: bool, port: int, **asked: str) -> int:
    """Open the terminal UI on running proxies and recordings; SESSION is a number, name or label."""
    if web:
        return _serve(page_command(settings, session, **asked), port)
    if tty:
        take_tty(tty)
    if not served():
        demand_terminal()
    chosen = replace(
        options(settings),
        session=session,
        filter=asked["filter_text"],
        screen=asked["screen"],
        read_only=bool(asked["read_only"]),
        images=asked["images"] or "",
    )
    code = open_ui(database(settings), chosen, settings.config)
    if code == DEMO:
        demo = importlib.import_module("mcpscope.cli.demo").command
        return int(demo.main([], standalone_mode=False, obj=click.get_current_context().obj) or 0)
    return code


def options(settings: Settings) -> Options:
    """How the global options want the UI to look."""
    return Options(theme=_theme(settings), ascii=settings.ascii or wants_ascii())


def open_ui(db: Path, options: Options, config: str | None = None) -> int:
    """Run the UI over ``db``; what crashed proxies left is brought in first, as far as there is time.

    ``config`` is the configuration file that was named. Raises ScopeError where it is wrong.
    """
    memory = Memory.load(memory_path(state_dir()))
    demanded = bool(config or os.environ.get("MCPSCOPE_CONFIG"))
    preferences = read(config_file(config), demanded=demanded)
    if options.images:
        preferences = preferences.changed("images", options.images)
    options = replace(options, preferences=preferences)
    return run_app(lambda: make_app(db, options=options, memory=memory, prepare=lambda: _take_in(db)))


def _take_in(db: Path) -> None:
    """Bring in what crashed proxies left behind, for a moment at most: recorders do it, too."""
    open_reader(db, lambda text: click.echo(text, err=True)).close()


def page_command(settings: Settings, session: str, **asked: str) -> list[str]:
    """The command of one page in a browser: the UI on the same database, with all that was asked for."""
    named = {"--db": str(database(settings)), "--config": settings.config, "--theme": settings.theme}
    wanted = {"--filter": asked["filter_text"], "--screen": asked["screen"], "--images": asked["images"]}
    return [
        *(sys.executable, "-P", "-m", "mcpscope"),
        *(word for name, value in named.items() if value for word in (name, value)),
        *(["--ascii"] if settings.ascii else []),
        *(["--no-color"] if settings.no_color else []),
        "ui",
        *(word for name, value in wanted.items() if value for word in (name, value)),
        *(["--read-only"] if asked["read_only"] else []),
        *([session] if session else []),
    ]


def _serve(command: list[str], port: int) -> int:
    """Serve the UI to a browser until Ctrl-C; each page is a process of its own."""
    if importlib.util.find_spec("textual_serve") is None:
        raise ScopeError(
            "the UI in a browser needs textual-serve",
            code="no_textual_serve",
            exit=Exit.USAGE,
            hint="pip install 'mcpscope-proxy[web]'",
        )
    web = importlib.import_module("mcpscope.tui.web")
    server = web.GuardedServer(command, port or web.free_port(), web.new_token())
    click.echo(f"Open {server.address}  (Ctrl-C ends it)")
    server.serve()
    return 0


def database(settings: Settings) -> Path:
    """The database that was named; else the default one, or that of the only proxies that run elsewhere."""
    if settings.db != default_db():
        return settings.db
    live = live_databases()
    return live[0] if len(live) == 1 else settings.db


def _theme(settings: Settings) -> str:
    if settings.no_color:
        return "mono"
    if settings.theme and settings.theme not in NAMES:
        raise click.UsageError(f"no theme {settings.theme!r}; there are {', '.join(NAMES)}")
    return settings.theme or "auto"
