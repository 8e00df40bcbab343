"""Recordings of every released format open for ever: one file of each lies in fixtures/recordings."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from mcpscope.errors import ScopeError
from mcpscope.exports.steady import Steady
from mcpscope.store import jsonl, schema
from mcpscope.store.replays import Replays
from mcpscope.store.taking_in import take_in_all
from mcpscope.store.writing_out import NoMask, session_lines
from tests.program import ROOT

RECORDINGS = ROOT / "fixtures" / "recordings"
FILES = sorted(RECORDINGS.glob("version-*.mcpscope.jsonl"))


def lines_of(db: Path, session: int, *, steady: bool) -> list[bytes]:
    with closing(schema.connect_ro(db)) as connection:
        if not steady:
            return list(session_lines(connection, session, NoMask()))
        mask = Steady(NoMask(), jsonl.line)
        return list(session_lines(connection, session, mask, make_line=mask.line))


def test_there_is_a_recording_of_each_format() -> None:
    kept = {int(file.name.split("-")[1].split(".")[0]) for file in FILES}
    assert kept == set(jsonl.READABLE)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_kept_recording_opens_and_gives_its_lines_back(tmp_path: Path, file: Path) -> None:
    steady = "steady" in file.name
    kept = file.read_bytes().splitlines(keepends=True)
    (taken,) = take_in_all(tmp_path / "db", kept)
    assert (taken.complete, taken.messages) == (True, 16)
    found = lines_of(tmp_path / "db", taken.session_id, steady=steady)
    assert found[0].endswith(b'"version":%d}\n' % jsonl.VERSION)
    if not (steady and "version-1" in file.name):  # which counted outcomes from the wrong message
        assert found[1:] == kept[1:]


def test_what_reviews_settled_travels_with_the_recording(tmp_path: Path) -> None:
    head, *rest = (RECORDINGS / "version-2.mcpscope.jsonl").read_bytes().splitlines(keepends=True)
    masks = b'"maps":{"old":"new"},"masks":["read_note:$.result.content[*].text~"],"session":'
    lines = [head.replace(b'"session":', masks, 1), *rest]
    (taken,) = take_in_all(tmp_path / "db", lines)
    assert lines_of(tmp_path / "db", taken.session_id, steady=False) == lines
    settled = Replays(tmp_path / "db").revision(taken.session_id)
    assert (settled.masks, settled.maps) == (("read_note:$.result.content[*].text~",), {"old": "new"})


def test_a_file_with_several_sessions_is_all_of_them_or_none(tmp_path: Path) -> None:
    once = (RECORDINGS / f"version-{jsonl.VERSION}.mcpscope.jsonl").read_bytes().splitlines(keepends=True)
    db = tmp_path / "db"
    taken = take_in_all(db, once + once)
    assert [one.messages for one in taken] == [16, 16]
    assert lines_of(db, taken[0].session_id, steady=False) == once
    wrong = [line.replace(b'"dir":"s2c"', b'"dir":"up"') for line in once]
    with pytest.raises(ScopeError, match="without its bytes or direction"):
        take_in_all(db, once + wrong)
    with closing(schema.connect_ro(db)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (2,)
