"""The command line of a process that runs one of our modules, whatever the current folder has in it."""

from __future__ import annotations

import sys
from pathlib import Path

# Not -m: that would put the current folder, which belongs to a project, in front of the modules of Python.
_PROGRAM = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


def own_process(module: str, *args: str) -> list[str]:
    """Runs ``module`` as a program with ``args``."""
    root = str(Path(__file__).resolve().parents[2])
    return [sys.executable, "-P", "-c", _PROGRAM, root, module, *args]
