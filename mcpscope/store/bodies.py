"""Bodies in blocks: the messages of one session in one transaction, compressed together.

One zstd frame over sixty-four kilobytes of JSON-RPC takes a third of the room and a quarter of the time of
a frame for each message; a block of one small message leans on the dictionary.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from typing import Final

import zstandard

from mcpscope.store.dictionary import FIRST_DICTIONARY

BLOCK_BYTES = 64 << 10
LONE_BYTES = 32 << 10  # a body of this size has a block of its own
DICTIONARY_BELOW_BYTES = 8 << 10
CACHE_BYTES = 4 << 20
MAX_BLOCK_BYTES = 1 << 30  # no block of ours is larger: a foreign one does not make us allocate more

RAW: Final = 0
ZSTD: Final = 1

_LEVEL = 1
_PIECE_BYTES = 2048
_INSERT = "INSERT INTO bodies (id, session_id, encoding, dictionary_id, size, data) VALUES (?, ?, ?, ?, ?, ?)"
_FIND_DICTIONARY = "SELECT id FROM dictionaries WHERE data = ?"
_ADD_DICTIONARY = "INSERT INTO dictionaries (data) VALUES (?)"
_SELECT = """
    SELECT b.encoding, b.size, b.data, d.data FROM bodies AS b
    LEFT JOIN dictionaries AS d ON d.id = b.dictionary_id WHERE b.id = ?
"""


PlainBlock = tuple[int, int, bytes]
"""Id, session id and the bodies side by side."""


class Block:
    """Bodies of one session that lie together; ``id`` is the first message's."""

    __slots__ = ("id", "parts", "session_id", "size")

    def __init__(self, id: int, session_id: int) -> None:
        self.id = id
        self.session_id = session_id
        self.parts: list[bytes] = []
        self.size = 0

    @property
    def packed(self) -> PlainBlock:
        """What is to be written, in one piece."""
        data = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        return self.id, self.session_id, data

    @property
    def pieces(self) -> list[bytes]:
        """The same in as many pieces as are not worth joining."""
        small = self.size < _PIECE_BYTES * len(self.parts)
        return [b"".join(self.parts)] if small else self.parts


class BlockWriter:
    """Gathers bodies in blocks (``add``, ``take``) and writes them as rows of ``bodies`` (``write``).

    One may gather and another, in a process of its own, write.
    """

    def __init__(self) -> None:
        self._plain = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)
        dictionary = zstandard.ZstdCompressionDict(FIRST_DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        dictionary.precompute_compress(level=_LEVEL)
        self._small = zstandard.ZstdCompressor(level=_LEVEL, dict_data=dictionary, write_checksum=False)
        self._open: dict[int, Block] = {}
        self._full: list[Block] = []
        self._dictionary_id = 0

    def add(self, session_id: int, message_id: int, raw: bytes) -> tuple[int, int]:
        """Where ``raw`` will lie: the block's id (that of its first message) and the offset in it."""
        block = self._open.get(session_id)
        if block is None or block.size >= BLOCK_BYTES or len(raw) >= LONE_BYTES:
            if block is not None:
                self._full.append(block)
            block = self._open[session_id] = Block(message_id, session_id)
        at = block.size
        block.parts.append(raw)
        block.size = at + len(raw)
        return block.id, at

    def take(self) -> list[Block]:
        """All blocks gathered so far; what is added from now on lies in others."""
        taken = [*self._full, *self._open.values()]
        self._full.clear()
        self._open.clear()
        return taken

    def write(self, connection: sqlite3.Connection, blocks: list[PlainBlock]) -> None:
        """Compress ``blocks`` and insert them; the caller holds the write lock."""
        if not self._dictionary_id:
            found = connection.execute(_FIND_DICTIONARY, (FIRST_DICTIONARY,)).fetchone()
            if found is None:
                connection.execute(_ADD_DICTIONARY, (FIRST_DICTIONARY,))
                found = connection.execute(_FIND_DICTIONARY, (FIRST_DICTIONARY,)).fetchone()
            self._dictionary_id = found[0]
        connection.executemany(_INSERT, map(self._row, blocks))

    def flush(self, connection: sqlite3.Connection) -> None:
        """``write`` what ``take`` gives."""
        self.write(connection, [block.packed for block in self.take()])

    def _row(self, block: PlainBlock) -> tuple[int, int, int, int | None, int, bytes]:
        id, session_id, data = block
        size = len(data)
        small = size < DICTIONARY_BELOW_BYTES
        packed = (self._small if small else self._plain).compress(data)
        if len(packed) >= size:
            return id, session_id, RAW, None, size, data
        return id, session_id, ZSTD, self._dictionary_id if small else None, size, packed


class BlockReader:
    """Blocks read back, the last few megabytes of them kept."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._dictionaries: dict[bytes, zstandard.ZstdDecompressor] = {}
        self._plain = zstandard.ZstdDecompressor()

    def read(self, body_id: int, at: int, size: int) -> bytes:
        """``size`` bytes at ``at`` of one block; shorter or empty where the block is damaged or gone."""
        block = self._kept.get(body_id)
        if block is None:
            block = self._load(body_id)
            self._keep(body_id, block)
        else:
            self._kept.move_to_end(body_id)
        return block[at : at + size]

    def _load(self, body_id: int) -> bytes:
        row = self._connection.execute(_SELECT, (body_id,)).fetchone()
        if row is None:
            return b""
        encoding, size, data, dictionary = row
        if encoding == RAW:
            return bytes(data)
        try:
            if zstandard.frame_content_size(data) > MAX_BLOCK_BYTES:
                return b""
            return self._decompressor(dictionary).decompress(data, max_output_size=min(size, MAX_BLOCK_BYTES))
        except zstandard.ZstdError:
            return b""

    def _decompressor(self, dictionary: bytes | None) -> zstandard.ZstdDecompressor:
        if dictionary is None:
            return self._plain
        found = self._dictionaries.get(dictionary)
        if found is None:
            kind = zstandard.DICT_TYPE_RAWCONTENT
            found = zstandard.ZstdDecompressor(
                dict_data=zstandard.ZstdCompressionDict(dictionary, dict_type=kind)
            )
            self._dictionaries[dictionary] = found
        return found

    def _keep(self, body_id: int, block: bytes) -> None:
        self._kept[body_id] = block
        self._kept_bytes += len(block)
        while self._kept_bytes > CACHE_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)
