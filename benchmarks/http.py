"""The figures of HTTP and of the bridges, in turns with a direct connection and a bare relay of TCP bytes."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from benchmarks.ends import BENCH, Drive, Load, drive, pin, place
from benchmarks.plan import Plan
from benchmarks.table import Row

ENDING_SECONDS = 15
_LISTENING = re.compile(rb"listening on http://[^:/]+:(\d+)/")


def measure(plan: Plan) -> Iterator[Row]:
    """All figures with HTTP in them; the floor is the relay between the same two HTTP ends."""
    small = plan.payloads(130, 1000)
    calls = Calls(plan.calls(20_000), 1, small, pinned=True)
    rows = [
        _row("HTTP round trip small, one core", "us", *in_turns(plan, calls), "p50_us"),
        _row(
            "HTTP, 32 connections",
            "calls/s",
            *in_turns(plan, Calls(plan.calls(60_000), 32, small)),
            "calls_per_s",
        ),
        _row("SSE event delay, 1 stream", "us", *in_turns(plan, Events(plan.calls(2_000))), "p50_us"),
    ]
    yield from rows
    floors = [row.floor or 0.0 for row in rows]
    for name, found in _bridges(plan, calls).items():
        value = median(found)
        yield Row(f"bridge, {name}, one core", "us", None, floors[0], value, value / floors[0])
    yield _gateway(plan, calls)
    if mitmdump := shutil.which("mitmdump"):
        yield from _rival(plan, mitmdump, floors)


def _rival(plan: Plan, mitmdump: str, floors: list[float]) -> Iterator[Row]:
    """The same three figures with mitmdump (streaming, nothing stored) in our place; no bar of ours."""
    small = plan.payloads(130, 1000)
    measured = (
        ("HTTP round trip small, mitmdump", "us", Calls(plan.calls(2_000), 1, small, pinned=True), "p50_us"),
        ("HTTP, 32 connections, mitmdump", "calls/s", Calls(plan.calls(3_000), 32, small), "calls_per_s"),
        ("SSE event delay, mitmdump", "us", Events(plan.calls(1_000)), "p50_us"),
    )
    for (name, unit, calls, figure), floor in zip(measured, floors, strict=True):
        with _listening([str(BENCH), "serve"], pinned=calls.pinned) as server:
            mode = ["--mode", f"reverse:http://127.0.0.1:{server}", "--set", "stream_large_bodies=1", "-q"]
            port = _free_port()
            command = [mitmdump, *mode, "--listen-host", "127.0.0.1", "--listen-port", str(port)]
            with subprocess.Popen(command, preexec_fn=pin(calls.pinned)) as process:
                _wait_for(port)
                value = getattr(calls.run(port), figure)
                process.terminate()
        yield Row(name, unit, None, floor, value, value / floor)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(port: int) -> None:
    """Until somebody accepts connections on ``port``."""
    end = time.monotonic() + ENDING_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)


class Calls:
    """What the HTTP client is to do: ``calls`` over so many connections, one in flight on each."""

    def __init__(
        self, calls: int, connections: int, payloads: os.PathLike[str], *, pinned: bool = False
    ) -> None:
        self.calls = calls
        self.pinned = pinned
        self._words = ["post", "{port}", str(calls), str(connections), os.fspath(payloads)]

    def run(self, port: int) -> Drive:
        """Run the client against ``port``."""
        command = [str(BENCH), *(word.format(port=port) for word in self._words)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, preexec_fn=pin(self.pinned))
        return Drive(**json.loads(done.stdout), calls=self.calls)


class Events(Calls):
    """One SSE stream of so many events; its latencies are their delays."""

    def __init__(self, events: int) -> None:
        self.calls = events
        self.pinned = False
        self._words = ["stream", "{port}", str(events)]


def in_turns(plan: Plan, calls: Calls) -> tuple[list[Drive], list[Drive], list[Drive]]:
    """Direct, through the relay and through us, ``rounds`` times each."""
    found: tuple[list[Drive], list[Drive], list[Drive]] = ([], [], [])
    for _ in range(plan.rounds):
        with _listening([str(BENCH), "serve"], pinned=calls.pinned) as server:
            found[0].append(calls.run(server))
            with _listening([str(BENCH), "forward", str(server)], pinned=calls.pinned) as relay:
                found[1].append(calls.run(relay))
            with _ours(f"http://127.0.0.1:{server}/mcp", pinned=calls.pinned) as port:
                found[2].append(calls.run(port))
    return found


def _bridges(plan: Plan, calls: Calls) -> dict[str, list[float]]:
    to_http, to_stdio = [], []
    load = Load(calls.calls, plan.payloads(130, 1000), pinned=True)
    for _ in range(plan.rounds):
        with _listening([str(BENCH), "serve"], pinned=True) as server, place("proxy", "--stdio") as here:
            subject = [*here.subject[:-1], f"http://127.0.0.1:{server}/mcp"]
            to_http.append(drive(load, subject, env=here.env, echo=False).p50_us)
        with _ours("--", str(BENCH), "echo", pinned=True) as port:
            to_stdio.append(calls.run(port).p50_us)
    return {"stdio to HTTP": to_http, "HTTP to stdio": to_stdio}


def _gateway(plan: Plan, calls: Calls) -> Row:
    """A call through ``/mcp``, over the same through the reverse proxy; its name has a prefix there."""
    alone, whole = [], []
    for _ in range(plan.rounds):
        with _listening([str(BENCH), "serve"], pinned=True) as server:
            url = f"http://127.0.0.1:{server}/mcp"
            with _ours(url, pinned=True) as port:
                alone.append(calls.run(port).p50_us)
            config = plan.folder / "gateway.yaml"
            upstreams = {"a": {"url": url, "prefix": "e"}, "b": {"url": url}}
            config.write_text(json.dumps({"version": 1, "separator": "", "upstreams": upstreams}))
            with _ours(str(config), pinned=True, words=("gateway", "--port", "0")) as port:
                whole.append(calls.run(port).p50_us)
    value, base = median(whole), median(alone)
    return Row("call through a gateway, one core", "us", None, base, value, value / base)


@contextmanager
def _ours(*target: str, pinned: bool, words: tuple[str, ...] = ("proxy", "--port", "0")) -> Iterator[int]:
    """A proxy of ours on a port of its own."""
    with place(*words) as here:
        command = [*here.subject[:-1], *target]
        with subprocess.Popen(
            command, env=here.env, stderr=subprocess.PIPE, preexec_fn=pin(pinned)
        ) as process:
            assert process.stderr
            try:
                for line in process.stderr:
                    if found := _LISTENING.search(line):
                        yield int(found.group(1))
                        break
                else:
                    raise AssertionError("the proxy ended before it listened")
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a proxy as its user would; one that stays is a finding, and killed so that we go on."""
    process.terminate()
    try:
        process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        print(f"a proxy was still there {ENDING_SECONDS} s after SIGTERM", file=sys.stderr)


@contextmanager
def _listening(command: list[str], *, pinned: bool) -> Iterator[int]:
    """One of the C ends that prints its port."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=pin(pinned)) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _row(
    name: str, unit: str, direct: list[Drive], floor: list[Drive], ours: list[Drive], figure: str
) -> Row:
    values = [median(getattr(run, figure) for run in runs) for runs in (direct, floor, ours)]
    return Row(name, unit, *values, values[2] / values[1])
