"""A filter finds the same exchanges in memory and in a database, in every order and with every driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcpscope.engine.filter.completion import quote
from mcpscope.engine.filter.fields import KINDS, STATES
from mcpscope.engine.filter.language import parse
from mcpscope.store import fulltext, schema
from mcpscope.store.bodies import BlockWriter
from mcpscope.store.fulltext import TextIndex, catch_up, fill
from mcpscope.store.query import Query, Stopped
from mcpscope.store.rare import INDEXES
from tests.engine.filter.examples import DOCUMENTED, Example
from tests.program import until
from tests.store import made

NOW = made.START + 400 * 1_000_000_000
EXCHANGES = 200


def _list(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    many = st.lists(values.map(quote), min_size=1, max_size=3).map(lambda found: "(" + ",".join(found) + ")")
    return values.map(quote) | many


def _globbed(text: str, cut: tuple[int, int]) -> str:
    start, end = sorted(cut)
    return text[: start % (len(text) + 1)] + "*" + text[end % (len(text) + 1) :]


def names(field: str, known: list[str]) -> st.SearchStrategy[str]:
    value = st.sampled_from([one for one in known if one])
    glob = st.builds(_globbed, value, st.tuples(st.integers(0, 9), st.integers(0, 9)))
    bare = glob.filter(lambda text: not set(text) & set(' ()|,"'))
    return (
        st.builds("{}{}{}".format, st.just(field), st.sampled_from([":", "=", "!="]), value.map(quote))
        | _list(value).map(lambda text: f"{field}:{text}")
        | bare.map(lambda text: f"{field}:{text}")
        | st.sampled_from([f"{field}~^.", f"{field}~e$", f"{field}~[a-m]_?[c-f]", f'{field}~"."'])
    )


ORDERS = ":", "=", "!=", ">", ">=", "<", "<="
PLACES = """
    args.path args.query args.n args."x y" args args.*.a params.name result.structuredContent.total
    result.content[0].text result.content[*].type result error.message error.data error.code
    meta.progressToken raw.method raw params._meta.progressToken args.path.list[-1]
