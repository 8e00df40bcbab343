"""``--otlp``: spans while it happens and afterwards, and a wire that no collector disturbs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.exports.collecting import Collector, attributes
from tests.program import ROOT, Program, until

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "plain_stdio_server.py")]
PATIENCE_SECONDS = 40.0


def started(program: Program, *options: str) -> subprocess.Popen[bytes]:
    return program.popen(*options, "--", *SERVER)


def asked(proxy: subprocess.Popen[bytes], id: int, name: str = "echo", **meta: Any) -> float:
    """Call a tool and read its answer; how many seconds that took."""
    params = {"name": name, "arguments": {"text": f"t{id}", "password": "hunter22"}, "_meta": meta}
    began = time.monotonic()
    body = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
    proxy.stdin.write(json.dumps(body).encode() + b"\n")
    proxy.stdin.flush()
    assert json.loads(proxy.stdout.readline())["id"] == id
    return time.monotonic() - began


def named(collector: Collector) -> list[str]:
    return sorted(attributes(span)["jsonrpc.request.id"] for span in collector.spans)


def test_a_call_is_a_span_while_the_session_runs_and_the_last_one_comes_too(program: Program) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with Collector() as collector:
        proxy = started(program, "--otlp", collector.url, "--label", "plain")
        asked(proxy, 1, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
        until(lambda: collector.spans, timeout=PATIENCE_SECONDS)
        assert proxy.poll() is None and collector.spans[0].trace_id.hex() == trace
        asked(proxy, 2)
        proxy.stdin.close()
        assert proxy.wait(30) == 0
        until(lambda: len(collector.spans) == 2, timeout=PATIENCE_SECONDS)
        assert named(collector) == ["1", "2"] and collector.headers["content-type"] == "application/json"
        resource = attributes(collector.requests[0].resource_spans[0].resource)
        assert resource["service.name"] == "plain"
        live = {span.span_id for span in collector.spans}
        done = program.run("export", "last", "--otlp", collector.url)
        assert (done.returncode, done.stdout, b"sent 2 spans" in done.stderr) == (0, b"", True), done.stderr
        assert {span.span_id for span in collector.spans} == live  # the same spans, and no others


def test_a_proxy_on_http_sends_spans_too(program: Program) -> None:
    with Collector() as collector, httpx.Client(trust_env=False) as client:
        proxy = started(program, "--port", "0", "--otlp", collector.url)
        address = proxy.stderr.readline().decode().partition("listening on ")[2].split()[0]

        def said(id: int, method: str, params: dict[str, Any], session: str = "") -> httpx.Response:
            headers = {"Accept": "application/json, text/event-stream"}
            headers |= {"Mcp-Session-Id": session} if session else {}
            body = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
            answer = client.post(address, json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer

        hello = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "c", "version": "1"},
        }
        session = said(0, "initialize", hello).headers["mcp-session-id"]
        said(1, "tools/call", {"name": "echo", "arguments": {"text": "x"}}, session)
        until(lambda: len(collector.spans) == 2, timeout=PATIENCE_SECONDS)
        proxy.terminate()
        assert proxy.wait(30) == 0
        facts = attributes(collector.spans[1])
        assert (facts["gen_ai.tool.name"], facts["mcp.session.id"]) == ("echo", session)


@pytest.mark.parametrize("how", ["closed", "hangs", "refuses"])
def test_a_collector_that_is_no_use_disturbs_nobody(program: Program, how: str) -> None:
    with Collector() as collector:
        collector.hangs, collector.status = how == "hangs", 400
        address = collector.url
        if how == "closed":
            with socket.socket() as probe:  # nobody listens there
                probe.bind(("127.0.0.1", 0))
                address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        proxy = started(program, "--otlp", address)
        for number in range(3):
            asked(proxy, number)
        if how != "closed":
            until(lambda: collector.asked, timeout=PATIENCE_SECONDS)
        assert max(asked(proxy, number) for number in range(3, 6)) < 5
        proxy.stdin.close()
        assert proxy.wait(5) == 0
    said = program.run("sql", "--json", "SELECT count(*) FROM v_exchanges WHERE method = 'tools/call'")
    assert json.loads(said.stdout)["data"]["rows"] == [[6]]


def test_kill_9_of_sender_and_proxy_costs_no_span(program: Program) -> None:
    with Collector() as collector:
        proxy = started(program, "--otlp", collector.url)
        asked(proxy, 1)
        until(lambda: collector.spans, timeout=PATIENCE_SECONDS)
        (sender,) = until(lambda: senders(collector.url))
        os.kill(sender, signal.SIGKILL)
        asked(proxy, 2)
        until(lambda: {"1", "2"} <= set(named(collector)), timeout=PATIENCE_SECONDS)
        assert len({span.span_id for span in collector.spans}) == 2  # said twice, but the same span
        collector.hangs = True
        asked(proxy, 3)
        proxy.kill()
        assert proxy.wait(10) == -signal.SIGKILL
        collector.hangs = False
        until(lambda: "3" in named(collector), timeout=PATIENCE_SECONDS)
        until(lambda: not senders(collector.url), timeout=PATIENCE_SECONDS)


def senders(url: str) -> list[int]:
    """The processes that send to ``url``."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if b"mcpscope.exports.otlp.live" in words and url.encode() in words:
            found.append(int(place.parent.name))
    return found


def test_what_waited_for_a_collector_is_sent_when_it_comes_and_said_on_standard_error(
    program: Program,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    proxy = started(program, "--otlp", f"http://127.0.0.1:{port}")
    for number in range(5):
        asked(proxy, number)
    line = proxy.stderr.readline()
    assert line.startswith(f"mcpscope: the collector at http://127.0.0.1:{port}/v1/traces cannot".encode())
    with Collector(port) as collector:
        until(lambda: len(collector.spans) == 5, timeout=PATIENCE_SECONDS)
        assert b"takes spans again" in proxy.stderr.readline()
        proxy.stdin.close()
        assert proxy.wait(30) == 0
        assert named(collector) == ["0", "1", "2", "3", "4"]


def test_what_a_collector_says_reaches_the_terminal_escaped(program: Program) -> None:
    with Collector() as collector:
        collector.status, collector.answer = 400, "\x1b]0;owned\x07 \u202e no".encode()
        proxy = started(program, "--otlp", collector.url)
        asked(proxy, 1)
        line = proxy.stderr.readline().decode()
        assert "did not take everything: HTTP 400: \\u{1b}]0;owned\\u{7}" in line and line[:-1].isprintable()
        proxy.stdin.close()
        assert proxy.wait(30) == 0
        done = program.run("export", "last", "--otlp", collector.url)
        assert done.returncode == 4 and done.stderr.decode().replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--otlp", "localhost:4318"], b"--otlp takes the URL of a collector"),
        (["--otlp", "http://x/\x1b[31m"], b"--otlp takes the URL of a collector"),
        (["--otlp", "http://x", "--no-record"], b"cannot be combined with --no-record"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    program: Program, options: list[str], words: bytes
) -> None:
    for target in (["--", *SERVER], ["--port", "0", "--", *SERVER]):
        done = program.run(*options, *target)
        assert done.returncode == 2 and words in done.stderr and not program.db.exists()
