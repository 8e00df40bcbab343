"""A secret is found however it is spelled, and wherever a chunk ends."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest

from mcpscope.transports.secret_mask import MAX_LEARNED, Mask

SECRET = 'hun"ter/2+é pass\\word😀'
RAW = SECRET.encode()
SPELLINGS = [
    SECRET,
    json.dumps(SECRET),
    json.dumps(SECRET, ensure_ascii=False),
    json.dumps(json.dumps(SECRET)),
    json.dumps(SECRET).replace("/", "\\/"),
    urllib.parse.quote(SECRET),
    urllib.parse.quote(SECRET, safe=""),
    urllib.parse.quote_plus(SECRET),
    urllib.parse.quote(SECRET).lower(),
    urllib.parse.quote(urllib.parse.quote(SECRET, safe=""), safe=""),
    RAW.hex(),
    RAW.hex().upper(),
    *(base64.b64encode(b"x" * before + RAW).decode() for before in range(3)),
    base64.urlsafe_b64encode(b"??" + RAW).decode(),
    json.dumps(base64.encodebytes(b"-" * 40 + RAW + b"." * 40).decode()),
    "".join(f"%{byte:02x}" for byte in RAW),
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_masked(text: str) -> None:
    masked = Mask([SECRET]).mask(b"before " + text.encode() + b" after")
    assert b"[redacted:" in masked and masked.startswith(b"before ") and masked.endswith(b" after")
    for part in ("hun", "word", "%68", "68756E", "aHVu"):
        assert part not in masked.decode()


def test_escapes_that_nobody_needs_hide_nothing() -> None:
    text = "".join(f"\\u{ord(char):04x}" for char in "hunter2-hunter2")
    assert Mask(["hunter2-hunter2"]).mask(text.encode()).startswith(b"[redacted:")


@pytest.mark.parametrize("levels", range(1, 6))
@pytest.mark.parametrize(
    "secret", ["hunter\\émore", "a\\n-12345678", 'pw\\"é-12345', "emoji\\😀12345", 'two"\\\\12345']
)
def test_a_backslash_in_a_secret_is_found_at_every_level(secret: str, levels: int) -> None:
    for ascii_only in (True, False):
        text = secret
        for _ in range(levels):
            text = json.dumps(text, ensure_ascii=ascii_only)
        masked = Mask([secret]).mask(f"before {text} after".encode())
        assert b"[redacted:" in masked and b"12345" not in masked and b"more" not in masked


def test_the_same_key_shows_the_same_secret_alike() -> None:
    one, two, other = (
        Mask([SECRET], key=b"k"),
        Mask(["another one", SECRET], key=b"k"),
        Mask([SECRET], key=b"x"),
    )
    assert one.mask(RAW) == two.mask(RAW) != other.mask(RAW)
    assert one.mask(RAW).decode() == one.placeholder(SECRET)


@pytest.mark.parametrize("messages", [True, False])
def test_a_secret_is_found_wherever_chunks_end(messages: bool) -> None:
    data = b'{"a":"' + json.dumps(SECRET).encode()[1:-1] + b'"}\nand ' + base64.b64encode(RAW) + b"\n"
    for size in range(1, len(data)):
        flow = Mask([SECRET]).flow(messages=messages)
        parts = [flow.feed(data[at : at + size], last=False) for at in range(0, len(data), size)]
        parts.append(flow.feed(b"", last=True))
        assert b"".join(sent for sent, _ in parts) == data
        written = b"".join(kept for _, kept in parts)
        assert written.count(b"[redacted:") == 2 and b"hun" not in written


def test_of_many_learned_values_the_latest_are_known() -> None:
    mask = Mask(["always-known"])
    values = [f"value-{number:04}" for number in range(MAX_LEARNED + 10)]
    mask.learn(values)
    said = " ".join(["always-known", *values]).encode()
    assert mask.mask(said).count(b"[redacted:") == MAX_LEARNED + 1
    mask.learn(["short"])
    assert mask.mask(b"short") == b"short"


def test_a_long_value_is_found_in_its_pieces() -> None:
    mask = Mask()
    long = "".join(f"{number:04x}" for number in range(2000))
    mask.learn([long])
    assert mask.mask(long.encode()).count(b"[redacted:") == 8
    coded = mask.mask(b"-" + base64.b64encode(b"xy" + long.encode()))
    assert coded.count(b"[redacted:") == 8 and len(coded) < 400


def test_a_known_beginning_hides_no_form_that_begins_within_it() -> None:
    mask = Mask()
    values = [f"aaaaaaaaaaaa{number:03}" for number in range(200)]
    mask.learn(values)
    for value in values:
        assert mask.mask(b"aa" + value.encode() + b"aa") == b"aa" + mask.placeholder(value).encode() + b"aa"


def test_a_number_that_is_a_secret_leaves_json_behind() -> None:
    said = {"a": 12345678, "b": [12345678.5, -123456789], "c": "no 12345678, see: 12345678", "d": "\\"}
    found = json.loads(Mask(["12345678"]).messages(json.dumps(said).encode()))
    assert found["a"].startswith("[redacted:") and len(found["b"]) == 2 and found["d"] == "\\"
    assert found["c"].count("[redacted:") == 2


def test_the_lines_of_a_key_file_are_secrets_too() -> None:
    pem = (
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----\n"
    )
    assert b"MIIE" not in Mask([pem]).mask(b"line MIIEvQIBADANBgkqhkiG9w0 alone")
