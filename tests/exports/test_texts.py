"""CSV, Markdown and JSON with text that wants to be a formula, a tag, a link or the end of its block."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mcpscope.engine.filter.language import parse
from mcpscope.exports.documents import Source
from mcpscope.exports.forms import FORMS
from mcpscope.exports.masks import Masks
from mcpscope.store.directory import Directory
from mcpscope.store.query import Query
from mcpscope.store.reading import reading
from tests.exports.recorded import call, hostile, message, record, text

BIG = 12345678901234567890123
FENCES = "```\n# owned\n~~~\n````\n[a](http://x) ![b](http://y) <b>c</b> | d |"


def written(db: Path, session: int, form: str) -> str:
    with reading(db) as connection:
        info = Directory(connection).find(str(session))
        query = Query(connection, parse(""), sessions=[info.id])
        source = Source(connection, info, query, Masks(), whole=True)
        return b"".join(FORMS[form](source, False)).decode()


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    names = [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "＝1+1",
        "'=1",
        '"=1',
        " =1",
        "=cmd|' /C calc'!A0",
    ]
    lines = [line for n, name in enumerate(names) for line in call(n, name, {}, text(name), at=n)]
    rows = list(
        csv.DictReader(io.StringIO(written(tmp_path / "m.db", record(tmp_path / "m.db", lines), "csv")))
    )
    assert len(rows) == len(names)
    for row in [
        *rows,
        *csv.DictReader(io.StringIO(written(tmp_path / "h.db", hostile(tmp_path / "h.db"), "csv"))),
    ]:
        for name, cell in row.items():
            assert name == "code" or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")), (name, cell)
            assert cell.isprintable()


def test_markdown_has_no_markup_but_ours(tmp_path: Path) -> None:
    lines = call(1, FENCES, {FENCES: FENCES}, text(FENCES), at=0)
    lines.append({"at": 9, "note": "stderr", "text": FENCES})
    for db, session in (
        (tmp_path / "a.db", record(tmp_path / "a.db", lines, label=FENCES, note=FENCES)),
        (tmp_path / "b.db", hostile(tmp_path / "b.db")),
    ):
        found = list(tokens(MarkdownIt().parse(written(db, session, "md"))))
        assert not {"html_block", "html_inline", "link_open", "image", "em_open"} & {
            one.type for one in found
        }
        heads = [one.tag for one in found if one.type == "heading_open"]
        assert heads.count("h1") == 1 and set(heads) == {"h1", "h2"}
        assert all(one.info in ("", "json") for one in found if one.type == "fence")


def tokens(found: list[Token]) -> Iterator[Token]:
    for one in found:
        yield one
        yield from tokens(one.children or [])


@pytest.mark.parametrize("form", ["json", "md", "html"])
def test_a_long_number_stays_what_it_is(tmp_path: Path, form: str) -> None:
    lines = [message(0, "c2s", {"jsonrpc": "2.0", "id": BIG, "method": "ping", "params": {"n": BIG}})]
    whole = written(tmp_path / "m.db", record(tmp_path / "m.db", lines), form)
    assert whole.count(str(BIG)) >= 2
    if form == "json":
        assert json.loads(whole)["exchanges"][0]["request"]["params"]["n"] == BIG


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"sqlite", "otlp"}))
def test_a_summary_gives_away_no_masked_value(tmp_path: Path, form: str) -> None:
    secret = "hunter22" * 20  # longer than a summary, which cuts it
    lines = call(1, "login", {"user": "ada", "password": secret}, text("in"), at=0)
    whole = written(tmp_path / "m.db", record(tmp_path / "m.db", lines), form)
    assert "hunter" not in whole and "ada" in whole
