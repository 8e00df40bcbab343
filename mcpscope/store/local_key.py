"""The key of this user's mcpscope: placeholders of secrets are digested with it, records are sealed with it.

One file of 32 random bytes in the state folder, 0600. It never leaves the machine by itself; whoever is to
check a database elsewhere takes it along.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from mcpscope.paths import private_folder, state_folder

KEY_BYTES = 32
KEY_FILE = "local.key"


def key_path() -> str:
    """Where the key lies, or will."""
    return f"{state_folder()}/{KEY_FILE}"


def local_key(purpose: str, path: str = "") -> bytes:
    """The key for one purpose, made now if there is none yet.

    ``path`` names another file, which must exist. Raises OSError where it cannot be read or made, and
    ValueError where the file is not such a key.
    """
    secret = _read(path) if path else _read_or_make()
    return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()


def digest_key() -> bytes:
    """The key that placeholders are digested with; empty (a key of this process alone) where none is."""
    try:
        return local_key("redact")
    except (OSError, ValueError):
        return b""


def _read_or_make() -> bytes:
    path = key_path()
    try:
        return _read(path)
    except FileNotFoundError:
        private_folder(state_folder())
    draft = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(draft, flags, 0o600)
    try:
        os.write(fd, os.urandom(KEY_BYTES))
        os.fsync(fd)
    finally:
        os.close(fd)
    try:
        os.link(draft, path)  # whole when it has its name; whoever came first has made the key
    except FileExistsError:
        pass
    finally:
        os.remove(draft)  # noqa: PTH107  # the wire does without pathlib
    return _read(path)


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = os.read(fd, KEY_BYTES + 1)
    finally:
        os.close(fd)
    if len(found) != KEY_BYTES:
        raise ValueError(f"{path} is no key of mcpscope's")
    return found
