"""What reaches a terminal cannot steer it."""

from __future__ import annotations

import json

import pytest

from mcpscope.text import json_text, safe

STEERING = ("\x1b", "\x07", "\x9b", "\x7f", "\u202e", "\u200b", "\U000e0041", "\ud800", "\u2028")
UNSEEN = ("\ufe0f", "\U000e0100", "\u3164", "\u115f", "\u034f", "\u2800", "\U0001f3fd")


@pytest.mark.parametrize("char", [*STEERING, *UNSEEN])
def test_no_steering_or_hidden_character_survives(char: str) -> None:
    assert safe(f"a{char}b") == f"a\\u{{{ord(char):x}}}b"


def test_plain_wide_and_accented_text_stays_as_it_is() -> None:
    assert safe("naïve 日本 🙂") == "naïve 日本 🙂"


def test_a_caller_may_keep_line_breaks_only() -> None:
    assert safe("a\n\tb", keep="\n") == "a\n\\u{9}b"


def test_json_for_a_terminal_is_escaped_and_means_the_same() -> None:
    hostile = {"a\x9b": ["\x1b[31m", "\u202e", "\ue000", "\U000e0001", "Grüße 🎈", "\ud800", '"\\', "\u2028"]}
    text = json_text(hostile)
    assert json.loads(text) == hostile
    assert text.isprintable() and "Grüße 🎈" in text
