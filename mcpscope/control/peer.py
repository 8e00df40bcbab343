"""Who is at the other end of a Unix socket: the user id that the kernel vouches for."""

from __future__ import annotations

import struct
import sys
from typing import Any

_SOL_SOCKET = 1
_SO_PEERCRED = 17
_SOL_LOCAL = 0
_LOCAL_PEERCRED = 1
_UCRED = struct.Struct("3i")
_XUCRED = struct.Struct("2I")


def peer_uid(connection: Any) -> int | None:
    """The user id of the process that dialled ``connection``; None where the system does not say."""
    try:
        if sys.platform == "linux":
            _, uid, _ = _UCRED.unpack(connection.getsockopt(_SOL_SOCKET, _SO_PEERCRED, _UCRED.size))
        else:
            said = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 128)
            _, uid = _XUCRED.unpack_from(said)
    except (OSError, struct.error):
        return None
    return int(uid)
