"""What the UI promises: the rows that the command line gives, words that differ, the bytes it names."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mcpscope.cli.tree import main
from mcpscope.tui.app import Options
from mcpscope.tui.clock import Clock
from mcpscope.tui.present.glyphs import ASCII, UTF8, Glyphs
from mcpscope.tui.present.verdict import verdict
from tests.tui import scenes
from tests.tui.driver import opened

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
EXAMPLES = (
    'method:tools/call tool:search* is:error dur>5ms "missing"',
    "-method:ping",
    "tool:(write_file,delete_file) args.path~^/etc",
    "result.structuredContent.total=3",
    "code:-32602",
    "is:late or is:cancelled",
    "dir:s2c kind:request",
    "size>200b is:binary",
    "since:2026-09-21 is:held",
    "not (is:error | is:ok)",
    "~upstream.*503",
    "dur>1s tool:*",
)
WORDS = (
    "ok",
    "rpc-error",
    "tool-error",
    "lost",
    "cancelled",
    "late",
    "denied",
    "mock",
    "malformed",
    "held",
    "waiting",
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def told(capfdbinary: pytest.CaptureFixture[bytes], *args: str) -> list[int]:
    """The ids of the exchanges that a command prints."""
    main(list(args))
    out = capfdbinary.readouterr().out
    if "export" in args:
        return [row["id"] for row in json.loads(out)["exchanges"]]
    return [json.loads(line)["id"] for line in out.splitlines()]


async def test_each_filter_gives_the_same_rows_in_the_ui_the_log_and_the_export(
    db: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    scenes.statuses(db)
    found: dict[str, list[int]] = {}
    async with opened(db) as scope:
        traffic = scope.app.traffic()
        await scope.traffic.shows("export_all")
        for text in EXAMPLES:
            traffic.filtering.use(text)
            await scope.settled()
            await scope.until(
                lambda: traffic.listing.complete and not traffic.outlook.shown().searching, text
            )
            found[text] = list(traffic.listing.rows.ids)
    for text in EXAMPLES:
        log = told(capfdbinary, "--db", str(db), "log", "-n", "1000", "--format", "jsonl", text)
        exported = told(capfdbinary, "--db", str(db), "export", "last", text, "--format", "json")
        assert log == exported == found[text], text
    assert sum(map(bool, found.values())) >= len(EXAMPLES) - 2, found


@pytest.mark.parametrize("glyphs", [UTF8, ASCII], ids=["utf8", "ascii"])
def test_whatever_becomes_of_a_call_has_a_word_of_its_own(glyphs: Glyphs) -> None:
    shown = [verdict(word, glyphs, code=-32602, at="req").text for word in WORDS]
    assert len(set(shown)) == len(shown), shown
    if glyphs is ASCII:
        assert all(text.isascii() for text in shown)


@pytest.mark.parametrize(
    ("tool", "line", "begin"),
    [
        ("image", "image/png  640x480", b"\x89PNG"),
        pytest.param("audio", "audio/wav", b"RIFF", marks=pytest.mark.soak),
    ],
)
async def test_what_w_writes_has_the_hash_that_is_shown(
    db: Path, tmp_path: Path, tool: str, line: str, begin: bytes
) -> None:
    scenes.contents(db)
    path = tmp_path / "written"
    async with opened(db, (120, 40)) as scope:
        row = 4 if tool == "image" else 6
        await scope.traffic.shows("(not JSON)").select(row).selected_is(tool).press("enter")
        await scope.detail.shows(line).press("tab", *"jjjjjjjj").shows("sha256")
        shown = scope.text
        await scope.detail.press("w")
        await scope.any.shows("Save as").press(*["backspace"] * 30).type(str(path))
        await scope.press("enter")
        await scope.detail.shows("written")
    data = path.read_bytes()
    assert data.startswith(begin)
    assert f"sha256 {hashlib.sha256(data).hexdigest()}" in shown


async def test_a_proxy_is_found_before_while_and_after_it_runs(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def proxy() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "mcpscope", "--db", str(db), "--", "cat"]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    async with opened(db, options=Options(), clock=Clock()) as scope:
        await scope.first.shows("Nothing is connected yet")
        running = proxy()
        assert running.stdin and running.stdout
        running.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        running.stdin.flush()
        await scope.traffic.shows("ping", "LIVE")
        running.stdin.close()
        await scope.traffic.shows("ping", "ENDED")
        assert running.wait(30) == 0
    async with opened(db, options=Options(), clock=Clock()) as scope:
        await scope.traffic.shows("ping", "ENDED")
