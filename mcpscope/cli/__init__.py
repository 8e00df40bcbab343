"""The commands; the only package that prints. Subcommands are imported when they are called."""

from __future__ import annotations


def run() -> int:
    """Dispatch ``sys.argv``; returns the exit code."""
    return 0
