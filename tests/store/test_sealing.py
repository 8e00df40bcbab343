"""Seals over what peers really send: whatever SQLite makes of a value, its row is as it was sealed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.store.findings import Checked
from mcpscope.store.follow import Follower
from mcpscope.store.journal import Journal
from mcpscope.store.local_key import local_key
from mcpscope.store.progress import Progress
from mcpscope.store.records import Dir, RecordType
from mcpscope.store.schema import connect_ro
from mcpscope.store.seals import KEY_PURPOSE
from mcpscope.store.verifying import read_heads, sealed_sessions, verify

ODD = [
    b'{"jsonrpc":"2.0","id":1,"method":"\\ud800 lone","params":{}}',
    b'{"jsonrpc":"2.0","id":18446744073709551616,"method":"big"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"nul\\u0000in it","params":{"name":"\\udfff"}}',
    b'{"jsonrpc":"2.0","id":"\\ud83d","method":"tools/call","params":{"name":"a\\ud800b","arguments":{}}}',
    b'{"jsonrpc":"2.0","id":true,"method":""}',
    b"not json \xff\xfe",
    b"",
    b'[{"jsonrpc":"2.0","id":7,"method":"ping"},{"jsonrpc":"2.0","id":8,"method":"ping"}]',
    '{"jsonrpc":"2.0","id":"é😀","method":"ä/ö"}'.encode(),
    b'{"jsonrpc":"2.0","id":9,"method":"tools/list"}',
    b"{" + b" " * 40_000 + b"}",
]
ANSWERS = [
    b'{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":"x"}}',
    b'{"jsonrpc":"2.0","id":18446744073709551616,"error":{"code":36893488147419103232,"message":"\\ud800"}}',
    b'{"jsonrpc":"2.0","id":"\\ud83d","error":{"code":true,"message":"x"}}',
    b'{"jsonrpc":"2.0","id":9,"result":{"tools":[{"name":"a\\ud800","inputSchema":{"x":1e400}},{"name":"b"}]}}',
    b'{"jsonrpc":"2.0","id":404,"result":{}}',
]


class Proxy:
    """The journal of a proxy under a policy, followed into a database."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        self.db = folder / "scope.db"
        self.folder = folder / "scope.db.journal" / "1-1-abcd"
        self.state = folder / "state" / "mcpscope"
        self.journal = Journal(str(self.folder), lambda reason: None)
        assert self.journal.open()

    def opens(self, number: int = 1, **more: object) -> None:
        said = {"uid": "1-1-abcd", "policy": "0123456789abcdef", **more}
        self.journal.append(RecordType.SESSION_OPEN, Dir.NONE, number, 0, json.dumps(said).encode())

    def says(self, raw: bytes, dir: Dir = Dir.TO_SERVER, *, plain: bool = True, session: int = 1) -> int:
        at = self.journal.now()
        self.journal.append(RecordType.MESSAGE, dir, session, 0, raw or b" ", int(plain), at)
        return at

    def decides(self, outcome: Outcome) -> None:
        self.journal.append(RecordType.OUTCOME, Dir.TO_SERVER, 1, 0, outcome.to_record(), 0, outcome.at)

    def closes(self, number: int = 1) -> None:
        self.journal.append(
            RecordType.SESSION_CLOSE, Dir.NONE, number, 0, b'{"reason":"clean","exit_code":0}'
        )

    def followed(self, follower: Follower | None = None) -> None:
        found = follower or Follower(self.folder, self.db)
        while found.step():
            pass
        found.close()

    def checked(self) -> list[Checked]:
        connection = connect_ro(self.db)
        key, heads = local_key(KEY_PURPOSE), read_heads(self.state / "audit.heads")
        found = [verify(connection, id, key, heads) for id in sealed_sessions(connection)]
        connection.close()
        return [one for one in found if one is not None]


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    return Proxy(tmp_path, monkeypatch)


