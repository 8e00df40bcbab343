"""The error a person can act on, with the exit codes every command shares."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; stable, listed in ``--help``."""

    OK = 0
    DIFFERENT = 1
    USAGE = 2
    AUTH = 3
    UPSTREAM = 4
    STORE = 5
    POLICY = 6
    REFUSED = 7
    INTERNAL = 70
    TIMEOUT = 124
    INTERRUPTED = 130


class ScopeError(Exception):
    """What happened, where, and what to do about it, in one line each.

    Raised only at the edges, where a person can act; the cli shows it and exits with ``exit``.
    ``code`` is a stable word for ``--json`` (``upstream_exit``, ``bad_filter`` ...).
    """

    def __init__(self, message: str, *, code: str, exit: Exit, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.exit = exit
        self.hint = hint
        self.where = ""  # lines that show the place, where there is one to show
