"""A road between two pipes: exact bytes at every chunking, one bounded queue, ends that carry over."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from mcpscope.session.lanes import BareLane, FastLane
from mcpscope.session.road import BUFFER_BYTES, Road
from mcpscope.store.journal import Journal
from mcpscope.store.layout import CHUNK, TO_SERVER
from mcpscope.store.tail import Tail
from mcpscope.transports.ends import FdDrain, FdSource
from mcpscope.transports.poll import PollLoop
from tests.session.oddities import ODD_LINES, script

pytestmark = pytest.mark.timeout(60)


class Bench:
    """A road with a writer and a reader at its ends, both ours."""

    def __init__(self) -> None:
        self.loop = PollLoop()
        source, self.into = os.pipe()
        self.out, drain = os.pipe()
        os.set_blocking(source, False)
        os.set_blocking(drain, False)
        self.ended = 0
        self.road = Road(self.loop, FdSource(source), FdDrain(drain), self._on_ended, self.loop.stop)
        self.road.lane = BareLane(self.road)

    def _on_ended(self) -> None:
        self.ended += 1

    def carry(self, chunks: list[bytes]) -> bytes:
        """What arrives when ``chunks`` are written one by one."""
        arrived: list[bytes] = []

        def write() -> None:
            for chunk in chunks:
                view = memoryview(chunk)
                while view:
                    view = view[os.write(self.into, view) :]
            os.close(self.into)

        def read() -> None:
            while data := os.read(self.out, 1 << 20):
                arrived.append(data)
            os.close(self.out)

        threads = [threading.Thread(target=write), threading.Thread(target=read)]
        for thread in threads:
            thread.start()
        self.road.start()
        self.loop.run_forever()
        for thread in threads:
            thread.join(30)
        return b"".join(arrived)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` in pieces of ``sizes``, repeated until it is used up."""
    pieces, at, turn = [], 0, 0
    while at < len(data):
        pieces.append(data[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    return pieces


SIZES = st.lists(st.one_of(st.integers(1, 40), st.integers(1, 70_000)), min_size=1, max_size=12)


@seed(1)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lines=st.lists(st.one_of(st.sampled_from(ODD_LINES), st.binary(max_size=300)), max_size=60), sizes=SIZES
)
def test_bytes_arrive_as_they_were_sent(lines: list[bytes], sizes: list[int]) -> None:
    data = b"\n".join(lines)
    assert Bench().carry(cut(data, sizes)) == data


@seed(2)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(sizes=st.lists(st.integers(50, 300_000), min_size=1, max_size=12))
def test_the_long_script_arrives_and_is_recorded(tmp_path: Path, sizes: list[int]) -> None:
    data = script(len(sizes))
    journal = Journal(f"{tmp_path}/j/{os.urandom(4).hex()}", pytest.fail)
    assert journal.open()
    bench = Bench()
    bench.road.lane = FastLane(bench.road, journal, TO_SERVER, 1, lambda: pytest.fail("refused"))
    assert bench.carry(cut(data, sizes)) == data
    journal.close()
    assert recorded(Path(journal.folder)) == data


def recorded(folder: Path) -> bytes:
    """The chunks of a journal, joined."""
    tail = Tail(folder)
    found = []
    while records := tail.read():
        found += [record.payload for record in records if record.type == CHUNK]
    tail.close()
    return b"".join(found)


@pytest.mark.parametrize("size", [4096, 1 << 16, 5 << 20])
def test_a_line_of_64_mb_passes(size: int) -> None:
    data = script(3, 100, long_line=64 << 20)
    assert Bench().carry(cut(data, [size])) == data


def test_what_a_stalled_reader_makes_us_hold_is_one_buffer() -> None:
    bench = Bench()
    os.set_blocking(bench.into, False)
    bench.road.start()
    taken = 0
    stalled = 0

    def push() -> None:
        nonlocal taken, stalled
        try:
            taken += os.write(bench.into, b"x" * 65536)
            stalled = 0
        except BlockingIOError:
            stalled += 1
        if stalled < 20:
            bench.loop.call_later(0.002, push)
        else:
            bench.loop.stop()

    push()
    bench.loop.run_forever()
    assert bench.road.pending <= BUFFER_BYTES
    assert taken < 2 * BUFFER_BYTES


def test_a_reader_that_leaves_ends_the_writer_and_is_counted() -> None:
    bench = Bench()
    os.close(bench.out)
    os.write(bench.into, b"nobody reads this\n")
    bench.road.start()
    bench.loop.run_forever()
    assert bench.road.finished
    assert bench.road.undelivered == 18
    with pytest.raises(BrokenPipeError):
        os.write(bench.into, b"x")


def test_a_writer_that_leaves_a_stalled_road_is_noticed() -> None:
    bench = Bench()
    bench.road.start()
    bench.road.pause()
    os.write(bench.into, b"x")
    os.close(bench.into)
    bench.loop.call_later(20, bench.loop.stop)

    def look() -> None:
        if bench.ended:
            bench.loop.stop()
        else:
            bench.loop.call_later(0.05, look)

    look()
    bench.loop.run_forever()
    assert bench.ended


class Collecting:
    """A lane that keeps what it gets."""

    def __init__(self) -> None:
        self.got = b""

    @property
    def at_boundary(self) -> bool:
        return self.got[-1:] in (b"", b"\n")

    def received(self, chunk: memoryview) -> None:
        self.got += bytes(chunk)

    def ended(self) -> None:
        self.got += b"(end)"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(0, 30))
@settings(deadline=None)
def test_a_lane_is_switched_at_a_message_boundary(sizes: list[int], when: int) -> None:
    data = b"one\ntwo\n\nthree three\nfour\nrest"
    bench = Bench()
    first, second = Collecting(), Collecting()
    bench.road.lane = first
    at = 0
    for chunk in cut(data, sizes):
        if at <= when < at + len(chunk):
            bench.road.enter(second)
        at += len(chunk)
        bench.road.lane.received(memoryview(chunk))
    bench.road.lane.ended()
    assert (first.got + second.got).replace(b"(end)", b"") == data
    assert first.got.replace(b"(end)", b"").endswith((b"\n", b"rest")) or not first.got
    for fd in (bench.into, bench.out):
        os.close(fd)
    bench.road.abandon()
