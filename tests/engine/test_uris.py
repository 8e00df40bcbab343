"""A URI is resolved to one spelling, whatever way it was written."""

from __future__ import annotations

import pytest

from mcpscope.engine.uris import climbed, local, resolved


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


@pytest.mark.parametrize(
    "uri",
    [
        "file:///data/../etc/a%20b",
        "file:///data/%2e%2E/etc/a%20b",
        "file:///data/%252e./etc/a%20b",
        "file:///data/..%2fetc/a%20b",
        "file:///data\\..\\etc\\a%20b",
        "file:///data/x/./../../etc/a%20b",
    ],
)
def test_a_uri_that_climbs_is_where_it_leads(uri: str) -> None:
    assert climbed(uri) == "file:///etc/a%20b"


@pytest.mark.parametrize("uri", ["file:///data/a%20b", "FILE:///data//x.y", "note://A/..b", "urn:a", ""])
def test_a_uri_that_does_not_climb_is_left_as_it_is(uri: str) -> None:
    assert climbed(uri) == uri


@pytest.mark.parametrize(
    "uri", ["file://server/etc/passwd", "FILE://u@h:80/etc//passwd", "file://h/x/../etc/passwd"]
)
def test_who_ignores_the_host_of_a_file_takes_its_path(uri: str) -> None:
    assert local(uri) == "file:///etc/passwd"
    assert local("https://Example.com/x") == "https://example.com/x"
