"""A server on HTTP seen from outside: whether anybody listens at its address, and which process that is."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from mcpscope.hanging.processes import Process, watched

CONNECT_SECONDS = 2.0
_PROC = Path("/proc")
_LISTENS = "0A"
_PORTS = {"http": 80, "https": 443}


def place_of(url: str) -> tuple[str, int]:
    """Host and port of a URL; ("", 0) where it has none."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0


def unreachable(host: str, port: int) -> str:
    """Why nobody can be reached there; "" where somebody listens."""
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except TimeoutError:
        return f"nothing answered within {CONNECT_SECONDS:.0f} s"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def listener(host: str, port: int) -> list[Process]:
    """This user's processes that listen there; [] for other machines, or where the system does not tell."""
    if not _is_here(host):
        return []
    wanted = {f"socket:[{inode}]" for inode in _listening(port)}
    return watched([pid for pid in _own() if wanted and _has(pid, wanted)])


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(port: int) -> list[str]:
    """The inodes of sockets that listen on a port of this machine."""
    found = []
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    found.append(fields[9])
    return found


def _own() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()] if _PROC.is_dir() else []


def _has(pid: int, wanted: set[str]) -> bool:
    """Whether a process of this user has one of these sockets open."""
    with suppress(OSError):
        return any(str(link.readlink()) in wanted for link in (_PROC / str(pid) / "fd").iterdir())
    return False
