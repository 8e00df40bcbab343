"""The journal's layout on disk as plain numbers, for the wire: ``store.records`` says what they mean.

Nothing is imported but ``struct``; the wire loads this before the first byte is forwarded.
"""

from __future__ import annotations

import struct

FORMAT_VERSION = 1
SEGMENT_MAGIC = b"mcpscope journal"
SEGMENT_HEADER = struct.Struct("<16sHHIQ")  # magic, format version, zero, segment number, opened at (unix ns)
# payload length, type, direction, flags, session, stream, at (unix ns)
RECORD_HEADER = struct.Struct("<IBBHIIQ")
RECORD_TRAILER = struct.Struct("<I")  # payload length ^ TRAILER_MARK
RECORD_BETWEEN = struct.Struct("<IIBBHIIQ")  # the trailer of one record and the header of the next
TRAILER_MARK = 0x5C09E5C0
RECORD_OVERHEAD = RECORD_HEADER.size + RECORD_TRAILER.size
MAX_PAYLOAD_BYTES = 1 << 30

SESSION_OPEN = 1
SESSION_CLOSE = 2
STREAM_OPEN = 3
STREAM_CLOSE = 4
CHUNK = 5
MESSAGE = 6
SENT = 7
OUTCOME = 8
STDERR = 9
EOF = 10
GAP = 11
NOTE = 12
HTTP = 13

# The database that the journal is brought into: how a wire that meets a newer one knows it.
APPLICATION_ID = 0x4D637053  # "McpS"
SCHEMA_VERSION = 7  # the number of migrations that this code knows

NO_DIR = 0
TO_SERVER = 1
TO_CLIENT = 2
