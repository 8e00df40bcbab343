"""mcpscope with one of its functions broken: ``broken.py MODULE:NAME[.NAME] FILE ARGUMENTS…``.

The function raises as long as FILE exists: whatever fails must refuse.
"""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from typing import Any


def broken(function: Any, switch: Path) -> Any:
    """``function``, raising while ``switch`` is there."""

    @functools.wraps(function)
    def wrapped(*args: Any, **options: Any) -> Any:
        if switch.exists():
            raise RuntimeError("broken on purpose")
        return function(*args, **options)

    return wrapped


def main() -> int:
    target, switch, *arguments = sys.argv[1:]
    place, _, name = target.partition(":")
    owner: Any = importlib.import_module(place)
    *path, last = name.split(".")
    for step in path:
        owner = getattr(owner, step)
    setattr(owner, last, broken(getattr(owner, last), Path(switch)))
    from mcpscope.__main__ import main as run

    sys.argv = ["mcpscope", *arguments]
    return run()


if __name__ == "__main__":
    sys.exit(main())
