"""``mcpscope serve``: a recording in the place of its server."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.http import run_http
from mcpscope.cli.options import HTTP_OPTIONS, PROXY_OPTIONS, Values
from mcpscope.cli.serve_modes import MODES, Wanted, default_mode
from mcpscope.cli.serve_recording import Taking
from mcpscope.cli.settings import Settings, click_options, with_settings
from mcpscope.cli.wire import run_wrapped
from mcpscope.engine.filter.language import parse
from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import private_dir, runtime_dir
from mcpscope.replay.expiry import expiry, is_over
from mcpscope.replay.options import speed_of
from mcpscope.replay.runs import target_of
from mcpscope.replay.sources import Source, look_up, make_reel
from mcpscope.replay.stand_in import Spec
from mcpscope.text import safe

_COMMAND = "mcpscope.serve.command"
_OF_THE_SERVER = ("env", "cwd", "header", "transport", "ca_file", "insecure")
"""Options that are about the real server, and go with it where it stands behind a recording."""


class ServeCommand(click.Command):
    """Recordings before ``--``, the server's command behind it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            place = args.index("--")
            ctx.meta[_COMMAND] = args[place + 1 :]
            args = args[:place]
        return super().parse_args(ctx, args)


@click.command("serve", cls=ServeCommand)
@click.argument(
    "recordings",
    nargs=-1,
    required=True,
    metavar="RECORDING… [-- COMMAND… | URL]",
    shell_complete=complete_session,
)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    help="none: play only. once: record if there is no recording yet. new: play, and record what is missing. "
    "all: record everything. rewrite: record everything anew. Default: none where CI is set, else once.",
)
@click.option("--pass", "passing", metavar="FILTER", help="Requests that go to the server though recorded.")
@click.option("--speed", metavar="N|max", default="max", show_default=True, help="1 keeps the recorded pace.")
@click.option("--no-repeat", is_flag=True, help="Play each recorded call once; a second time is a miss.")
@click.option("--steady", is_flag=True, help="Write a recorded file without times and minted values.")
@click.option("--with-secrets", is_flag=True, help="Mask nothing in a file that is written.")
@click.option("--expires", metavar="30d|DATE", help="What is recorded now says so when it is older.")
@click_options(PROXY_OPTIONS + HTTP_OPTIONS)
@with_settings
@click.pass_context
def command(
    ctx: click.Context, /, recordings: tuple[str, ...], settings: Settings, mode: str | None, **given: Any
) -> int:
    """Answer clients from RECORDING, a name or a file, as the recorded server did.

    Over HTTP on --port, or with --stdio for one client. Rules, faults and all options of a proxy apply to it.
    Several recordings are one. What is not recorded is answered with an error that names the nearest call.
    """
    words, target = list(recordings), list(ctx.meta.get(_COMMAND, ()))
    if not target and len(words) > 1 and "://" in words[-1]:
        target = [words.pop()]
    own = {name: given.pop(name) for name in ("passing", "no_repeat", "steady", "with_secrets")}
    speed, expires = speed_of(given.pop("speed")), given.pop("expires")
    if expires:
        expires = expiry(expires, time.time_ns())
    if own["passing"]:
        parse(own["passing"])
    values: Values = {key: _plain(value) for key, value in given.items() if value}
    values["db"] = str(settings.db)
    values |= {"json": True} if settings.json else {}
    scratch = Path(tempfile.mkdtemp(prefix="serve-", dir=private_dir(runtime_dir())))
    try:
        sources = [look_up(word, settings.db, scratch) for word in words]
        wanted = Wanted(mode or default_mode(), target, expires=expires, speed=speed, **own)
        return _serve(sources, wanted, values, settings, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _serve(sources: list[Source], wanted: Wanted, values: Values, settings: Settings, scratch: Path) -> int:
    missing = [source for source in sources if source.found is None]
    if missing and not wanted.may_record:
        raise _no_recording(missing[0], wanted)
    for source in sources:
        if source.file is None and len(source.sessions) > 1:
            numbers = " ".join(f"#{one.id}" for one in source.sessions)
            _say(f"the recording {source.name} has {len(source.sessions)} sessions: {numbers}")
        if source.cut:
            _say(f"{source.file} has no end: it is complete up to message {source.cut}")
        if source.expires and is_over(source.expires, time.time_ns()):
            _say(
                f"the recording {source.name} is old: it was good until {source.expires}; "
                "record it again with --mode rewrite"
            )
    if wanted.only_records or missing:
        return _record(sources, wanted, values, settings)
    return _play(sources, wanted, values, settings, scratch)


def _record(sources: list[Source], wanted: Wanted, values: Values, settings: Settings) -> int:
    """No stand-in: the client speaks to the server, and what they say becomes the recording."""
    source = sources[-1]
    target = _target(sources, wanted)
    added = source.found is not None and wanted.mode == "all"
    taking = Taking(source, wanted, settings.db, added=added)
    values |= taking.options()
    with taking.kept():
        return _run(values, target)


def _play(sources: list[Source], wanted: Wanted, values: Values, settings: Settings, scratch: Path) -> int:
    reel = scratch / "reel"
    make_reel(reel, sources)
    spec = Spec(str(reel), wanted.speed, not wanted.no_repeat)
    taking = None
    if wanted.reaches_server:
        options: Values = {"label": f"behind {sources[-1].name}"}
        if wanted.mode == "new":  # else the recording is there, and stays as it is
            taking = Taking(sources[-1], wanted, settings.db, added=True)
            options = taking.options()
        options |= {name: values.pop(name) for name in _OF_THE_SERVER if name in values}
        spec = Spec(
            spec.reel,
            spec.speed,
            spec.repeats,
            _target(sources, wanted),
            ["--db", str(settings.db), *_argv(options)],
            wanted.passing or "",
            wanted.mode == "new",
        )
    values.setdefault("label", f"stand-in for {', '.join(source.name for source in sources)}")
    with taking.kept() if taking is not None else nullcontext():
        return _run(values, ["--", *spec.argv()])


def _run(values: Values, target: list[str]) -> int:
    """The proxy, with its front: HTTP unless --stdio is said."""
    if target[0] != "--":
        return run_http(values, url=target[0])
    if values.get("stdio"):
        return run_wrapped({**{k: v for k, v in values.items() if k != "stdio"}, "no_ui": True}, target[1:])
    return run_http(values, command=target[1:])


def _target(sources: list[Source], wanted: Wanted) -> list[str]:
    """The real server: what was named, else what a recording in the database was made of.

    Never a command that stands in a file: whoever wrote the file would decide what runs here.
    """
    found = next((one.found for one in sources if one.found is not None and one.file is None), None)
    if wanted.target and "://" in wanted.target[0] and len(wanted.target) == 1:
        return list(wanted.target)
    if wanted.target:
        return ["--", *wanted.target]
    if found is None:
        source = sources[-1]
        if source.found is None:
            raise _no_recording(source, wanted)
        raise ScopeError(
            f"no server is named to record from, and the command that {source.file} names is not run",
            code="no_target",
            exit=Exit.USAGE,
            hint=f"mcpscope serve {source.file} --mode {wanted.mode} -- COMMAND",
        )
    return target_of(found, [])


def _argv(options: Values) -> list[str]:
    known = {option.name: option.flags[-1] for option in PROXY_OPTIONS + HTTP_OPTIONS}
    words: list[str] = []
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            words += [known[name]] if one is True else [known[name], str(one)]
    return words


def _no_recording(source: Source, wanted: Wanted) -> ScopeError:
    what = f"file {source.file}" if source.file is not None else f"recording called {source.name!r}"
    if wanted.may_record:
        hint = f"to record it, name the server: mcpscope serve {source.file or source.name} -- COMMAND"
    else:
        hint = "to record it: --mode once and the server, -- COMMAND or URL"
    return ScopeError(f"there is no {what}", code="no_session", exit=Exit.STORE, hint=hint)


def _plain(value: Any) -> str | bool | list[str]:
    return list(value) if isinstance(value, tuple) else value


def _say(text: str) -> None:
    click.echo(f"mcpscope: {safe(text)}", err=True)
