"""What is masked, and what stays as it was."""

from __future__ import annotations

import json

import pytest

from mcpscope.exports.masks import Masks, configured_keys


@pytest.mark.parametrize(
    "secret",
    [
        b'{"password":"hunter22"}',
        b'{"Api-Key" : "hunter22"}',
        b'{"apiKey":"hunter22","x":1}',
        b'{"client_secret":"a\\"hunter22"}',
        b'{"args":{"token":"hunter22"}}',
        b'{"text":"{\\"password\\": \\"hunter22\\"}"}',
        b'{"pwd":2222hunter22}'.replace(b"2222hunter22", b"12345678"),
        b"Authorization: Bearer hunter22.hunter22",
        b"Authorization: Basic aHVudGVyMjI6aHVudGVyMjI=hunter22",
        b'{"x":"sk-proj-hunter22hunter22hunter22"}',
        b'{"x":"ghp_hunter22hunter22hunter22hunter22"}',
        b'{"x":"eyJhbGciOiJI.eyJzdWIiOiIxMjM0.hunter22hunter22"}',
    ],
)
def test_secrets_are_masked(secret: bytes) -> None:
    masks = Masks()
    masked = masks.message(secret)
    assert b"hunter22" not in masked and b"12345678" not in masked and masks.count == 1
    if secret.startswith(b"{"):
        json.loads(masked)


@pytest.mark.parametrize(
    "plain",
    [
        b'{"progressToken":"abcdefgh","nextCursor":"x","maxTokens":100}',
        b'{"properties":{"password":{"type":"string"},"token":{"type":"string"}}}',
        b'{"text":"the password is secret"}',
        b'{"secretary":"Ann"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_secret_stays_byte_for_byte(plain: bytes) -> None:
    masks = Masks()
    assert masks.message(plain) == plain and masks.count == 0


def test_our_own_facts_are_masked_by_place() -> None:
    masks = Masks(["x-room"])
    said = {
        "command": ["srv", "--api-key", "one11111", "--token=two22222", "PASSWORD=three333", "--port", "80"],
        "env": {"HOME": "/home/x"},
        "headers": [["Authorization", "Bearer four4444"], ["Accept", "*/*"], ["X-Room", "five5555"]],
        "url": "https://user:six66666@host/mcp?api_key=seven777&page=2",
    }
    text = json.dumps(masks.value(said))
    for secret in (
        "one11111",
        "two22222",
        "three333",
        "/home/x",
        "four4444",
        "five5555",
        "six66666",
        "seven777",
    ):
        assert secret not in text, secret
    assert all(kept in text for kept in ("srv", "--port", "80", "*/*", "page=2", "host/mcp"))
    assert masks.count == 8


def test_one_secret_has_one_number() -> None:
    masks = Masks()
    assert masks.message(b'{"password":"a1","token":"b2","secret":"a1"}') == (
        b'{"password":"[masked 1]","token":"[masked 2]","secret":"[masked 1]"}'
    )


def test_configured_names_are_globs_and_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCPSCOPE_REDACT_KEYS", "room, *card*,")
    masks = Masks(configured_keys())
    said = b'{"room":"one","card":"two","my-card-no":3,"a.b":"four","board":"five"}'
    assert masks.message(said) == (
        b'{"room":"[masked 1]","card":"[masked 2]","my-card-no":"[masked 3]","a.b":"four","board":"five"}'
    )


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (b'{"password":"hunter22","n":1}', [b"hunter22"]),
        (b'{"a":{"Token" : 12345},"pwd":null,"secret":true,"api_key":""}', [b"12345"]),
        (b'{"text":"{\\"password\\": \\"hunter22\\"}"}', [b"hunter22"]),
        (b"Authorization: Bearer hunter22.hunter22", [b"hunter22.hunter22"]),
        (b'{"private_key":"' + b"z" * 200_000 + b'"}', [b"z" * 200_000]),
        (b"x" * 32_760 + b' {"password":"hunter22"} ' + b"x" * 40_000, [b"hunter22"]),
        (b'{"secretary":"Ann","properties":{"token":{"type":"string"}}}', []),
    ],
)
def test_ranges_are_what_a_message_is_masked_at(text: bytes, secrets: list[bytes]) -> None:
    found = Masks().ranges(text)
    assert [text[start:stop] for start, stop in found] == secrets
    masks = Masks()
    masked = masks.message(text)
    assert masks.count == len(secrets) and not any(secret in masked for secret in secrets)


def test_what_we_say_of_arguments_has_its_secrets_at_names_too() -> None:
    said = 'limit=5 api_key="x y" token=33 pwd=null credentials={…} password="cut o…'.encode()
    found = Masks().ranges(said, told=True)
    assert [said[start:stop].decode() for start, stop in found] == ["x y", "33", "cut o…"]
    assert Masks().ranges(said) == []
