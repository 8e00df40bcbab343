"""The figures of the stdio wire: direct, through the bare relay, and through us, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.ends import DIRECT, FLOOR, Drive, Load, Place, drive, lingering, place
from benchmarks.plan import KB, MB, Plan
from benchmarks.table import Row


def measure(plan: Plan) -> Iterator[Row]:
    """All stdio figures, each as soon as it is known."""
    yield from _round_trips(plan)
    yield from _gate(plan)
    yield from _relayed(plan)
    yield from _stored(plan)
    yield _start_up(plan)
    yield _memory(plan)
    yield from _disk(plan)


@dataclass(frozen=True)
class Turns:
    """The same figure of the three subjects, one value a round."""

    direct: list[Drive]
    floor: list[Drive]
    ours: list[Drive]

    def row(self, name: str, unit: str, figure: Callable[[Drive], float]) -> Row:
        values = [median(map(figure, runs)) for runs in (self.direct, self.floor, self.ours)]
        return Row(name, unit, values[0], values[1], values[2], values[2] / values[1])


def in_turns(plan: Plan, load: Load, *options: str) -> Turns:
    """Direct, floor and ours one after the other, ``rounds`` times, each of ours on a fresh database."""
    turns = Turns([], [], [])
    for _ in range(plan.rounds):
        turns.direct.append(drive(load, DIRECT))
        turns.floor.append(drive(load, FLOOR))
        with place(*options) as ours:
            turns.ours.append(drive(load, ours.subject, env=ours.env))
            ours.wait_for_rows(2 * load.calls)
    return turns


def _round_trips(plan: Plan) -> Iterator[Row]:
    small = in_turns(plan, Load(plan.calls(40_000), plan.payloads(130, 1000), pinned=True))
    yield small.row("round trip 200 B, one core, p50", "us", lambda run: run.p50_us)
    yield small.row("round trip 200 B, one core, p99", "us", lambda run: run.p99_us)
    large = in_turns(plan, Load(plan.calls(200), plan.payloads(MB, 4), pinned=True))
    yield large.row("round trip 1 MB, one core, p50", "us", lambda run: run.p50_us)


def _gate(plan: Plan) -> Iterator[Row]:
    rules = [word for number in range(20) for word in ("--deny", f"tool:no_such_tool_{number}")]
    turns = in_turns(plan, Load(plan.calls(40_000), plan.payloads(130, 1000), pinned=True), *rules)
    yield turns.row("through the gate, 200 B, one core, p50", "us", lambda run: run.p50_us)


def _relayed(plan: Plan) -> Iterator[Row]:
    for name, size, calls in (("200 B", 130, 200_000), ("10 KB", 10 * KB, 20_000)):
        load = Load(plan.calls(calls), plan.payloads(size, 1000), window=64)
        turns = in_turns(plan, load)
        yield turns.row(f"relayed {name}, 64 in flight", "calls/s", lambda run: run.calls_per_s)


def _stored(plan: Plan) -> Iterator[Row]:
    """Rows that SQLite holds a second, from the first byte sent until the last row is counted.

    A call is two messages, so two rows. Judged are rows over the calls that the floor relays; the line below
    says the same in calls, which has no bar.
    """
    for name, size, calls in (("200 B", 130, 100_000), ("10 KB", 10 * KB, 10_000), ("1 MB", MB, 200)):
        load = Load(plan.calls(calls), plan.payloads(size, 4 if size == MB else 1000), window=64)
        floor, ours = [], []
        for _ in range(plan.rounds):
            floor.append(drive(load, FLOOR).calls_per_s)
            with place() as here:
                known = _warm(here, plan)
                run = drive(load, here.subject, env=here.env)
                stored_ns = here.wait_for_rows(known + 2 * load.calls)
                ours.append((load.calls - 1) * 1e9 / (stored_ns - run.begun_ns))
        relayed, stored = median(floor), median(ours)
        rows = 2 * stored
        yield Row(f"stored and counted, {name}", "rows/s", None, relayed, rows, rows / relayed)
        yield Row(f"  in calls, {name}", "calls/s", None, relayed, stored, stored / relayed)


def _warm(here: Place, plan: Plan) -> int:
    """One short session, so that a rate is not that of creating a database; the rows it left."""
    drive(Load(2, plan.payloads(130, 1000)), here.subject, env=here.env)
    here.wait_until_ended()
    return here.rows()


def _start_up(plan: Plan) -> Row:
    load = Load(2, plan.payloads(130, 1000))
    direct, floor, ours = [], [], []
    for _ in range(max(5, 5 * plan.rounds)):
        direct.append(drive(load, DIRECT).first_ms)
        floor.append(drive(load, FLOOR).first_ms)
        with place() as here:
            ours.append(drive(load, here.subject, env=here.env).first_ms)
    values = [median(found) for found in (direct, floor, ours)]
    return Row("start-up added, to the first answer", "ms", *values, values[2] - values[0])


def _memory(plan: Plan) -> Row:
    load = Load(50_000, plan.payloads(130, 1000), window=64)
    with place() as here, lingering(load, here.subject, here.env):
        here.wait_for_rows(2 * load.calls)
        time.sleep(1)  # past the burst: what is measured is what stays
        used = here.pss_mb()
    return Row("memory after 100,000 messages", "MB", None, None, used, used)


def _disk(plan: Plan) -> Iterator[Row]:
    for name, size, calls in (("400 B", 330, 50_000), ("10 KB", 10 * KB, 4_000)):
        requests, answers = plan.payloads(size, 2000, 2), plan.payloads(size, 2000, 3)
        load = Load(plan.calls(calls), requests, window=64, answers=answers)
        with place() as here:
            run = drive(load, here.subject, env=here.env)
            here.wait_for_rows(2 * load.calls)
            here.wait_until_ended()
            stored = here.disk_bytes()
        yield Row(f"bytes on disk per byte, {name}", "", None, run.bytes, stored, stored / run.bytes)
