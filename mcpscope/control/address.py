"""Unix socket addresses of any length: the kernel takes about a hundred bytes, folders may be longer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

MAX_ADDRESS_BYTES = 100


def at_address(path: str, use: Callable[[str], Any]) -> Any:
    """Call ``use`` with an address for ``path``: itself, or a short name through an open folder (Linux)."""
    if len(os.fsencode(path)) <= MAX_ADDRESS_BYTES or sys.platform != "linux":
        return use(path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return use(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    finally:
        os.close(folder)
