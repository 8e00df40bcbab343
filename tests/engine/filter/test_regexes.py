"""Patterns that are compared as text find what RE2 finds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.engine.filter.regexes import _re2_searcher, _text_searcher, encoded

LETTERS = "ab^$\\./-?é\n#~ \udc80"


@settings(max_examples=150, deadline=None)
@given(
    st.text("ab^$\\./-?é#& ]{", min_size=1, max_size=4), st.lists(st.text(LETTERS, max_size=5), max_size=8)
)
def test_a_pattern_that_is_only_a_text_means_what_re2_means(pattern: str, texts: list[str]) -> None:
    plain = _text_searcher(pattern)
    if plain is None:
        return
    search = _re2_searcher(pattern)
    for text in [*texts, pattern, pattern.strip("^$").replace("\\", "")]:
        assert plain(encoded(text)) is search(encoded(text)), (pattern, text)


def test_usual_patterns_are_compared_as_text_and_others_are_not() -> None:
    for pattern in ("^/etc/", "\\.env$", "^12$", "rm -rf", "^a\\.b"):
        assert _text_searcher(pattern), pattern
    for pattern in ("^$", "a.b", "(?i)a", "a|b", "\\d", "\\Qa", "a\n", "[a]", "a{2}", "\\n"):
        assert _text_searcher(pattern) is None, pattern
