"""What is told at a glance is what the full look says, however somebody spells a message."""

from __future__ import annotations

import json
import random

import pytest

from mcpscope.engine.certainty import has_one_reading
from mcpscope.engine.readings import readings
from mcpscope.engine.ruled import Ruled
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.strict import findings
from tests.policy.attacks import ATTACKS
from tests.session.oddities import ODD_LINES

RULED = Ruled(["forbidden", "files", "path", "secret", "file:///etc/*", "delete_*", "logging/setLevel"])
ARGUMENTS = b'{"a":1,"b":[{"c":"d"}]}'
CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"open","arguments":%b}}' % ARGUMENTS
PIECES = (
    *(
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b" ",
        b"\t",
        b"\r",
        b"\\",
        b"\x00",
        b"\x7f",
        b'"id":8,',
        b"9" * 20,
    ),
    *(b'"name":"forbidden",', b'"Name":1,', b'"a" :2,', b'"a":2,', b'"":3,', b'":a"', b'" x"', b'"PATH":1,'),
    *(
        b'"uri":"file:///x/../etc/p",',
        "é".encode(),
        "\u2024".encode(),
        b"NaN",
        b"1e400",
        b"null",
        b"-0",
        b"tools",
    ),
)


def look_closely(raw: bytes) -> bool:
    message = parse(raw)
    return not findings(message) and not list(readings(message, RULED, lambda name: False))


def test_nothing_doubtful_is_called_certain() -> None:
    for raw in (*ODD_LINES, *(attack.body for attack in ATTACKS)):
        if has_one_reading(parse(raw), RULED):
            assert look_closely(raw), raw


@pytest.mark.parametrize("seed", range(4))
def test_nor_is_what_somebody_writes_into_a_plain_message(seed: int) -> None:
    draw = random.Random(seed)
    told = 0
    for _ in range(4000):
        raw = CALL
        for _ in range(draw.choice((1, 1, 2, 3))):
            at = draw.randrange(len(raw))
            raw = raw[:at] + draw.choice(PIECES) + raw[at + draw.choice((0, 0, 1)) :]
        if has_one_reading(parse(raw), RULED):
            told += 1
            assert look_closely(raw), raw
    assert told > 20  # some of these still say one thing only


@pytest.mark.parametrize(
    "said",
    [
        {
            "method": "tools/call",
            "id": 1,
            "params": {"name": "open", "arguments": {"text": "a b", "n": [1.5, None]}},
        },
        {"method": "tools/list", "id": "x"},
        {"method": "notifications/progress", "params": {"progressToken": 1, "progress": 2}},
        {"id": 3, "result": {"content": [{"type": "text", "text": "well: done"}]}},
        {"id": 3, "error": {"code": -1, "message": "no"}},
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_what_clients_usually_send_is_certain(said: dict[str, object], separators: tuple[str, str]) -> None:
    raw = json.dumps({"jsonrpc": "2.0", **said}, separators=separators).encode()
    assert has_one_reading(parse(raw), RULED)


@pytest.mark.parametrize(
    "params",
    [
        {"name": "Forbidden", "arguments": {}},
        {"name": "forb1dden", "arguments": {}},
        {"name": " forbidden", "arguments": {}},
        {"name": "files", "arguments": {"PATH": "/etc"}},
        {"name": "files", "arguments": {"deep": [{"Name": "x"}]}},
        {"name": "open", "arguments": []},
        {"name": 7},
    ],
)
def test_what_may_be_taken_for_another_is_not(params: dict[str, object]) -> None:
    raw = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    assert not has_one_reading(parse(raw), RULED)
