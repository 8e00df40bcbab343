"""Every action of a policy file, nobody attached: what the client gets, what the server, what is recorded."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.policy.places import KINDS, Place

LAW = """\
version: 1
default: deny
rules:
  - {name: all delays, match: "tool:slow", action: delay, for: 300ms}
  - {name: a look, match: "tool:held", action: break}
  - {name: a line, match: "tool:logged", action: log, message: seen}
  - {name: a mark, match: "tool:tagged", action: tag, tag: writes}
  - {name: another, match: "tool:edited", action: edit, set: {args.to: "there"}, remove: [args.from]}
  - {name: a shadow, match: "tool:shadowed", action: deny, mode: shadow}
  - {name: refused, match: "tool:refused", action: deny, message: not here}
  - {name: asked, match: "tool:asked", action: ask, timeout: 300ms}
  - {name: mocked, match: "tool:mocked", action: answer, answer: {result: {content: [{text: noon}]}}}
  - {name: gone, match: "tool:gone", action: drop, code: 4711, message: not today}
  - {name: silent, match: "tool:silent", action: timeout}
  - {name: half, match: "tool:half", action: truncate}
  - {name: odd, match: "tool:odd", action: corrupt, seed: 3}
  - {name: nothing, match: "tool:nothing", action: empty}
  - {name: once a day, match: "tool:rated", action: rate-limit, limit: 1/day}
  - {name: broken off, match: "tool:cut", action: disconnect}
  - {name: the rest, match: "method:tools/call -tool:unnamed", action: allow}
"""
DONE = {"content": [{"type": "text", "text": "done"}]}


def result(data: bytes) -> Any:
    body = json.loads(data)
    return body.get("result", body.get("error"))


def said(text: str) -> Callable[[bytes], bool]:
    """The answer is a refused call that says ``text``."""
    return lambda data: result(data).get("isError") is True and text in result(data)["content"][0]["text"]


def is_not_json(data: bytes) -> bool:
    try:
        return json.loads(data).get("result") != DONE
    except ValueError:
        return True


def passed(data: bytes) -> bool:
    return bool(result(data) == DONE)


Row = tuple[str, Callable[[bytes], bool], bool, str]
ROWS: list[Row] = [
    # tool, what the client gets, whether the server is asked, the outcome of the call
    ("free", passed, True, "forwarded"),
    ("slow", passed, True, "forwarded"),
    ("held", passed, True, "forwarded"),
    ("logged", passed, True, "forwarded"),
    ("tagged", passed, True, "forwarded"),
    ("shadowed", passed, True, "forwarded"),
    ("edited", passed, True, "edited"),
    ("refused", said("refused: not here"), False, "denied"),
    ("unnamed", said("default: deny"), False, "denied"),
    ("asked", said("asked"), False, "denied"),
    ("mocked", lambda data: result(data)["content"][0]["text"] == "noon", False, "answered"),
    ("gone", lambda data: result(data)["code"] == 4711, False, "dropped"),
    ("half", is_not_json, True, "forwarded"),
    ("odd", is_not_json, True, "forwarded"),
    ("nothing", lambda data: result(data) in ({}, {"content": []}), False, "answered"),
    ("rated", passed, True, "forwarded"),
    ("rated", lambda data: "code" in result(data), False, "dropped"),
    ("silent", lambda data: data == b"", False, "dropped"),
    ("cut", lambda data: data == b"", False, "dropped"),
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.soak] * (place > 1)) for place, kind in enumerate(KINDS)]
)
def test_every_action_does_what_it_says(tmp_path: Path, kind: str) -> None:
    place = Place(kind, tmp_path, LAW)
    try:
        place.begin()
        for number, (tool, gets, asked, _) in enumerate(ROWS, 100):
            began = time.monotonic()
            data = say(place, number, tool)
            assert gets(data), (tool, data)
            assert tool != "slow" or time.monotonic() - began >= 0.3
            if tool != "cut":
                reached = [json.loads(body) for body, _ in place.arrivals() if b"tools/call" in body]
                assert [body["params"]["name"] for body in reached] == [tool] * asked, tool
                if tool == "edited":
                    assert reached[0]["params"]["arguments"] == {"to": "there"}
        recorded = place.outcomes()
        notes = place.notes()
    finally:
        place.close()
    assert [(tool, word) for tool, word, _ in recorded] == [(tool, word) for tool, _, _, word in ROWS]
    details = {tool: detail for tool, _, detail in recorded}
    assert details["tagged"]["tags"] == ["writes"]
    assert details["shadowed"]["tags"] == ["would-deny:a shadow"]
    assert any(kind == "log" and b"seen" in text for kind, text in notes)


def say(place: Place, number: int, tool: str) -> bytes:
    """Call ``tool``; what comes back, nothing where nothing does."""
    params = {"name": tool, "arguments": {"from": "here", "to": "x"} if tool == "edited" else {}}
    body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    if place.by_http:
        try:
            return place.post(json.dumps(body).encode(), seconds=2 if tool in ("silent", "cut") else 20)[1]
        except (OSError, http.client.HTTPException):
            return b""
    place.send(json.dumps(body).encode())
    if tool == "cut":
        return place.line()
    if tool == "silent" or (tool == "half" and place.kind.endswith("stdio")):
        # Half a line has no end of its own.
        return b"".join(
            line for line in place.lines_until_sentinel() if b"%d" % number in line or tool == "half"
        )
    while b"%d" % number not in (line := place.line()):
        assert line, tool
    return line
