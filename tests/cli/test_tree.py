"""Dispatch: which words go to the wire, which to a subcommand, and how a wrong one is refused."""

from __future__ import annotations

import json

import pytest

from mcpscope.cli import run
from mcpscope.cli.options import parse_wrap, read_options


def test_everything_after_the_first_dashes_is_the_server_command() -> None:
    args = ["--label", "x", "--", "npx", "-y", "srv", "--label", "y", "--", "z"]
    assert parse_wrap(args) == ({"label": "x"}, ["npx", "-y", "srv", "--label", "y", "--", "z"])


def test_proxy_is_the_long_form() -> None:
    assert parse_wrap(["proxy", "-e", "A=1", "-eB=2", "--env=C=3", "--", "srv"]) == (
        {"env": ["A=1", "B=2", "C=3"]},
        ["srv"],
    )


@pytest.mark.parametrize(
    "args",
    [["srv"], ["--"], ["--nope", "--", "srv"], ["--label", "--", "srv"], ["log", "--", "x"], ["--", ""]],
)
def test_what_is_not_a_wrap_is_left_to_click(args: list[str]) -> None:
    assert parse_wrap(args) is None


def test_a_switch_takes_no_value_and_a_choice_only_its_words() -> None:
    assert read_options(["--durable=1"]) is None
    assert read_options(["--record-mode", "sometimes"]) is None
    assert read_options(["--record-mode=required"]) == {"record_mode": "required"}


def test_an_unknown_command_says_how_to_wrap(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["npx", "srv", "a b"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "No such command 'npx'. To wrap a server, put -- before it: mcpscope -- npx srv 'a b'" in err


def test_a_failure_in_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "npx"]) == 2
    error = json.loads(capsys.readouterr().err)
    assert error["ok"] is False
    assert error["error"]["exit"] == 2


@pytest.mark.parametrize(
    "args", [["--nope", "--", "srv"], ["proxy", "npx", "srv"], ["--"], ["--record-mode", "x", "--", "s"]]
)
def test_usage_errors_exit_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(args) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "proxy" in capsys.readouterr().out
