"""What a replay and a diff cost of their own, beside a client that speaks to the server directly."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.replay.conversation import ROOT, Client

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "curious.py")]
SCOPE = [sys.executable, "-m", "mcpscope"]
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
FEW, MANY = 100, 1100
BUSY_FACTOR = 3  # the bars are for a machine that does nothing else

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]


def call(argv: list[str], count: int) -> float:
    """Seconds that ``count`` calls take."""
    client = Client(argv)
    client.roots = ["file:///home/ada"]
    client.open()
    client.call("where")
    start = time.perf_counter()
    for _ in range(count):
        client.call("where")
    took = time.perf_counter() - start
    client.close()
    return took


def timed(*args: str) -> float:
    start = time.perf_counter()
    done = subprocess.run([*SCOPE, *args], env=ENV, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - start


def test_an_exchange_costs_a_replay_less_than_two_milliseconds_of_its_own(tmp_path: Path) -> None:
    db = str(tmp_path / "scope.db")
    for name, count in (("few", FEW), ("many", MANY)):
        call([*SCOPE, "--db", db, "--record", name, "--", *SERVER], count)
    direct = call(SERVER, MANY - FEW)
    spent = timed("--db", db, "replay", "many") - timed("--db", db, "replay", "few")
    assert (spent - direct) / (MANY - FEW) < 0.002 * BUSY_FACTOR


def test_two_sessions_of_ten_thousand_exchanges_are_compared_within_five_seconds(tmp_path: Path) -> None:
    db = str(tmp_path / "scope.db")
    for name in ("one", "two"):
        call([*SCOPE, "--db", db, "--record", name, "--", *SERVER], 10_000)
    assert timed("--db", db, "diff", "one", "two") < 5 * BUSY_FACTOR
