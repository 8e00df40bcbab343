"""``make bench``: measures this machine now and prints each figure as a ratio, with its bar and goal.

Direct connection, bare relay (the floor) and mcpscope with recording on take turns; driver, echo server and
relay are one C program. Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks import gate, http, policy, readers, stdio, table, ui
from benchmarks.ends import build
from benchmarks.plan import Plan

PARTS = {
    "stdio": stdio.measure,
    "gate": gate.measure,
    "policy": policy.measure,
    "http": http.measure,
    "readers": readers.measure,
    "ui": ui.measure,
}


def main() -> int:
    """Measure what was asked for, printing as it goes."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="one part instead of all")
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls, one round")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is repeated")
    asked = parser.parse_args()
    build()
    print(f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(table.HEADER, flush=True)
    missed = 0
    with tempfile.TemporaryDirectory(prefix="mcpscope-bench-") as folder:
        plan = Plan(Path(folder), 1 if asked.quick else asked.rounds, 0.1 if asked.quick else 1)
        for part in asked.only or PARTS:
            for row in PARTS[part](plan):
                print(table.line(row), flush=True)
                missed += not row.passed
    print(f"{missed} bars missed" if missed else "all bars reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
