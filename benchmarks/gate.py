"""The figures of the gate: a round trip through it, beside a hold, and in the fast lane after it was left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.ends import FLOOR, Load, Place, drive, place
from benchmarks.plan import Plan
from benchmarks.table import Row
from mcpscope.control.client import Control
from mcpscope.control.registry import running

BREAKPOINTS = 20
CALLS = 40_000
PAIRS = 5  # of short runs, each judged against its neighbour: what else the machine does falls on both
HELD = {"method": "notifications/held"}


def measure(plan: Plan) -> Iterator[Row]:
    """All figures of the gate, each as soon as it is known."""
    yield _through(plan)
    yield _beside_a_hold(plan)
    yield _after(plan)


def unmatched() -> list[str]:
    """Options that keep every message in the gate and match none."""
    breaks = [word for n in range(BREAKPOINTS) for word in ("--break", f"tool:nothing_{n}")]
    return [*breaks, "--detached", "wait"]


def _load(plan: Plan) -> Load:
    return Load(plan.calls(CALLS), plan.payloads(130, 1000), pinned=True)


def _through(plan: Plan) -> Row:
    load = _load(plan)
    floor, ours = [], []
    for _ in range(plan.rounds):
        floor.append(drive(load, FLOOR).p50_us)
        with place(*unmatched()) as here:
            ours.append(drive(load, here.subject, env=here.env).p50_us)
            here.wait_for_rows(2 * load.calls)
    values = median(floor), median(ours)
    return Row("gate round trip, 20 breakpoints", "us", None, *values, values[1] / values[0])


def _beside_a_hold(plan: Plan) -> Row:
    """The same gate, without and with one message held all the while."""
    load = Load(CALLS // 2, plan.payloads(130, 1000), pinned=True)
    free, beside = [], []
    for _ in range(max(PAIRS, plan.rounds)):
        for found, steer in ((free, _attach), (beside, _hold)):
            with place(*unmatched(), "--break", "method:notifications/held") as here, steered(here, steer):
                found.append(drive(load, here.subject, env=here.env).p50_us)
    return _paired("gate, others while one is held", free, beside)


def _after(plan: Plan) -> Row:
    """The fast lane of a proxy that nobody steers, and of one that has been in the gate and left it."""
    load = Load(CALLS, plan.payloads(130, 1000), pinned=True)
    never, left = [], []
    for _ in range(max(PAIRS, plan.rounds)):
        with place() as here:
            never.append(drive(load, here.subject, env=here.env).p50_us)
        with place() as here, steered(here, _visit):
            left.append(drive(load, here.subject, env=here.env).p50_us)
    return _paired("fast lane after the gate was left", never, left)


def _paired(name: str, before: list[float], after: list[float]) -> Row:
    """The medians of both, and the median of what each run took longer than the one before it."""
    ratio = median(b / a for a, b in zip(before, after, strict=True))
    return Row(name, "us", None, median(before), median(after), ratio)


class steered:  # reads as what it is in a with statement
    """Somebody at the control socket of the proxy in ``here`` for as long as it runs."""

    def __init__(self, here: Place, steer: Callable[[Control], None]) -> None:
        self._folder = Path(here.env["MCPSCOPE_RUNTIME_DIR"])
        self._steer = steer
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.failed: BaseException | None = None

    def __enter__(self) -> steered:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        if self.failed is not None:
            raise self.failed

    def _work(self) -> None:
        try:
            end = time.monotonic() + 30
            while not (found := [entry for entry in running(self._folder) if entry.socket]):
                if time.monotonic() > end:
                    raise AssertionError("no proxy to steer")
                time.sleep(0.005)
            with found[0].dial("bench") as control:
                self._steer(control)
                self._over.wait()
        except BaseException as error:
            self.failed = error


def _attach(control: Control) -> None:
    control.call("scope/subscribe")


def _hold(control: Control) -> None:
    control.call("scope/subscribe")
    control.call("scope/inject", message=HELD)
    if len(control.call("scope/holds/list")) != 1:
        raise AssertionError("nothing is held")


def _visit(control: Control) -> None:
    control.call("scope/rules/add", action="deny", match="tool:nothing", name="visit")
    time.sleep(0.05)
    control.call("scope/rules/remove", name="visit")