""".replace("x y", "x\0y").split()
FIXED = """
    dir:c2s dir:s2c dir!=c2s status:ok status:(late,lost) status!=ok status:error q*ta t?meout ~Quo.a ~^.$
    since:100s before:100s since:6m after:2023-11-14 since:23:16 before:23:17:30
    mime:png mime:image/* mime:x note~o
"""


def one_of(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.split())


def ordered(fields: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("{}{}{}".format, one_of(fields), st.sampled_from(ORDERS), values)


words = (st.sampled_from(made.WORDS) | one_of("QUOTA grüsse im assw progress content hi 9 zzz")).map(quote)
place = st.sampled_from(PLACES).map(lambda text: text.replace("\0", " "))
numbers = one_of(f"0 5 5.0 2.5 -2 {2**70}")
term = st.one_of(
    names("tool", made.TOOLS),
    names("method", made.METHODS),
    names("name", [*made.TOOLS, "file:///a"]),
    names("uri", ["file:///a", "file:///b[1]"]),
    names("session", ["1", "2", "baseline", "fs", "s-3"]),
    names("client", ["claude-code", "inspector"]),
    names("server", ["filesystem", "fs", "everything"]),
    names("rule", made.RULES),
    names("id", ["1", "abc", "1.0", "7"]),
    st.builds("{}{}".format, one_of("kind: -kind: kind!="), st.sampled_from(KINDS)),
    st.sampled_from(list(STATES)).map("is:{}".format),
    ordered("dur", one_of("500ms 1s 0 3s 100s")),
    ordered("wait", one_of("5ms 1s 2s")),
    ordered("size req res", one_of("0 10 1k 1mb")),
    ordered("code", one_of("-32602 0 7")),
    ordered("seq", one_of("1 50 200")),
    one_of(FIXED),
    st.builds("{}{}".format, st.sampled_from(["", "text:", "note:"]), words),
    st.builds("{}{}{}".format, place, one_of(": = !="), words | numbers | one_of('true null * q* ""')),
    st.builds("{}{}{}".format, place, st.sampled_from(ORDERS), numbers),
    st.builds("{}~{}".format, place, one_of("^/etc q ^$ [0-9] ^true$")),
)
filters = st.recursive(
    term,
    lambda inner: st.one_of(
        inner.map(lambda text: f"-({text})"),
        st.lists(inner, min_size=2, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' or '.join(parts)})"),
    ),
    max_leaves=5,
)


class Two:
    """The same exchanges in memory and in a database."""

    def __init__(self, path: Path, examples: list[Example]) -> None:
        self.path = path
        self.examples = examples
        self.connection = schema.connect_ro(path)

    def check(self, text: str) -> None:
        filter = parse(text, NOW)
        passes = filter.predicate()
        expected = [one.seq for one in self.examples if passes(one)]
        query = Query(self.connection, filter)
        assert [one.seq for one in query.newest()] == expected[::-1], text
        assert [one.seq for one in query.oldest(150, limit=20)] == [id for id in expected if id > 150][:20], (
            text
        )
        assert query.count() == len(expected), text
        some = [one.seq for one in self.examples[::3]]
        assert [one.seq for one in query.among(some)] == [id for id in some if id in set(expected)], text


@pytest.fixture(scope="module", params=["not indexed", "half indexed", "indexed"])
def two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    path = tmp_path_factory.mktemp("query") / "db" / "scope.db"
    examples = made.database(path, EXCHANGES, seed=7)
    if request.param != "not indexed":
        fill(path, steps=1 if request.param == "half indexed" else 1000)
    found = Two(path, examples)
    yield found
    found.connection.close()


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=filters)
def test_predicate_and_sql_agree(two: Two, text: str) -> None:
    two.check(text)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=filters)
def test_predicate_and_sql_agree_at_length(two: Two, text: str) -> None:
    two.check(text)


@pytest.mark.parametrize(
    "text",
    [
        "tool:search* args.path:/etc/passwd",
        "quota",
        "is:late or is:cancelled",
        "tool:*",
        "-quota",
        "session:fs quota",
        'args.query:"Grüße"',
        "tool:(read_file,delete_file) status:ok",
        "line?break",
        "uri:*",
        "uri:file*",
        "tool:nothing",
        "result.structuredContent.total:timeout",
    ],
)
def test_what_people_ask_for(two: Two, text: str) -> None:
    two.check(text)


@pytest.mark.parametrize("text", DOCUMENTED.splitlines())
def test_every_documented_example_finds_the_same_in_memory_and_recorded(two: Two, text: str) -> None:
    two.check(text)


def test_a_database_without_the_indexes_of_what_is_rare_is_read_as_it_is_and_gets_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "db" / "scope.db"
    two = Two(path, made.database(path, EXCHANGES, seed=7))
    asked = ("dur>200ms", "code:-32602", "size>100k", "is:edited", "is:server-initiated", "kind:notification")
    with closing(schema.connect_rw(path)) as old:
        for index in INDEXES:
            old.execute(f"DROP INDEX {index.name}")
        old.execute("DELETE FROM _sqlite_migrations WHERE name = 'm006_rare'")
        old.execute("PRAGMA user_version = 5")
    for text in asked:
        two.check(text)
    schema.ensure(path)
    names = {
        name for (name,) in two.connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
    }
    assert names >= {index.name for index in INDEXES}
    for text in asked:
        two.check(text)
    two.connection.close()


def test_sessions_narrow_a_query(two: Two) -> None:
    query = Query(two.connection, parse("quota or tool:search*"), sessions=[2])
    passes = parse("quota or tool:search*").predicate()
    expected = [one.seq for one in two.examples if passes(one) and one.session_names[0] == "2"]
    assert [one.seq for one in query.oldest()] == expected


def test_a_query_that_nobody_waits_for_stops(two: Two) -> None:
    answers = iter([False] * 5)
    query = Query(two.connection, parse("~nothing.like.this"), stop=lambda: next(answers, True))
    with pytest.raises(Stopped):
        list(query.newest())
    assert two.connection.execute("SELECT 1").fetchone() == (1,)


def test_a_query_that_was_stopped_leaves_no_statement_running(tmp_path: Path) -> None:
    path = tmp_path / "db" / "scope.db"
    made.database(path, 900, seed=1)
    slow = parse("args~nothing.like.this")
    with closing(schema.connect_ro(path)) as connection:
        with pytest.raises(Stopped) as failure:
            list(Query(connection, slow, sessions=[1], stop=lambda: True).newest())
        # Whoever still holds the failure holds its frames; SQLite makes no function while a statement runs.
        assert failure.tb is not None
        assert not list(Query(connection, slow, sessions=[1]).newest())


def test_the_index_is_filled_in_short_steps_and_only_once(tmp_path: Path) -> None:
    path = tmp_path / "db" / "scope.db"
    made.database(path, 900, seed=1)
    assert fill(path, steps=1) == 1
    assert fill(path) >= 2
    assert fill(path) == 0
    with closing(schema.connect_ro(path)) as connection:
        assert Query(connection, parse("quota")).count() > 0


def test_a_writer_that_is_busy_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "db" / "scope.db"
    made.database(path, 10, seed=1)
    with closing(schema.connect_rw(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert fill(path) == 0


def test_an_answer_that_comes_after_the_index_was_filled_is_found(tmp_path: Path) -> None:
    path = tmp_path / "db" / "scope.db"
    schema.ensure(path)
    blocks = BlockWriter()
    with closing(schema.connect_rw(path)) as connection:
        connection.execute("INSERT INTO sessions (uid, started_at) VALUES ('s', 0)")
        for id, raw in [
            (1, b'{"params":"the question"}'),
            (2, b'{"result":"zweiundvierzig"}'),
            (3, b'"more"'),
        ]:
            body, at = blocks.add(1, id, raw)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO messages (id, session_id, exchange_id, at, dir, kind, size, body_id, body_at)"
                " VALUES (?, 1, 1, 0, 'c2s', 'request', ?, ?, ?)",
                (id, len(raw), body, at),
            )
            if id == 1:
                connection.execute(
                    "INSERT INTO exchanges (id, session_id, kind, status, opened_at, request_id)"
                    " VALUES (1, 1, 'request', 'waiting', 0, 1)"
                )
            blocks.flush(connection)
            connection.execute("COMMIT")
            assert fill(path) == 1
        connection.execute("INSERT INTO texts (texts) VALUES ('optimize')")
        connection.execute("INSERT INTO texts (texts) VALUES ('integrity-check')")
    with closing(schema.connect_ro(path)) as connection:
        for text in ("question", "zweiund", "more", "question zweiundvierzig more"):
            assert [one.seq for one in Query(connection, parse(text)).newest()] == [1], text


def test_a_query_sees_what_came_after_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "db" / "scope.db"
    made.database(path, 5, seed=1)
    with closing(schema.connect_ro(path)) as reader, closing(schema.connect_rw(path)) as writer:
        query = Query(reader, parse(""))
        before = query.count()
        writer.execute(
            "INSERT INTO exchanges (id, session_id, kind, status, opened_at)"
            " VALUES (999, 1, 'request', 'ok', 0)"
        )
        assert query.count() == before + 1
        assert next(query.newest()).seq == 999


def test_a_large_backlog_is_indexed_behind_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "db" / "scope.db"
    made.database(path, 1500, seed=1)
    catch_up(path)  # somebody else's database
    with closing(schema.connect_ro(path)) as connection:
        assert not TextIndex(connection).usable
    monkeypatch.setenv("MCPSCOPE_DB", str(path))
    monkeypatch.setattr(fulltext, "INLINE_SECONDS", 0)
    catch_up(path)
    with closing(schema.connect_ro(path)) as connection:
        highest = connection.execute("SELECT max(id) FROM messages").fetchone()[0]
        until(lambda: TextIndex(connection).high >= highest)
