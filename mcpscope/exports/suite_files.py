"""The ``pytest`` form: a test file, and beside it the recording that it is about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from mcpscope.exports.documents import Source, payload
from mcpscope.exports.lines import as_lines
from mcpscope.exports.masked import Masked
from mcpscope.exports.suites import Server, answer_in, recording_test
from mcpscope.store.jsonl import SUFFIX
from mcpscope.store.replays import masks_in

FOLDER = "recordings"
MAX_CALLS = 200
_ANSWERED = frozenset({"ok", "tool-error", "rpc-error"})


def as_suite(source: Source, shown: bool) -> Iterator[bytes]:
    """The test file alone; its texts are literals, in which nothing is left for a terminal to obey."""
    info = source.session
    words = [source.mask.text(info.url)] if info.url else _words(source)
    server = Server(words, modern=info.era == "modern")
    masks = masks_in(source.connection, info.id)
    yield recording_test(name_of(source), server, _calls(source), masks).encode()


def write_suite(source: Source, folder: Path) -> list[Path]:
    """Both files into a folder that is made for them; raises FileExistsError where one of them is there."""
    name = name_of(source)
    test = folder / f"test_{re.sub(r'[^0-9A-Za-z_]', '_', name)}.py"
    recording = folder / FOLDER / f"{name}{SUFFIX}"
    recording.parent.mkdir(parents=True, exist_ok=True)
    for path, lines in ((recording, as_lines(source, False)), (test, as_suite(source, False))):
        with path.open("xb") as file:
            file.writelines(lines)
    return [test, recording]


def name_of(source: Source) -> str:
    """What the recording's file is called: its name, without what file names cannot bear."""
    info = source.session
    return re.sub(r"[^\w.-]+", "-", info.name or info.label or "recording").strip("-.") or "recording"


def _calls(source: Source) -> list[tuple[str, Any, Any]]:
    """Each tool call with its first answer, if a client that has nobody to ask can make it again."""
    rows = list(source.query.oldest())
    asking = {one.parent_id for one in rows if one.dir == "s2c"}
    found: dict[str, tuple[str, Any, Any]] = {}
    for one in rows:
        if not one.tool or one.status not in _ANSWERED or one.legs > 1 or one.seq in asking:
            continue
        masked = Masked(one, source.mask)
        request, answer = payload(masked.request), answer_in(masked.answer or b"")
        params = request.get("params") if isinstance(request, dict) else None
        if answer is None or not isinstance(params, dict):
            continue
        arguments = params.get("arguments") or {}
        key = json.dumps([one.tool, arguments], sort_keys=True, default=str)
        found.setdefault(key, (one.tool, arguments, answer))
    return list(found.values())[:MAX_CALLS]


def _words(source: Source) -> list[str]:
    try:
        found = source.mask.value(orjson.loads(source.session.command or "[]"))
    except orjson.JSONDecodeError:
        return []
    return [str(word) for word in found] if isinstance(found, list) else []