@pytest.mark.parametrize("max_body", [0, 10])
def test_whatever_peers_send_is_as_it_was_sealed(proxy: Proxy, max_body: int) -> None:
    proxy.opens(max_body=max_body)
    for raw in ODD:
        proxy.says(raw)
    for raw in ANSWERS:
        proxy.says(raw, Dir.TO_CLIENT)
    proxy.journal.append(RecordType.STDERR, Dir.NONE, 1, 0, b"oops \xff\n")
    proxy.journal.append(RecordType.NOTE, Dir.NONE, 1, 0, b'{"kind":"ui","text":"\\ud800"}')
    proxy.journal.append(RecordType.STREAM_OPEN, Dir.TO_SERVER, 1, 5, b'{"headers":[["a","\\u00e9"]]}')
    proxy.journal.append(RecordType.GAP, Dir.TO_SERVER, 1, 0, b'{"messages":1,"bytes":5,"reason":"x"}')
    denied = proxy.says(b'{"jsonrpc":"2.0","id":"z","method":"tools/call"}', plain=False)
    detail = {"saw": {"args.x": "\ud800", "n": 2**70}}
    proxy.decides(Outcome(denied, Word.DENIED, proxy.journal.now(), "rule", "no \ud800", 5, None, detail))
    edited = proxy.says(b'{"jsonrpc":"2.0","id":"y","method":"a"}', plain=False)
    proxy.decides(Outcome(edited, Word.HELD, proxy.journal.now(), "rule", "r"))
    proxy.decides(Outcome(edited, Word.EDITED, proxy.journal.now(), "ui", "r", 7, b'{"x":"\xff"}'))
    waits = proxy.says(b'{"jsonrpc":"2.0","id":"w","method":"a"}', plain=False)
    assert waits
    proxy.followed()
    (running,) = proxy.checked()
    assert running.findings == [] and running.end == "open"
    proxy.closes()
    proxy.journal.close()
    proxy.followed()
    (closed,) = proxy.checked()
    assert closed.findings == [] and closed.end == "sealed" and closed.rows > running.rows


def test_a_recorder_that_takes_over_goes_on_with_the_chain(proxy: Proxy) -> None:
    proxy.opens()
    proxy.opens(2)
    for round in range(4):
        proxy.says(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % round)
        proxy.says(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % round, session=2)
        proxy.followed()
    proxy.closes()
    proxy.followed()
    proxy.journal.close()
    proxy.followed()  # the second session was never closed: its proxy was killed
    first, second = proxy.checked()
    assert (first.findings, second.findings) == ([], [])
    assert first.end_reason == "clean" and second.end_reason == "killed" and first.seals >= 6


def test_a_transaction_that_failed_leaves_no_seal(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.opens()
    proxy.says(b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
    follower = Follower(proxy.folder, proxy.db)
    monkeypatch.setattr(Progress, "save", lambda *what: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        follower.step()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(proxy.state.parent))
    proxy.followed()
    (found,) = proxy.checked()
    assert found.findings == [] and found.seals == 2


def test_a_database_keeps_to_its_key_in_whatever_environment_it_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
    local_key(KEY_PURPOSE)
    proxy = Proxy(tmp_path / "one" / "mcpscope", monkeypatch)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
    proxy.opens()
    proxy.says(b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
    proxy.followed()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "two"))
    proxy.says(b'{"jsonrpc":"2.0","id":2,"method":"ping"}')
    proxy.closes()
    proxy.followed()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
    (found,) = proxy.checked()
    assert found.findings == [] and found.end == "sealed"


def test_a_chain_that_another_key_has_begun_is_not_gone_on_with(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.opens()
    proxy.followed()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "two"))
    proxy.says(b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
    proxy.followed()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (found,) = proxy.checked()
    assert {item.what for item in found.findings} == {"was added: no seal covers it"} and found.seals == 1


def test_without_a_policy_nothing_is_sealed(proxy: Proxy) -> None:
    proxy.opens(policy=None)
    proxy.says(b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
    proxy.followed()
    assert proxy.checked() == []
