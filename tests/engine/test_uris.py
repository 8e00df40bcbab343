"""A URI is resolved to one spelling, whatever way it was written."""

from __future__ import annotations

import pytest

from mcpscope.engine.uris import resolved


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file://localhost/etc/passwd",
        "file:///%65tc/passwd",
        "file:///etc%2Fpasswd",
        "file:///%2565tc/passwd",
        "file:///tmp/../etc/passwd",
        "file:///tmp/%2e%2e/etc/./passwd",
        "file:////etc//passwd",
        "file:/etc/passwd",
        "file:\\\\\\etc\\passwd",
        " fi\tle:///etc/passwd\n",
        "file:///../../etc/passwd",
    ],
)
def test_every_spelling_of_a_place_is_that_place(uri: str) -> None:
    assert resolved(uri) == "file:///etc/passwd"


@pytest.mark.parametrize(
    ("uri", "same"),
    [
        ("HTTPS://Example.COM/A/b", "https://example.com/A/b"),
        ("https://example.com", "https://example.com"),
        ("https://example.com/a/", "https://example.com/a/"),
        ("urn:ISBN:1", "urn:ISBN:1"),
        ("no uri at all", "no uri at all"),
        ("note://x/../y", "note://x/y"),
        ("", ""),
    ],
)
def test_other_uris_keep_what_tells_them_apart(uri: str, same: str) -> None:
    assert resolved(uri) == same
