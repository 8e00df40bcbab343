"""References to secrets: ``${env:NAME}``, ``${file:PATH}``, ``${keyring:service/user}``, ``${cmd:COMMAND}``.

A value that holds a reference is never shown: ``Template.shown`` has the reference, ``resolve`` the secret.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mcpscope.errors import Exit, ScopeError

COMMAND_SECONDS = 30
_REFERENCE = re.compile(r"\$\{(env|file|keyring|cmd):([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """Text that may hold references. ``shown`` is the text as written, references unresolved."""

    shown: str

    @property
    def has_references(self) -> bool:
        return _REFERENCE.search(self.shown) is not None

    def resolve(self) -> tuple[str, tuple[str, ...]]:
        """The text with every reference replaced, and the secrets that went into it.

        Blocks for ``cmd`` and ``keyring``. Raises ScopeError (``secret``) that names what is missing.
        """
        secrets: list[str] = []

        def put(found: re.Match[str]) -> str:
            secret = _read(found[1], found[2], found[0])
            if secret:
                secrets.append(secret)
            return secret

        return _REFERENCE.sub(put, self.shown), tuple(secrets)


def _read(kind: str, name: str, reference: str) -> str:
    match kind:
        case "env":
            value = os.environ.get(name)
            if value is None:
                raise _missing(reference, f"the variable {name} is not set")
            return value
        case "file":
            return _file(name, reference)
        case "keyring":
            return _keyring(name, reference)
        case _:
            return _command(name, reference)


def _file(name: str, reference: str) -> str:
    path = Path(name).expanduser()
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise _missing(reference, f"cannot read {path}: {why}") from error
    if mode & 0o077:
        raise _missing(reference, f"others can read {path}; chmod 600 it")
    return text.rstrip("\r\n")


def _keyring(name: str, reference: str) -> str:
    service, _, user = name.partition("/")
    try:
        # Deferred: it looks for a backend as it is imported, and nearly nobody needs it.
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise _missing(reference, "the package keyring is not installed") from error
    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        raise _missing(reference, f"the keyring cannot be read ({type(error).__name__})") from error
    if value is None:
        raise _missing(reference, f"the keyring has no entry {service}/{user}")
    return str(value)


def _command(text: str, reference: str) -> str:
    try:
        argv = shlex.split(text)
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
        )
    except (OSError, ValueError, IndexError) as error:
        raise _missing(reference, f"cannot run it: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise _missing(reference, f"it took longer than {COMMAND_SECONDS} s") from error
    if done.returncode != 0:
        raise _missing(reference, f"it exited with code {done.returncode}")
    try:
        return done.stdout.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _missing(reference, "it printed something that is not UTF-8") from error


def _missing(reference: str, why: str) -> ScopeError:
    return ScopeError(f"the secret {reference} is missing: {why}", code="secret", exit=Exit.USAGE)
