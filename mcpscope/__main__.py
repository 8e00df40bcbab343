"""``python -m mcpscope`` and the console script."""

from __future__ import annotations


def main() -> int:
    """Run the command line; returns the exit code."""
    from mcpscope.cli import run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
