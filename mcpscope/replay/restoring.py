"""``--before``: the command that puts a server's data back before each run."""

from __future__ import annotations

import shlex
import subprocess

from mcpscope.errors import Exit, ScopeError

RESTORE_SECONDS = 300


def restore(command: str) -> None:
    """Run ``command``, split as a shell splits words but without one; ScopeError where it fails."""
    words = split(command, "--before")
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=RESTORE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(command, str(error)) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise _failed(command, said or f"exit code {done.returncode}")


def split(command: str, option: str) -> list[str]:
    """The words of a command; ScopeError names ``option`` where quotes do not close or nothing is there."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ScopeError(
            f"{option} {command!r}: {error}", code="usage", exit=Exit.USAGE, hint="quote it as for a shell"
        ) from None
    if not words:
        raise ScopeError(f"{option} needs a command", code="usage", exit=Exit.USAGE)
    return words


def _failed(command: str, why: str) -> ScopeError:
    return ScopeError(
        f"the command of --before failed: {why}",
        code="before_failed",
        exit=Exit.UPSTREAM,
        hint=f"run it yourself: {command}",
    )
