"""No reading of a message gets past a deny rule: judged at a witness behind the proxy, nobody attached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.policy.attacks import ATTACKS, LAW, MILD, Attack, is_forbidden
from tests.policy.places import KINDS, Place
from tests.policy.readings import Call, calls
from tests.program import until

pytestmark = pytest.mark.timeout(180)
SAMPLED = 20
"""Of the attacks through a bridge every so many is in the short run."""


def cases() -> Iterator[Any]:
    """Every attack on every pair of transports that it can be made on."""
    for kind in KINDS:
        bridge = kind in ("stdio to HTTP", "HTTP to stdio")
        for number, attack in enumerate(ATTACKS):
            if attack.http_only and not kind.startswith("HTTP"):
                continue
            marks = [pytest.mark.soak] if bridge and number % SAMPLED else []
            yield pytest.param(kind, attack, id=f"{kind}-{attack.name}".replace(" ", "_"), marks=marks)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Place]]:
    """One proxy for each pair of transports, made when it is first asked for."""
    made: dict[str, Place] = {}

    def place(kind: str) -> Place:
        if kind not in made:
            made[kind] = Place(kind, tmp_path_factory.mktemp("place"), LAW)
            made[kind].begin()
            made[kind].arrivals()
        return made[kind]

    yield place
    for one in made.values():
        one.close()


@pytest.mark.parametrize(("kind", "attack"), cases())
def test_no_reader_behind_the_proxy_sees_the_call(
    places: Callable[[str], Place], kind: str, attack: Attack
) -> None:
    place = places(kind)
    place.attack(attack)
    for body, headers in place.arrivals():
        seen = [call for call in calls(body, headers) if is_forbidden(call)]
        assert not seen, (body, seen[0])


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_law_allows_arrives_as_it_was_said(places: Callable[[str], Place], kind: str) -> None:
    place = places(kind)
    place.attack(Attack("mild", MILD))
    # Over HTTP a ping may be faster than what was said before it.
    assert until(lambda: [body for body, _ in place.arrivals()]) == [MILD]


ONLY_OPEN = """\
version: 1
default: deny
rules: [{name: open only, match: "tool:open", action: allow}]
"""


def is_not_allowed(call: Call) -> bool:
    """Whether the law that allows one tool forbids what a reader found."""
    method, params = call
    acts = ("tools/call", "prompts/get", "resources/read", "completion/complete", "resources/subscribe")
    return method in acts and not (method == "tools/call" and params.get("name") == "open")


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS[:2])
def test_nothing_but_what_is_allowed_arrives_under_a_default_deny(tmp_path: Path, kind: str) -> None:
    place = Place(kind, tmp_path, ONLY_OPEN)
    try:
        place.begin()
        for attack in ATTACKS:
            if attack.http_only and not place.by_http:
                continue
            place.attack(attack)
            for body, headers in place.arrivals():
                plain = [call for call in calls(body, headers) if call[0] not in ("logging/setlevel",)]
                assert not any(is_not_allowed(call) for call in plain), attack.name
    finally:
        place.close()


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS[:2])
def test_without_a_policy_every_byte_arrives(tmp_path: Path, kind: str) -> None:
    place = Place(kind, tmp_path, "")
    try:
        place.begin()
        place.arrivals()
        for attack in ATTACKS:
            if attack.http_only and not place.by_http:
                continue
            place.attack(attack)
            arrived = [body for body, _ in place.arrivals()]
            said = [attack.body] if place.by_http else attack.body.split(b"\n")
            assert arrived == said, attack.name
    finally:
        place.close()


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.shows], ids=lambda attack: attack.name)
def test_a_reader_would_see_the_call_without_the_proxy(attack: Attack) -> None:
    assert any(is_forbidden(call) for call in calls(attack.body, attack.headers))
