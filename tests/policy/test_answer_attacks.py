"""What a hostile server says does not get past a deny rule either, in any reading that a client may have."""

from __future__ import annotations

import gzip
import http.client
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.policy.places import Place
from tests.policy.readings import documents

LAW = """\
version: 1
hide: [hidden]
rules:
  - {name: no secrets out, match: "result.content~SECRET", action: deny}
  - {name: no word of it, match: "tool:open result.content~TOLD", action: deny}
  - {name: no sampling, match: "method:sampling/createMessage", action: deny}
"""
SAMPLING = "sampling/createmessage"
GOOD = '{"content":[{"type":"text","text":"fine"}]}'
BAD = '{"content":[{"type":"text","text":"SECRET"}]}'
HEAD = '{"jsonrpc":"2.0","id":$ID,'
PLAIN = HEAD + f'"result":{BAD}}}'
ASKS = '{"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{"messages":["SECRET"]}}'

SAID = {
    "plain": [PLAIN],
    "result twice": [HEAD + f'"result":{GOOD},"result":{BAD}}}'],
    "result twice, secret first": [HEAD + f'"result":{BAD},"result":{GOOD}}}'],
    "content twice": [HEAD + f'"result":{BAD[:-1]},"content":[]}}}}'],
    "result in capitals": [HEAD + f'"result":{GOOD},"Result":{BAD}}}'],
    "result in full width": [HEAD + f'"result":{GOOD},"\uff52esult":{BAD}}}'],
    "content in capitals": [HEAD + f'"result":{BAD.replace("content", "Content")}}}'],
    "secret in full width": [PLAIN.replace("SECRET", "\uff33ECRET")],
    "secret with zero width": [PLAIN.replace("SECRET", "SEC\u200bRET")],
    "result and error": [HEAD + f'"result":{BAD},"error":{{"code":1,"message":"x"}}}}'],
    "NaN": [HEAD + f'"result":{BAD[:-1]},"x":NaN}}}}'],
    "lone surrogate": [HEAD + f'"result":{BAD[:-1]},"x":"\\ud800"}}}}'],
    "byte order mark": ["\ufeff" + PLAIN],
    "batch": [f"[{PLAIN}]"],
    "trailing brace": [PLAIN + "}"],
    "two documents": [HEAD + f'"result":{GOOD}}} ' + PLAIN],
    "trailing comma": [PLAIN[:-1] + ",}"],
    "single quotes": [PLAIN.replace('"', "'")],
    "raw CR": ['{"jsonrpc":"2.0","method":"notifications/x","params":\r' + PLAIN + "\r}"],
    "too deep": [HEAD + f'"result":{BAD[:-1]},"x":' + "[" * 300 + "]" * 300 + "}}"],
    "no answer at all": ["SECRET", HEAD + f'"result":{GOOD}}}'],
    "asks for a sample": [ASKS, HEAD + f'"result":{GOOD}}}'],
    "asks, method in capitals": [ASKS.replace('"method"', '"Method"'), HEAD + f'"result":{GOOD}}}'],
    "asks in capitals": [ASKS.replace("sampling/c", "Sampling/C"), HEAD + f'"result":{GOOD}}}'],
    "asks without an id": [ASKS.replace('"id":9,', ""), HEAD + f'"result":{GOOD}}}'],
    "asks in a batch": [f"[{ASKS}]", HEAD + f'"result":{GOOD}}}'],
}
QUESTION = (
    '{"resultType":"input_required","requestState":"s","inputRequests":'
    '{"a":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}}}'
)
SAID |= {
    name: [HEAD + f'"result":{QUESTION.replace(old, new)}}}']
    for name, old, new in (
        ("a question in an answer", "", ""),
        ("a question, its members in capitals", '"method"', '"Method"'),
        ("a question in full width", "sampling/", "\uff53ampling/"),
        ("a question in capitals", "sampling/c", "Sampling/C"),
        ("a question with a space", "createMessage", "createMessage "),
        ("questions in capitals", "inputRequests", "InputRequests"),
        ("questions with a long s", "inputRequests", "inputReque\u017fts"),
        ("questions, escaped", "inputRequests", "inputReq\\u0075ests"),
        ("questions with NUL", "inputRequests", "inputRequests\\u0000"),
    )
}
TOLD = HEAD + f'"result":{BAD.replace("SECRET", "TOLD")}}}'
SAID |= {
    f"id {id}": [TOLD.replace("$ID", id)]
    for id in (
        "$ID",
        '"$ID"',
        '" $ID"',
        '"$ID.0"',
        '"0$ID"',
        '"+$ID"',
        '"0x$ID"',
        '"$ID\\n"',
        "$ID.0",
        "$IDe0",
    )
}
SAID |= {
    f"an answer under {id} before": [(HEAD + f'"result":{GOOD}}}').replace("$ID", id), TOLD]
    for id in ('"$ID"', '" $ID"', '"0x$ID"')
}
EVENT = {"type": "text/event-stream"}
HTTP = {
    "as text": (PLAIN, {"type": "text/plain"}),
    "without a type": (PLAIN, {"type": ""}),
    "as JSON of another name": (PLAIN, {"type": "text/json"}),
    "in UTF-16": (PLAIN, {"type": "application/json; charset=utf-16", "encoded": "utf-16"}),
    "in gzip": (PLAIN, {"coded": "gzip"}),
    "in gzip twice": (PLAIN, {"coded": "gzip gzip"}),
    "in a coding that is another": (PLAIN, {"coded": "br"}),
    "in gzip, as events": (f"data: {PLAIN}\n\n", {**EVENT, "coded": "gzip"}),
    "with status 202": (PLAIN, {"status": 202}),
    "with status 400": (PLAIN, {"status": 400}),
    "as an event": (f"data: {PLAIN}\n\n", EVENT),
    "as an event of another name": (f"event: other\ndata: {PLAIN}\n\n", EVENT),
    "as an event over two lines": (f"data: {PLAIN[:20]}\ndata: {PLAIN[20:]}\n\n", EVENT),
    "as an event that CR ends": (f"data: {PLAIN}\r\r", EVENT),
    "as an event without an end": (f"data: {PLAIN}\n", EVENT),
    "as an event behind a mark": (f"\ufeffdata: {PLAIN}\n\n", EVENT),
}


