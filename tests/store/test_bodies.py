"""Bodies in blocks: read back as they were, whatever their size and order; damage gives nothing."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from mcpscope.store.bodies import BLOCK_BYTES, BlockReader, BlockWriter
from mcpscope.store.schema import connect_rw, ensure


def database(tmp_path: Path) -> sqlite3.Connection:
    ensure(tmp_path / "scope.db")
    return connect_rw(tmp_path / "scope.db")


def test_bodies_of_every_size_are_read_back(tmp_path: Path) -> None:
    connection = database(tmp_path)
    writer, random_of = BlockWriter(), random.Random(1)
    said: dict[tuple[int, int], bytes] = {}
    for id in range(1, 400):
        size = random_of.choice((0, 1, 30, 400, 5_000, 40_000, 200_000 if id % 50 == 0 else 10))
        body = random_of.randbytes(size) if id % 3 else b'{"jsonrpc":"2.0"}' * (size // 17)
        said[writer.add(id % 2, id, body)] = body
        if id % 60 == 0:
            writer.flush(connection)
    writer.flush(connection)
    reader = BlockReader(connection)
    for (block, at), body in said.items():
        assert reader.read(block, at, len(body)) == body
    (largest,) = connection.execute("SELECT max(size) FROM bodies WHERE size < 150000").fetchone()
    assert largest < 2 * BLOCK_BYTES


def test_a_small_body_alone_is_compressed_with_the_dictionary(tmp_path: Path) -> None:
    connection = database(tmp_path)
    writer = BlockWriter()
    body = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search","arguments":{"q":1}}}'
    writer.add(1, 1, body)
    writer.flush(connection)
    encoding, size, stored = connection.execute("SELECT encoding, size, length(data) FROM bodies").fetchone()
    assert (encoding, size) == (1, len(body))
    assert stored < len(body) / 2


def test_a_damaged_or_missing_block_is_empty(tmp_path: Path) -> None:
    connection = database(tmp_path)
    writer = BlockWriter()
    writer.add(1, 1, b"a" * 5000)
    writer.flush(connection)
    connection.execute("UPDATE bodies SET data = substr(data, 1, 9)")
    reader = BlockReader(connection)
    assert reader.read(1, 0, 5000) == b""
    assert reader.read(99, 0, 10) == b""
