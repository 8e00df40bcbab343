"""One policy decides alike on every pair of transports and in both eras, and records what was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.policy.places import KINDS, Place

LAW = """\
version: 1
default: deny
callers:
  ci: {bearer: "${env:CI_TOKEN}"}
  guest: {bearer: "${env:GUEST_TOKEN}"}
rules:
  - {name: nobody wipes, match: "tool:files args.path~^/etc", action: deny, message: not there}
  - {name: small payments, match: "tool:pay", when: 'caller == "ci" && args.amount <= 100', action: allow}
  - {name: anybody opens, match: "tool:open", action: allow}
  - {name: files, match: "tool:files", action: allow}
  - {name: no forbidden answer, when: 'result.content[0].text == "done" && tool == "forbidden"', action: deny}
"""
DENIED = "default: deny"
CALLS: list[tuple[str, dict[str, Any], str, str]] = [
    # tool, arguments, what decides for ci, what decides for guest ("" passes)
    ("open", {}, "", ""),
    ("pay", {"amount": 100}, "", DENIED),
    ("pay", {"amount": 100.5}, DENIED, DENIED),
    ("pay", {"amount": "1"}, DENIED, DENIED),
    ("pay", {}, DENIED, DENIED),
    ("files", {"path": "/tmp/x"}, "", ""),
    ("files", {"path": "/etc/x"}, "nobody wipes", "nobody wipes"),
    ("forbidden", {}, DENIED, DENIED),
    ("unknown", {"amount": 1}, DENIED, DENIED),
]
ERAS = ("2025-06-18", "2026-07-28")
TOKENS = {"ci": "the-token-of-ci-0123456789", "guest": "the-token-of-guest-0123456789"}


def cases() -> Iterator[Any]:
    """All pairs of transports, eras and callers; one of each pair in the short run."""
    for place, kind in enumerate(KINDS):
        for turn, era in enumerate(ERAS):
            for number, who in enumerate(TOKENS):
                marks = [] if (2 * turn + number - place) % 4 == 0 else [pytest.mark.soak]
                yield pytest.param(kind, era, who, marks=marks)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kind", "era", "who"), cases())
def test_the_same_policy_decides_alike(tmp_path: Path, kind: str, era: str, who: str) -> None:
    env = {"CI_TOKEN": TOKENS["ci"], "GUEST_TOKEN": TOKENS["guest"]}
    place = Place(kind, tmp_path, LAW, token=TOKENS[who], env=env)
    modern = era == ERAS[1]
    try:
        if not modern:
            place.begin(who)
        said = [place.call(tool, arguments, client=who if modern else "") for tool, arguments, *_ in CALLS]
        arrived = [json.loads(body) for body, _ in place.arrivals() if body]
        observed = [_observed(answer) for answer in said]
        assert observed == [ci if who == "ci" else guest for _, _, ci, guest in CALLS]
        reached = [body["params"]["name"] for body in arrived if body.get("method") == "tools/call"]
        passing = [tool for (tool, *_), rule in zip(CALLS, observed, strict=True) if not rule]
        assert reached == passing
        recorded = place.decisions()
    finally:
        place.close()
    assert [rule for rule, _ in recorded] == observed
    claims = {"caller": who} if place.by_http else {"caller": who, "claimed": True}
    assert all(detail.items() >= claims.items() for rule, detail in recorded if rule)


def _observed(answer: dict[str, Any]) -> str:
    """The rule that refused, "" for an answer of the witness."""
    if not answer.get("isError"):
        return ""
    text: str = answer["content"][0]["text"]
    found = text.removeprefix("Blocked by policy ")
    return next(rule for rule in (DENIED, "nobody wipes") if found.startswith(rule))
