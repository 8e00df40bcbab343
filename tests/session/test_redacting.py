"""The redacting journal: what it writes, what it withholds, and what happens when the redactor fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcpscope.session.redacting import RedactedJournal, Redactor
from mcpscope.store.records import Dir, Record, RecordType
from mcpscope.store.tail import Tail
from mcpscope.transports.secret_mask import Mask

UP, DOWN, NONE = Dir.TO_SERVER, Dir.TO_CLIENT, Dir.NONE


class Written:
    """A journal with these places and secrets, and what lies in it."""

    def __init__(self, folder: Path, *places: str, secrets: tuple[str, ...] = ()) -> None:
        self.redactor = Redactor(Mask(secrets, key=b"test"))
        self.redactor.obey(places)
        self.journal = RedactedJournal(
            str(folder / "1-1-abc"), lambda reason: None, self.redactor, required=True
        )
        assert self.journal.open()

    def message(self, body: object, dir: Dir = UP, session: int = 1) -> bool:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.journal.append(RecordType.MESSAGE, dir, session, 0, raw)

    def records(self) -> list[Record]:
        return Tail(Path(self.journal.folder)).read()

    def bodies(self) -> list[str]:
        return [record.payload.decode() for record in self.records()]


def call(tool: str, id: int, **arguments: object) -> dict[str, object]:
    return {
        "jsonrpc": "2.0",
        "id": id,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }


def test_a_value_at_a_place_is_gone_here_and_wherever_it_is_said_again(tmp_path: Path) -> None:
    made = Written(tmp_path, "args.password")
    assert made.message(call("login", 1, password="hunter2", user="ada"))
    assert made.message({"id": 1, "result": {"text": "you said hunter2"}}, DOWN)
    made.journal.append(RecordType.STDERR, NONE, 1, 0, b"login with hunter2\n")
    assert made.journal.append_all([(RecordType.NOTE, NONE, 1, 0, b'{"text":"hunter2"}', 0)])
    said = "\n".join(made.bodies())
    assert "hunter2" not in said and '"user": "ada"' in said
    assert said.count(made.redactor.mask.placeholder("hunter2")) == 4


@pytest.mark.parametrize(
    "raw", [b"hunter2 {", b'{"password":"hunter2"', b"\xff\xfe hunter2", b'{"a":"hunter2"} x', b"[" * 5000]
)
def test_what_cannot_be_read_is_withheld_whole(tmp_path: Path, raw: bytes) -> None:
    made = Written(tmp_path, "args.password")
    assert made.message(raw)
    (body,) = made.bodies()
    assert body.startswith("[redacted:") and f"({len(raw)} bytes" in body


def test_the_head_of_a_message_that_was_too_long_ends_before_a_secret_that_has_begun(tmp_path: Path) -> None:
    made = Written(tmp_path, secrets=("hunter2-hunter2",))
    assert made.message(b'{"jsonrpc":"2.0","params":{"a":"token hunter2-hun')
    assert made.bodies() == ['{"jsonrpc":"2.0","params":{"a":"token ']


def test_lenient_readings_are_read_and_redacted(tmp_path: Path) -> None:
    made = Written(tmp_path, "password")
    assert made.message(b'\xef\xbb\xbf{"password":"one","n":NaN,"s":"\\ud800"}')
    assert made.message(
        b'{"password":"one","PassWord":"two","p\\u0061ssword":"three","x":{"password":4.5e9}}'
    )
    said = "\n".join(made.bodies())
    for value in ("one", "two", "three", "4.5e9"):
        assert value not in said


def test_a_tools_place_holds_for_its_answers_only(tmp_path: Path) -> None:
    made = Written(tmp_path, "log*:$.result.token")
    made.message(call("login", 1))
    made.message(call("other", 2))
    made.message({"id": 2, "result": {"token": "kept-2"}}, DOWN)
    made.message({"id": 1, "result": {"token": "gone-1"}}, DOWN)
    made.message({"id": 1, "result": {"token": "gone-of-nobody-knows"}}, DOWN, session=9)
    said = "\n".join(made.bodies())
    assert "kept-2" in said and "gone-1" not in said and "gone-of" not in said


def test_a_renamed_tool_is_known_by_both_names(tmp_path: Path) -> None:
    made = Written(tmp_path, "login:$.params.arguments.pin")
    made.redactor.alias = {"sign_in": "login"}.get  # type: ignore[assignment]  # the name is there
    made.message(call("sign_in", 1, pin="gone-1"))
    assert "gone-1" not in made.bodies()[0]


def test_an_edited_message_and_the_warnings_about_it(tmp_path: Path) -> None:
    made = Written(tmp_path, "args.pin")
    head = {
        "of": 1,
        "outcome": "edited",
        "at": 2,
        "actor": "ui",
        "detail": {"warnings": ["1234 is not text"]},
    }
    payload = json.dumps(head).encode() + b"\0" + json.dumps(call("t", 1, pin=1234)).encode()
    assert made.journal.append(RecordType.OUTCOME, UP, 1, 0, payload)
    (body,) = made.bodies()
    assert "1234" not in body and "[redacted:" in body and "withheld" in body


def test_heads_of_http_lose_named_fields_and_what_mirrors_a_message(tmp_path: Path) -> None:
    made = Written(tmp_path, "header:X-Tenant", "args.a")
    head = {
        "headers": [["x-tenant", "t-4711-x"], ["Mcp-Param-A", "secret-a"], ["Accept", "*/*"]],
        "body": "whole",
    }
    assert made.journal.append(RecordType.STREAM_OPEN, UP, 1, 1, json.dumps(head).encode())
    close = {"status": 500, "text": "no such tenant t-4711-x"}
    assert made.journal.append(RecordType.STREAM_CLOSE, NONE, 1, 1, json.dumps(close).encode())
    opened, closed = map(json.loads, made.bodies())
    assert dict(opened["headers"])["Accept"] == "*/*" and opened["body"] == "whole"
    assert all(value.startswith("[redacted:") for value in (opened["headers"][0][1], opened["headers"][1][1]))
    assert closed["status"] == 500 and closed["text"].startswith("[redacted:")


def test_bytes_beside_the_gate_are_not_written_under_places_and_their_end_is(tmp_path: Path) -> None:
    made = Written(tmp_path, "args.a")
    assert made.journal.append(RecordType.CHUNK, DOWN, 1, 3, b"raw ", 0)
    assert made.journal.append(RecordType.CHUNK, DOWN, 1, 3, b"bytes", 1)
    kinds = [record.type for record in made.records()]
    assert kinds == [RecordType.NOTE, RecordType.EOF] and "raw" not in "".join(made.bodies())


def test_a_failing_redactor_writes_nothing_and_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Written(tmp_path, "args.a")

    def fails(*given: object) -> bytes:
        raise RuntimeError("broken")

    monkeypatch.setattr(made.redactor, "record", fails)
    assert not made.message(call("t", 1, a="hunter2"))
    assert not made.journal.append_all([(RecordType.NOTE, NONE, 1, 0, b'{"text":"hunter2"}', 0)])
    assert {record.type for record in made.records()} == {RecordType.GAP}
    assert "hunter2" not in "".join(made.bodies()) and "the redactor failed" in made.bodies()[0]


def test_without_places_and_secrets_nothing_is_changed(tmp_path: Path) -> None:
    made = Written(tmp_path)
    assert made.message(b"not json") and made.journal.append(RecordType.CHUNK, UP, 1, 0, b"any")
    assert made.bodies() == ["not json", "any"]