def cases() -> Iterator[Any]:
    for name, lines in SAID.items():
        yield pytest.param("stdio to stdio", lines, {}, id=f"stdio: {name}")
        if len(lines) == 1:
            yield pytest.param("HTTP to HTTP", lines, {}, id=f"HTTP: {name}")
    for name, (text, how) in HTTP.items():
        yield pytest.param("HTTP to HTTP", [text], how, id=f"HTTP: {name}")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    kinds = ("stdio to stdio", "HTTP to HTTP")
    made = {kind: Place(kind, tmp_path_factory.mktemp("place"), LAW) for kind in kinds}
    for place in made.values():
        place.begin()
    yield made
    for place in made.values():
        place.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kind", "lines", "how"), cases())
def test_no_client_reads_the_secret(
    places: dict[str, Place], kind: str, lines: list[str], how: dict[str, Any]
) -> None:
    for data in said_to_client(places[kind], {"say": lines, "http": how}):
        assert not any(secret(document) for document in documents(data)), data


def said_to_client(place: Place, arguments: dict[str, Any]) -> list[bytes]:
    params = {"name": "open", "arguments": arguments}
    body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).encode()
    if place.by_http:
        _, said = place.post(body)
        while said.startswith(b"\x1f\x8b"):
            said = gzip.decompress(said)
        return [said]
    place.send(body)
    return place.lines_until_sentinel()


def secret(document: Any) -> bool:
    """Whether a client finds the secret in an answer, or is asked for a sample."""
    if isinstance(document, list):
        return any(map(secret, document))
    if not isinstance(document, dict):
        return False
    members = _canonical(document)
    if unicodedata.normalize("NFKC", str(members.get("method", ""))).strip().casefold() == SAMPLING:
        return True
    questions = _canonical(_canonical(members.get("result")).get("inputrequests"))
    return any(word in str(members.get("result", "")) for word in ("SECRET", "TOLD")) or any(
        map(secret, questions.values())
    )


def _canonical(value: Any) -> dict[str, Any]:
    """The members of an object by their names as lenient readers take them."""
    members = value.items() if isinstance(value, dict) else ()
    names = (
        (unicodedata.normalize("NFKC", name).partition("\0")[0].casefold(), item) for name, item in members
    )
    return dict(names)


@pytest.mark.timeout(60)
def test_what_a_rule_lets_pass_arrives(places: dict[str, Place]) -> None:
    for place in places.values():
        assert place.call("open", {"say": [HEAD + f'"result":{GOOD}}}']}) == json.loads(GOOD)


@pytest.mark.timeout(60)
def test_every_refused_answer_still_ends_its_request(tmp_path: Path) -> None:
    place = Place("HTTP to HTTP", tmp_path, LAW)
    try:
        for name, lines in SAID.items():
            (data,) = said_to_client(place, {"say": lines[:1]})
            assert data, name
    finally:
        place.close()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "how", [{"coded": "br"}, {"coded": "gzip gzip"}, {"type": "text/html", "status": 500}], ids=str
)
def test_the_head_of_a_refused_answer_says_what_its_body_is_now(
    places: dict[str, Place], how: dict[str, Any]
) -> None:
    params = {"name": "open", "arguments": {"say": [PLAIN], "http": how}}
    body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})
    url = places["HTTP to HTTP"].url
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
    try:
        connection.request("POST", url.path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.headers.get_all("Content-Type") == ["application/json"]
        assert answer.headers.get_all("Content-Encoding") is None
        found = json.loads(answer.read())
        assert "error" in found or found["result"]["isError"]
    finally:
        connection.close()


@pytest.mark.timeout(60)
def test_a_refused_question_does_not_hold_up_the_answer_behind_it(places: dict[str, Place]) -> None:
    said = f"data: {ASKS}\n\ndata: {HEAD}" + f'"result":{GOOD}}}\n\n'
    (data,) = said_to_client(places["HTTP to HTTP"], {"say": [said], "http": EVENT})
    assert b"fine" in data
    assert b"SECRET" not in data
