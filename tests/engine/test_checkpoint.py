"""A checkpoint is read back only by a program that knows its form."""

from __future__ import annotations

import pytest

from mcpscope.engine.exchanges import Exchanges
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse


def test_a_checkpoint_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 99"):
        Exchanges().restore({"version": 99})


def test_a_snapshot_is_ascii_whatever_peers_say() -> None:
    memory = Exchanges()
    hostile = b'{"jsonrpc":"2.0","id":"\\ud800","method":"tools/call","params":{"name":"\\udc00\xc3\xa9"}}'
    memory.observe(parse(hostile), seq=1, at=1, direction=Direction.TO_SERVER)
    huge = b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % 10**40
    memory.observe(parse(huge), seq=2, at=2, direction=Direction.TO_SERVER)
    state = memory.snapshot()["state"]
    assert state.isascii()
    other = Exchanges()
    other.restore(memory.snapshot())
    assert other.snapshot() == memory.snapshot()


def test_a_snapshot_stays_small_however_long_the_session() -> None:
    memory = Exchanges()
    for seq in range(1, 20_001, 2):
        ping = parse(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % seq)
        memory.observe(ping, seq=seq, at=seq, direction=Direction.TO_SERVER)
        pong = parse(b'{"jsonrpc":"2.0","id":%d,"result":{}}' % seq)
        memory.observe(pong, seq=seq + 1, at=seq + 1, direction=Direction.TO_CLIENT)
    assert len(memory.snapshot()["state"]) < 100_000
