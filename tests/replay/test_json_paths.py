"""Masks name places, and refuse what makes no sense."""

from __future__ import annotations

import pytest

from mcpscope.errors import ScopeError
from mcpscope.replay.json_paths import Mask, Path, generalise, show


@pytest.mark.parametrize(
    ("mask", "path", "fits"),
    [
        ("$.result.content[*].text", ("result", "content", 3, "text"), True),
        ("$.result.content[0].text", ("result", "content", 3, "text"), False),
        ("$.result.content", ("result", "content", 3, "text"), True),
        ("$..id", ("result", "structuredContent", "rows", 0, "id"), True),
        ("$..id", ("result", "identity"), False),
        ("$..rows[*].at", ("result", "rows", 7, "at"), True),
        ('$.result["a b"]', ("result", "a b", "c"), True),
        ("result.*.x", ("result", "y", "x"), True),
    ],
)
def test_a_mask_hides_its_place_and_what_lies_below(mask: str, path: Path, fits: bool) -> None:
    assert Mask(mask).matches(path) is fits


@pytest.mark.parametrize("text", ["$", "", "$.a[", "$.a..", "$.a b", "$[x]"])
def test_a_mask_that_makes_no_sense_says_so(text: str) -> None:
    with pytest.raises(ScopeError) as caught:
        Mask(text)
    assert caught.value.exit == 2 and caught.value.hint


def test_a_path_shown_is_a_mask_that_fits_it() -> None:
    path: Path = ("result", "a b", 0, 'quo"te\\', "plain")
    assert Mask(show(path)).matches(path)
    assert generalise(("result", "rows", 4, "mtime")) == "$.result.rows[*].mtime"


def test_a_mask_may_hold_for_one_tool_and_for_what_varies_in_a_text() -> None:
    mask = Mask("git_commit:$.result.content[*].text~")
    path: Path = ("result", "content", 0, "text")
    assert mask.is_for("git_commit") and not mask.is_for("git_log")
    assert mask.hides(path, "commit 1f2e3d4c5b at 12:03", "commit ffffffff00 at 9:41")
    assert not mask.hides(path, "commit 1f2e3d4c5b", "failed 1f2e3d4c5b")


def test_an_expression_hides_only_what_it_matches() -> None:
    mask = Mask(r"$.result.text~in \d+ ms")
    assert mask.hides(("result", "text"), "done in 5 ms", "done in 17 ms")
    assert not mask.hides(("result", "text"), "done 5 in 5 ms", "done 6 in 17 ms")
