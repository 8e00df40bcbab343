"""Recorded calls as tests: what a person would write with the ``mcpscope`` fixture, ready to run."""

from __future__ import annotations

import json
import pprint
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 100
_OURS = frozenset({"jsonrpc", "id"})


@dataclass(frozen=True, slots=True)
class Server:
    """Where the calls went: the words of a command, or an address. ``modern`` servers are not greeted."""

    words: Sequence[str]
    modern: bool = False


def call_test(server: Server, tool: str, arguments: Any, answer: Any, masks: Sequence[str] = ()) -> str:
    """A file with one test: the call said again to its server, the answer as it was recorded."""
    return f"{_server(server)}\n\n{_function(server, tool, arguments, answer, masks, name_for(tool))}"


def recording_test(
    name: str, server: Server, calls: Sequence[tuple[str, Any, Any]], masks: Sequence[str] = ()
) -> str:
    """A file with two tests of the recording ``name``: the server against it, and it as the server."""
    shown = pprint.pformat(list(calls), width=WIDTH - 4, sort_dicts=False)
    hidden = f", masks={list(masks)!r}" if masks else ""
    return f'''"""The recording {_plain(name)}: the server answers as it did, and it in the server's place."""

import pytest

{_server(server)}
CALLS = {shown}


@pytest.mark.mcpscope({name!r}, server=SERVER{hidden})
def test_the_server_answers_as_recorded(mcpscope_replay):
    mcpscope_replay()


@pytest.mark.mcpscope({name!r}, server=SERVER)
@pytest.mark.parametrize(("tool", "arguments", "recorded"), CALLS)
def test_the_recording_answers_in_its_place(mcpscope, tool, arguments, recorded):
    answer = mcpscope.answer(tool, arguments{_modern(server)})
    mcpscope.check(answer, recorded)
'''


def name_for(tool: str) -> str:
    """A name for a test that is about ``tool``."""
    found = re.sub(r"\W", "_", tool) or "call"
    return f"test_{found}"


def answer_in(message: bytes) -> Any:
    """``{"result": …}`` or ``{"error": …}`` of recorded bytes; None for what is no answer."""
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not ({"result", "error"} & body.keys()):
        return None
    return {key: value for key, value in body.items() if key not in _OURS}


def _function(server: Server, tool: str, arguments: Any, answer: Any, masks: Sequence[str], name: str) -> str:
    given = _indented(arguments)
    shown = _indented(answer)
    hidden = f", masks={list(masks)!r}" if masks else ""
    return f"""
def {name}(mcpscope):
    arguments = {given}
    recorded = {shown}
    answer = mcpscope.answer({tool!r}, arguments, server=SERVER{_modern(server)})
    mcpscope.check(answer, recorded{hidden})
"""


def _server(server: Server) -> str:
    one = len(server.words) == 1 and "://" in server.words[0]
    return f"SERVER = {server.words[0]!r}" if one else f"SERVER = {list(server.words)!r}"


def _modern(server: Server) -> str:
    return ", modern=True" if server.modern else ""


def _indented(value: Any) -> str:
    lines = pprint.pformat(value, width=WIDTH - 16, sort_dicts=False).splitlines()
    return "\n    ".join(lines)


def _plain(name: str) -> str:
    """A name that cannot end a docstring."""
    return re.sub(r"[^\w .-]", "_", name)
