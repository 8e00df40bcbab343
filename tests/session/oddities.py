"""A client's script of 5,000 lines that holds every oddity a wire has to carry (mcp-wire.md 10.3, 10.6)."""

from __future__ import annotations

import json
import random

ODD_LINES = (
    b"",
    b"   ",
    b"\t",
    b"{}",
    b"[]",
    b"null",
    b"true",
    b"not json at all",
    b'{"jsonrpc":"2.0"',
    b'{"jsonrpc":"2.0","id":1,"method":"ping"} trailing',
    b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":"1","method":"ping"}',
    b'{"jsonrpc":"2.0","id":"","method":"ping"}',
    b'{"jsonrpc":"2.0","id":18446744073709551616,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":-9223372036854775809,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1e2,"method":"ping","params":{"a":1.10,"b":-0,"c":1e400,"d":0.1000000000000000055511151231257827}}',
    b'{"jsonrpc":"2.0","id":2,"method":"x","params":{"s":"\\ud800","\\udfff":1}}',
    b'{"jsonrpc":"2.0","id":2,"method":"x","method":"y","params":{"a":1,"a":2}}',
    '{"jsonrpc":"2.0","id":3,"method":"\\u00e9\\/\\ud83d\\ude00","params":{"t":"é😀\u2028\u2029\u0085"}}'.encode(),
    b'{"jsonrpc":"2.0","id":4,"method":"x","params":{"n":NaN,"i":Infinity,"j":-Infinity}}',
    b'\xef\xbb\xbf{"jsonrpc":"2.0","id":5,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":6,"method":"x","params":{"s":"\xff\xfe\x80"}}',
    b'{"jsonrpc":"2.0","id":6,"method":"x","params":{"s":"raw\x01\x02\x1b[31m control"}}',
    b'{"jsonrpc":"2.0","id":7,"method":"x"}\r',
    b'{"jsonrpc":"2.0","id":9,"method":"ping","params":\r{"jsonrpc":"2.0","id":10,"method":"tools/call"}\r}',
    b"\x00\x00{\x00}\x00",
    b"\xff" * 40,
    b'[{"jsonrpc":"2.0","id":8,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"}]',
    b'{"jsonrpc":"2.0","id":11,"method":"x","params":' + b"[" * 1500 + b"]" * 1500 + b"}",
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"nobody"}}',
    b'{"jsonrpc":"2.0","id":12,"result":{}}',
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}',
    b"\x0b\x0c\x1c\x1d\x1e",
)


def script(seed: int, lines: int = 5000, *, long_line: int = 0) -> bytes:
    """``lines`` lines, the last without its newline; ``long_line`` bytes in one of them."""
    draw = random.Random(seed)
    made = list(ODD_LINES)
    while len(made) < lines:
        made.append(_line(draw, len(made)))
    draw.shuffle(made)
    if long_line:
        made[lines // 2] = b'{"jsonrpc":"2.0","id":0,"method":"x","params":{"s":"' + b"z" * long_line + b'"}}'
    made[-1] = b'{"jsonrpc":"2.0","id":"last","method":"ping"}'
    return b"\n".join(made)


def _line(draw: random.Random, number: int) -> bytes:
    kind = draw.randrange(10)
    if kind == 0:
        return draw.choice(ODD_LINES)
    if kind == 1:
        return draw.randbytes(draw.randrange(200)).replace(b"\n", b"\r")
    body = {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": {"t": "é" * draw.randrange(300)},
    }
    return json.dumps(body, ensure_ascii=kind < 6).encode()
