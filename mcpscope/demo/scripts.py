"""What the demo's client does: a tour of everything worth seeing, or a steady load."""

from __future__ import annotations

import random
from argparse import Namespace
from collections.abc import Callable

from mcpscope.demo.stage import Json
from mcpscope.demo.steps import Ask, Pause, Script, Tell, hello

BREATH = Pause(0.35)


def call(name: str, *, wait: bool = True, **arguments: object) -> Ask:
    """A ``tools/call``."""
    return Ask("tools/call", {"name": name, "arguments": arguments}, wait)


def tour(asked: Namespace) -> Script:
    """Everything once, in the order in which it is best explained."""
    yield from hello(modern=asked.modern)
    yield Ask("tools/list")
    if asked.modern:
        yield from _newer()
    else:
        yield from _quick()
        yield from _talkative()
        yield from _troubled()
    yield BREATH


def load(asked: Namespace) -> Script:
    """``rate`` calls a second, for ``seconds`` or until it is stopped; tools and arguments at random."""
    rng = random.Random(asked.seed)
    yield from hello(modern=asked.modern)
    yield Ask("tools/list")
    sent = 0
    # Calls go out in bursts of a twentieth of a second: a timer has no finer grain to rely on.
    while asked.seconds <= 0 or sent < asked.rate * asked.seconds:
        for _ in range(max(1, round(asked.rate / 20))):
            yield call(
                rng.choice(("read_note", "weather", "search_notes", "transfer")),
                wait=False,
                **_arguments(rng),
            )
            sent += 1
        yield Pause(max(0.05, 1 / asked.rate))
    yield Ask("ping")
    yield Pause(0.3)


def _arguments(rng: random.Random) -> Json:
    city = rng.choice(("Bern", "Oslo", "Quito"))
    return {
        "id": rng.randrange(1, 5),
        "city": city,
        "query": rng.choice("aeiou"),
        "amount": rng.randrange(100),
    }


def _quick() -> Script:
    for step in (
        call("search_notes", query="deploy"),
        call("read_note", id=2),
        call("weather", city="Bern"),
        call("draw_chart"),
        Ask("resources/list"),
        Ask("resources/read", {"uri": "note://1"}),
        Ask("prompts/get", {"name": "plan_week", "arguments": {"focus": "release"}}),
    ):
        yield step
        yield BREATH
    ref: Json = {"type": "ref/prompt", "name": "plan_week"}
    yield Ask("completion/complete", {"ref": ref, "argument": {"name": "focus", "value": "re"}})


def _talkative() -> Script:
    yield call("import_orders", file="orders.csv", rows=500)
    yield BREATH
    yield call("summarise", id=2)
    yield BREATH
    yield call("book_table", guests=4)
    yield BREATH


def _troubled() -> Script:
    yield call("slow_query", wait=False, sql="SELECT count(*) FROM orders WHERE customer = 'Zoë'")
    yield BREATH
    yield call("transfer", to="Zoë", amount=99.5)
    yield BREATH
    yield call("read_note", id=99)
    yield call("no_such_tool")
    yield Ask("resources/read", {"uri": "note://404"})
    yield BREATH
    hung = yield call("wait_for_event", wait=False, event="deploy finished")
    yield Pause(1.5)
    yield Tell("notifications/cancelled", {"requestId": hung, "reason": "the user pressed stop"})
    yield BREATH
    yield call("export_report")
    yield BREATH
    yield call("show_banner")
    yield BREATH
    yield call("delete_file", path="/home/ada/notes/old.txt")
    yield Pause(0.5)
    yield call("weather", city="Oslo", days=3)


def _newer() -> Script:
    wanted: Json = {"notifications": {"toolsListChanged": True}}
    listening = yield Ask("subscriptions/listen", wanted, wait=False)
    yield BREATH
    for step in (call("weather", city="Quito"), call("summarise", id=2), call("book_table", guests=2)):
        yield step
        yield BREATH
    yield call("show_banner")
    yield Pause(0.5)
    yield Tell("notifications/cancelled", {"requestId": listening, "reason": "done"})


SCRIPTS: dict[str, Callable[[Namespace], Script]] = {"tour": tour, "load": load}
