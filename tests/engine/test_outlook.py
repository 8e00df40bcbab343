"""What one caller sees of a server whose names stand behind a prefix in the gateway's lists."""

from __future__ import annotations

import pytest

from mcpscope.engine.outlook import Outlook
from mcpscope.engine.visibility import Surface, View

TOOLS, RESOURCES = Surface.TOOLS, Surface.RESOURCES


@pytest.mark.parametrize(
    "glob", ["git__push", "git*", "*__push*", "g?t__push", "tool:git*", "tool:*__p*", "push", "p*", "tool:p*"]
)
def test_what_is_hidden_by_either_name_is_hidden(glob: str) -> None:
    view = Outlook(View(), hide=[glob], prefix="git__")
    assert view.hidden(TOOLS, "push")
    assert not Outlook(View(), hide=[glob], prefix="time__").hidden(TOOLS, "now")


def test_only_shows_by_either_name_and_hiding_wins() -> None:
    view = Outlook(View(), only=["git*"], hide=["push"], prefix="git__")
    assert [bool(view.hidden(TOOLS, name)) for name in ("status", "push")] == [False, True]
    assert Outlook(View(), only=["git*"], prefix="time__").hidden(TOOLS, "now")
    assert not Outlook(View(), only=["now"], prefix="time__").hidden(TOOLS, "now")


def test_resources_have_no_prefix() -> None:
    assert not Outlook(View(), hide=["git*"], prefix="git__").hidden(RESOURCES, "file:///a")


def test_what_everybody_may_not_see_no_caller_sees() -> None:
    base = View()
    base.obey(["push"])
    assert Outlook(base, only=["push"], prefix="git__").hidden(TOOLS, "push")
