"""What a person waits for in the terminal UI, and what the UI costs the traffic it shows.

python -m benchmarks.run --only ui [--quick]
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.big_database import MESSAGES, make
from benchmarks.ends import Place
from benchmarks.plan import Plan
from benchmarks.table import Row
from benchmarks.terminal import Terminal

SERVER = [
    sys.executable,
    "-c",
    """import json, sys
results = open(sys.argv[1]) if len(sys.argv) > 1 else None
for line in sys.stdin.buffer:
    result = results.readline().strip() if results else '{"content":[{"type":"text","text":"done"}]}'
    sys.stdout.write('{"jsonrpc":"2.0","id":%d,"result":%s}\\n' % (json.loads(line)["id"], result))
    sys.stdout.flush()
""",
]
"""A server that answers at once: with the lines of a file, or always the same."""
FILTERS = ("tool:tool_07", "tool:rare_tool", "is:error", "dur>900ms", "size>10mb", "status:rpc-error")
PRESSES = 100
CALLS_A_SECOND = 250  # twice as many messages
LIVE_SECONDS = 60
TURN_SECONDS = 3.0
TURNS = 8
ANSWER_BYTES = 1_500_000
HUGE_BYTES = 60_000_000


def measure(plan: Plan) -> Iterator[Row]:
    """Everything that has a bar in the terminal."""
    yield from _a_million(plan)
    yield from _live(plan)
    yield _beside(plan)
    yield from _large(plan)


def _row(name: str, unit: str, value: float) -> Row:
    return Row(name, unit, None, None, value, value)


def _a_million(plan: Plan) -> Iterator[Row]:
    db = plan.folder / "ui" / "big.db"
    db.parent.mkdir()
    make(db, plan.calls(MESSAGES))
    empty = []
    for _ in range(plan.rounds):
        with Terminal(db) as ui:
            empty.append(ui.until("tool_", since=ui.begun))
    yield _row("UI, a million messages, first rows", "ms", median(empty))
    with Terminal(db) as ui:
        ui.until("exchanges")
        ui.drain()
        waits = [_filtered(ui, text) for text in FILTERS]
        yield _row("UI, slowest structured filter", "ms", max(waits))
        ui.press("g")
        ui.drain()
        presses = sorted(_presses(ui, PRESSES))
        yield _row("UI, j in half a million rows, p50", "ms", median(presses))
        yield _row("UI, j in half a million rows, worst", "ms", presses[-1])


def _filtered(ui: Terminal, text: str) -> float:
    """Milliseconds from Enter behind a filter to its first rows; the filter is taken away again."""
    ui.press("/")
    ui.drain(0.2)
    took = _until_after(ui, text + "\r", " of ")
    ui.drain(0.5)
    ui.press("/")
    ui.drain(0.2)
    ui.press("\x15\x0b\r")
    ui.drain(0.8)
    return took


def _until_after(ui: Terminal, keys: str, text: str) -> float:
    begun = time.perf_counter()
    ui.press(keys)
    return ui.until(text, since=begun)


def _presses(ui: Terminal, count: int) -> Iterator[float]:
    for _ in range(count):
        yield ui.answers("j")
        time.sleep(0.03)


class _Traffic:
    """A proxy with an echo server, and a client that calls it at a pace."""

    def __init__(self, here: Place) -> None:
        self._proxy = subprocess.Popen(
            [*here.subject, *SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=here.env,
            bufsize=0,
        )
        self.sent = 0

    def close(self) -> None:
        assert self._proxy.stdin is not None
        self._proxy.stdin.close()
        self._proxy.wait(60)

    def call(self) -> float:
        """One call; microseconds until its answer."""
        assert self._proxy.stdin is not None and self._proxy.stdout is not None
        self.sent += 1
        params = {
            "name": f"tool_{self.sent % 40}",
            "arguments": {"query": "x" * 120, "limit": self.sent % 50},
        }
        said = {"jsonrpc": "2.0", "id": self.sent, "method": "tools/call", "params": params}
        line = json.dumps(said).encode() + b"\n"
        begun = time.perf_counter()
        self._proxy.stdin.write(line)
        self._proxy.stdout.readline()
        return (time.perf_counter() - begun) * 1e6

    def paced(self, seconds: float) -> list[float]:
        """Calls for so long, ``CALLS_A_SECOND`` of them each second."""
        begun, found = time.perf_counter(), []
        while (now := time.perf_counter() - begun) < seconds:
            found.append(self.call())
            time.sleep(max(0.0, len(found) / CALLS_A_SECOND - now))
        return found


def _live(plan: Plan) -> Iterator[Row]:
    here = Place(plan.folder / "ui-live")
    here.db.parent.mkdir(parents=True)
    seconds = max(6.0, LIVE_SECONDS * plan.scale)
    traffic = _Traffic(here)
    traffic.paced(1.0)
    worker = threading.Thread(target=traffic.paced, args=(seconds,))
    with Terminal(here.db) as ui:
        ui.until("tool_")
        ui.drain()
        worker.start()
        time.sleep(0.5)
        used, held, begun = ui.cpu_seconds, ui.resident_mb, time.perf_counter()
        redraws = _redraws(ui, worker)
        took = time.perf_counter() - begun
        yield _row("UI, 500 messages/s, redraws a second", "1/s", redraws / took)
        yield _row("UI, 500 messages/s, of one core", "%", 100 * (ui.cpu_seconds - used) / took)
        yield _row("UI, 500 messages/s, memory more", "MB", ui.resident_mb - held)
    traffic.close()
    end = time.monotonic() + 60
    while here.rows() < 2 * traffic.sent and time.monotonic() < end:
        time.sleep(0.1)
    yield _row("UI, 500 messages/s, not recorded", "", 2 * traffic.sent - here.rows())


def _redraws(ui: Terminal, worker: threading.Thread) -> int:
    """How often the screen changed while ``worker`` ran; what follows within 40 ms belongs to one change."""
    found, last = 0, 0.0
    while worker.is_alive():
        if ui.read(0.05):
            now = time.perf_counter()
            found, last = found + (now - last > 0.04), now
    return found


def _beside(plan: Plan) -> Row:
    """The median latency at 500 messages a second with a UI on the proxy and without, by turns."""
    here = Place(plan.folder / "ui-beside")
    here.db.parent.mkdir(parents=True)
    traffic = _Traffic(here)
    traffic.paced(1.0)
    alone, watched = [], []
    for _ in range(max(2, round(TURNS * plan.scale))):
        alone += traffic.paced(TURN_SECONDS)
        with Terminal(here.db) as ui:
            ui.until("tool_")
            ui.drain()
            reader = threading.Thread(target=_keep_reading, args=(ui, TURN_SECONDS))
            reader.start()
            watched += traffic.paced(TURN_SECONDS)
            reader.join()
    traffic.close()
    return Row(
        "UI, latency of the traffic with it",
        "us",
        None,
        median(alone),
        median(watched),
        median(watched) / median(alone),
    )


def _keep_reading(ui: Terminal, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        ui.read(0.05)


def _large(plan: Plan) -> Iterator[Row]:
    """One answer of 1.5 MB and one of 60 MB, opened from the list."""
    here = Place(plan.folder / "ui-large")
    here.db.parent.mkdir(parents=True)
    answers = plan.folder / "large.ndjson"
    _write_answers(answers)
    _record(here, answers)
    with Terminal(here.db, size=(80, 24)) as ui:
        ui.until("huge")
        ui.drain(1.0)
        ui.press("k")
        ui.drain(1.0)
        yield _row("UI, a 1.5 MB answer, opened", "ms", _opened(ui, "large"))
        ui.drain(1.0)
        yield _row("UI, a 1.5 MB answer, j p50", "ms", median(_presses(ui, 30)))
        ui.press("q")
        ui.drain(1.0)
        held = ui.resident_mb
        ui.press("j")
        ui.drain(1.0)
        _opened(ui, "huge")
        ui.drain(2.0)
        ui.press("G")
        ui.drain(1.0)
        yield _row("UI, a 60 MB answer, memory more", "MB", ui.resident_mb - held)


def _opened(ui: Terminal, name: str) -> float:
    """Milliseconds from Enter on a row until its answer, one Tab further, is drawn."""
    begun = time.perf_counter()
    ui.press("\r")
    ui.until("Request")
    ui.press("\t")
    return ui.until(f"of {name}", since=begun)


def _write_answers(path: Path) -> None:
    """Two answers, one a line: many short texts each, as servers return them."""
    rng = random.Random(1)
    with path.open("w") as file:
        for name, size in (("large", ANSWER_BYTES), ("huge", HUGE_BYTES)):
            count = size // 100
            texts = [
                {"type": "text", "text": f"row {n} of {name}: " + str(rng.random()) * 3} for n in range(count)
            ]
            file.write(json.dumps({"content": texts}) + "\n")


def _record(here: Place, answers: Path) -> None:
    """Have a proxy record the answers of a server that reads them from a file."""
    proxy = subprocess.Popen(
        [*here.subject, *SERVER, str(answers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=here.env
    )
    assert proxy.stdin is not None and proxy.stdout is not None
    for number, name in enumerate(("large", "huge")):
        call = {
            "jsonrpc": "2.0",
            "id": number,
            "method": "tools/call",
            "params": {"name": name, "arguments": {}},
        }
        proxy.stdin.write(json.dumps(call).encode() + b"\n")
        proxy.stdin.flush()
        proxy.stdout.readline()
    proxy.stdin.close()
    proxy.wait(60)
    end = time.monotonic() + 60
    while here.rows() < 4 and time.monotonic() < end:
        time.sleep(0.1)
