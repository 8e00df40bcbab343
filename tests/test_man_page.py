"""docs/mcpscope.1 says what ``--help`` says; to write it anew: python -m tests.test_man_page."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import click
import pytest

from mcpscope.cli.options import GLOBAL_OPTIONS, HTTP_OPTIONS, PROXY_OPTIONS, Option
from mcpscope.cli.tree import EPILOG, root
from mcpscope.errors import Exit
from tests.program import ROOT

PAGE = ROOT / "docs" / "mcpscope.1"
SYNOPSIS = (
    ("mcpscope", "open the terminal UI on what runs or was recorded"),
    ("mcpscope [OPTIONS] -- COMMAND [ARGS...]", "stand between a client and a stdio server"),
    ("mcpscope [OPTIONS] URL", "stand in front of an HTTP server"),
    ("mcpscope SUBCOMMAND ...", "see below"),
)
VARIABLES = (
    ("MCPSCOPE_DB", "the database"),
    ("MCPSCOPE_CONFIG", "the configuration file"),
    ("MCPSCOPE_RUNTIME_DIR", "where the sockets of running proxies are"),
    (
        "MCPSCOPE_LABEL, MCPSCOPE_PORT, MCPSCOPE_NO_RECORD, MCPSCOPE_REDACT_KEYS",
        "as the options of these names",
    ),
    ("MCPSCOPE_EDITOR, MCPSCOPE_PAGER, MCPSCOPE_ASCII, NO_COLOR", "for the terminal UI"),
)
FILES = (
    ("$XDG_STATE_HOME/mcpscope/mcpscope.db", "the database; ~/.local/state without the variable"),
    ("$XDG_CONFIG_HOME/mcpscope/config.yaml", "keys and settings of the terminal UI"),
)


def page() -> str:
    lines = [
        '.TH MCPSCOPE 1 "" "mcpscope" "User Commands"',
        ".SH NAME",
        "mcpscope \\- record, watch, hold, edit and replay what MCP clients and servers say",
        ".SH SYNOPSIS",
        *(line for form, what in SYNOPSIS for line in (".TP", f".B {_text(form)}", _text(what))),
        ".SH DESCRIPTION",
        _text(
            "Everything after the first -- is the server's command, untouched; all options come before it."
        ),
        ".SH OPTIONS OF A PROXY",
        *_rows((*PROXY_OPTIONS, *HTTP_OPTIONS)),
        ".SH OPTIONS OF EVERY COMMAND",
        *_rows(GLOBAL_OPTIONS),
        ".SH COMMANDS",
        *(line for path, command in sorted(_leaves(root, ())) for line in _section(path, command)),
        ".SH EXIT STATUS",
        _text(EPILOG.partition("Exit codes: ")[2]),
        ".SH ENVIRONMENT",
        *(line for name, what in VARIABLES for line in (".TP", f".B {_text(name)}", _text(what))),
        ".SH FILES",
        *(line for name, what in FILES for line in (".TP", f".I {_text(name)}", _text(what))),
    ]
    return "\n".join(lines) + "\n"


def _rows(options: tuple[Option, ...]) -> Iterator[str]:
    for option in options:
        value = option.metavar or ("|".join(option.choices) if option.choices else "")
        yield from (".TP", f".B {_text(', '.join(option.flags))}{_value(value)}", _text(option.help))


def _section(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(("mcpscope", *path)))
    usage = " ".join(command.collect_usage_pieces(context)[1:])
    yield f".SS {_text('mcpscope ' + ' '.join(path))}{_value(usage)}"
    yield _text(" ".join((command.help or "").replace("\b", "").split()))
    common = {option.name for option in GLOBAL_OPTIONS}
    if path == ("serve",):
        common |= {option.name for option in (*PROXY_OPTIONS, *HTTP_OPTIONS)}
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in common and not option.hidden:
            value = "" if option.is_flag else option.make_metavar(context)
            yield from (".TP", f".B {_text(', '.join(option.opts))}{_value(value)}", _text(option.help or ""))


def _leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _leaves(found, (*path, name))


def _value(text: str) -> str:
    return f" \\fI{_text(text)}\\fR" if text else ""


def _text(text: str) -> str:
    """Text as roff reads it: signs that it would take for its own are escaped."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("'", "\\(aq")
    return re.sub(r"^\.", "\\&.", text)


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text() == page(), "python -m tests.test_man_page writes it anew"


def test_every_exit_code_is_in_it() -> None:
    told = PAGE.read_text().partition(".SH EXIT STATUS")[2]
    assert [code for code in Exit if not re.search(rf"\b{int(code)} ", told)] == []


def test_roff_has_nothing_to_say_against_it() -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not on this machine")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(PAGE)], capture_output=True, timeout=60, check=True
    )
    assert done.stderr == b"" and b"mcpscope holds edit" in re.sub(rb"\x1b\[[\d;]*m|.\x08", b"", done.stdout)


if __name__ == "__main__":
    PAGE.write_text(page())
