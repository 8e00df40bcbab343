"""The end of the process that sends spans: all is sent, however long that takes, or nobody takes it."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from mcpscope.demo.frozen import build
from mcpscope.exports.otlp import live
from mcpscope.exports.otlp.collector import Collector as Sender
from mcpscope.store import schema
from tests.exports.collecting import Collector


def followed(db: Path, url: str) -> tuple[int, float]:
    """The exit code for the first proxy of a database, and how long it took to come to it."""
    with closing(schema.connect_ro(db)) as connection:
        (journal,) = connection.execute("SELECT journal FROM sessions ORDER BY id").fetchone()
        began = time.monotonic()
        with closing(Sender(url)) as sender:
            code = live._follow(live.Live(connection, journal, sender), os.getppid(), url)
    return code, time.monotonic() - began


@pytest.fixture
def tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build(tmp_path / "m.db")
    monkeypatch.setattr(live, "LAST_TRIES_SECONDS", 0.3)
    monkeypatch.setattr(live, "SPANS_A_REQUEST", 4)
    return tmp_path / "m.db"


def test_a_slow_collector_gets_everything_after_the_end(tour: Path) -> None:
    with Collector() as collector:
        collector.delay = 0.1
        code, took = followed(tour, collector.url)
        assert code == 0 and took > 0.3
        assert len(collector.spans) == len({span.span_id for span in collector.spans}) > 20


def test_a_collector_that_stays_away_is_given_up(tour: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, took = followed(tour, "http://127.0.0.1:1")
    assert code == 1 and took < 10
    assert "exchanges were not sent to http://127.0.0.1:1" in capfd.readouterr().err


def test_what_a_collector_refuses_is_not_said_again(tour: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Collector() as collector:
        collector.status, collector.answer = 404, b"nothing here"
        assert followed(tour, collector.url)[0] == 1
    assert capfd.readouterr().err.count("HTTP 404: nothing here") == 1
