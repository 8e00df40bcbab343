"""What looks like a name that a rule spells out is refused like it, and marked wherever one looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.policy.places import Place

LAW = """\
version: 1
rules:
  - {name: no forbidden tool, match: "tool:forbidden", action: deny}
  - {name: no deleting, match: "tool:delete_*", action: deny}
  - {name: small payments, match: "tool:pay", when: "args.amount > 100", action: deny}
"""
CYRILLIC = "f\u043erbidden"


@pytest.mark.timeout(60)
def test_look_alikes_of_ruled_names_are_refused_and_marked(tmp_path: Path) -> None:
    place = Place("stdio to stdio", tmp_path, LAW)
    try:
        place.begin()
        names = [CYRILLIC, "Forbidden", "f0rbidden", "d\u0435lete_all", "Delete_all"]
        for name in names:
            assert place.call(name, {})["isError"], name
        assert not place.call("open", {}).get("isError")
        assert [body for body, _ in place.arrivals() if b"forbidden" in body.lower()] == []
        said = place.program.run("--json", "rules", "list")
        found = {rule["name"]: rule["lookalikes"] for rule in json.loads(said.stdout)["data"]}
        assert found["no forbidden tool"] == ["Forbidden", "f0rbidden", CYRILLIC]
        assert found["no deleting"] == ["Delete_all", "d\u0435lete_all"]
        assert "U+043E" in place.program.run("rules", "list").stdout.decode()
        recorded = place.decisions()
    finally:
        place.close()
    assert [rule for rule, _ in recorded] == ["no forbidden tool"] * 3 + ["no deleting"] * 2 + [""]
    assert all(any("lookalike:" in tag for tag in detail["tags"]) for rule, detail in recorded if rule)
    shown = place.program.run("--json", "log", "tool:Forbidden").stdout.decode()
    assert "lookalike:forbidden" in shown


@pytest.mark.timeout(60)
def test_a_look_alike_that_the_server_lists_is_another_tool_and_noted(tmp_path: Path) -> None:
    place = Place("stdio to stdio", tmp_path, LAW)
    try:
        place.begin()
        place.ask("tools/list")
        assert not place.call("\u0440ay", {"amount": 1000}).get("isError")
        assert place.call("pay", {"amount": 1000})["isError"]
        recorded = place.decisions()
        notes = [text.decode() for kind, text in place.notes() if kind == "lookalike"]
    finally:
        place.close()
    assert recorded[0][1]["tags"] == ["lookalike:pay"]
    assert any("U+0440" in text and "may be taken for pay" in text for text in notes)
