"""No reading of a message gets past a deny rule: judged at a witness behind the proxy, nobody attached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.policy.attacks import ATTACKS, LAW, MILD, Attack, is_forbidden
from tests.policy.places import KINDS, Place
from tests.policy.readings import calls

pytestmark = pytest.mark.timeout(180)
SAMPLED = 7
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
    assert [body for body, _ in place.arrivals()] == [MILD]


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.shows], ids=lambda attack: attack.name)
def test_a_reader_would_see_the_call_without_the_proxy(attack: Attack) -> None:
    assert any(is_forbidden(call) for call in calls(attack.body, attack.headers))
