"""The Rules screen over a real proxy: what is in force, changed by keys, saved into the file, undone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcpscope.engine.policy.load import load
from mcpscope.tui.screens.rule import RuleScreen
from tests.program import Program
from tests.session.steered import Steered, call
from tests.tui.driver import Scope
from tests.tui.wire import hears, watching

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
TEXT = """version: 1
rules:
  # slow ones are refused
  - {name: no slow ones, match: "tool:slow", action: deny, message: too slow}
  - name: tagged   # for the list
    match: tool:echo
    action: tag
    tag: seen
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def policy(program: Program) -> Path:
    path = program.folder / "policy.yaml"
    path.write_text(TEXT)
    return path


def names(path: Path) -> list[str]:
    return [rule.name for rule in load(path.read_text()).rules]


async def refused(wire: Steered, id: int, tool: str, **arguments: Any) -> bool:
    wire.says(call(id, tool, **arguments))
    answer = await hears(wire)
    return "error" in answer or bool(answer["result"].get("isError"))


def edits(scope: Scope) -> RuleScreen:
    screen = scope.app.screen
    assert isinstance(screen, RuleScreen)
    return screen


async def test_rules_are_listed_with_hits_and_what_they_would_have_matched(
    steered: Any, policy: Path
) -> None:
    wire = steered("--policy", str(policy))
    async with watching(wire) as scope:
        assert await refused(wire, 1, "slow")
        assert not await refused(wire, 2, "echo", n=1)
        await scope.traffic.shows("echo").press("6")
        await scope.rules.shows("tool:slow", "deny too slow", "policy.yaml", "2 rules", "unsaved: none")
        await scope.rules.select(1).shows("Would have matched 1 of the last", "no slow ones")
        shown = re.search(r"Would have matched ([\d,]+ of the last [\d,]+ exchanges)", scope.text)
        tried = await anyio.to_thread.run_sync(wire.program.run, "rules", "test", str(policy), "--all")
        assert shown is not None and f"would have matched {shown[1]}: no slow ones".encode() in tried.stdout
        assert b"would have denied 1 of" in tried.stdout  # item 37 of ux.md: the same number
        await scope.until(lambda: "  1 " in next(line for line in scope.lines if "deny" in line), "a hit")
        await scope.rules.press("v")
        await scope.traffic.shows("tool:slow", "denied").hides("echo")


async def test_space_switches_a_rule_of_the_file_and_u_brings_it_back(steered: Any, policy: Path) -> None:
    wire = steered("--policy", str(policy))
    async with watching(wire) as scope:
        await scope.any.press("6")
        await (
            scope.rules.shows("tool:slow")
            .select(1)
            .press("space")
            .shows("no slow ones is off in policy.yaml")
        )
        await scope.rules.shows("off: it does nothing")
        assert not await refused(wire, 1, "slow")
        assert "# slow ones are refused" in policy.read_text() and "# for the list" in policy.read_text()
        await scope.rules.press("u").shows("undone: no slow ones off")
        assert policy.read_text() == TEXT
        await scope.rules.hides("off: it does nothing")
        assert await refused(wire, 2, "slow")
        await scope.rules.press("J")
        await scope.until(lambda: names(policy) == ["tagged", "no slow ones"], "the order")
        await scope.rules.selected_is("tool:slow").press("D", "y")
        await scope.until(lambda: names(policy) == ["tagged"], "one rule less")
        await scope.rules.hides("tool:slow").press("u").shows("tool:slow").press("u")
        await scope.until(lambda: policy.read_text() == TEXT, "the file as it was")


async def test_a_new_rule_is_live_then_saved_and_undone(steered: Any, policy: Path) -> None:
    wire = steered("--policy", str(policy))
    async with watching(wire) as scope:
        assert not await refused(wire, 1, "echo", n=5)
        await scope.traffic.shows("echo").press("L")
        await scope.rule.shows("NEW RULE", "tool:echo args.n=5", "action: deny")
        edits(scope).area.text = "match: tool:echo args.n=5\naction: denny\n"
        await scope.rule.shows("line 2, column 9").press("ctrl+s").shows("nothing was changed")
        edits(scope).area.text = "name: mine\nmatch: tool:echo args.n=5\naction: deny\n"
        await scope.rule.shows("a rule").press("ctrl+s")
        await scope.traffic.shows("mine is in force")
        assert await refused(wire, 2, "echo", n=5)
        assert not await refused(wire, 3, "echo", n=6)
        await scope.traffic.press("6")
        await scope.rules.shows("1 unsaved").press("d")
        await scope.any.shows("+  - {name: mine").press("escape")
        await scope.rules.press("ctrl+s").shows("saved to").hides("1 unsaved")
        assert names(policy) == ["mine", "no slow ones", "tagged"]
        await scope.until(
            lambda: [r["origin"] for r in scope.app.steer.links[0].rules] == ["policy"] * 3, "taken over"
        )
        assert await refused(wire, 4, "echo", n=5)
        await scope.rules.press("u")
        await scope.until(lambda: policy.read_text() == TEXT, "undone")


async def test_a_file_that_went_wrong_is_told_and_the_old_rules_stay(steered: Any, policy: Path) -> None:
    wire = steered("--policy", str(policy))
    async with watching(wire) as scope:
        await scope.any.press("6")
        policy.write_text(TEXT.replace("action: tag", "action: tags"))
        await scope.rules.shows("the policy policy.yaml has 1 problem", "policy.yaml:7:13", "tool:slow")
        assert await refused(wire, 1, "slow")
        policy.write_text(TEXT)
        await scope.rules.hides("7:13")


@pytest.mark.soak
async def test_a_rule_is_edited_in_its_file_and_live(steered: Any, policy: Path) -> None:
    wire = steered("--policy", str(policy))
    async with watching(wire) as scope:
        await scope.any.press("6")
        await scope.rules.select(1).press("e")
        await scope.rule.shows("EDIT RULE", "too slow")
        edits(scope).area.text = edits(scope).area.text.replace("too slow", "far too slow")
        await scope.rule.press("ctrl+s")
        await scope.rules.shows("deny far too slow")
        assert "# slow ones are refused" in policy.read_text()
        await scope.rules.press("n")
        await scope.rule.shows("tool:NAME").press("escape")
        await scope.rules.shows("2 rules").press("n")
        edits(scope).area.text = "name: mine\nmatch: tool:echo\naction: drop\ncode: -32602\n"
        await scope.rule.press("ctrl+s")
        await scope.rules.shows("drop -32602").select(3).selected_is("drop").press("e")
        edits(scope).area.text = "name: mine\nmatch: tool:echo\naction: tag\ntag: x\n"
        await scope.rule.press("ctrl+s")
        await scope.rules.shows("tag x").hides("drop -32602").press("u").shows("drop -32602")
        await (
            scope.rules.selected_is("drop")
            .press("K", "space")
            .shows("is off")
            .press("D", "y")
            .hides("drop -32602")
        )


async def test_what_cannot_be_changed_here_says_why(steered: Any) -> None:
    wire = steered("--break", "tool:slow")
    async with watching(wire) as scope:
        await scope.any.press("6")
        await scope.rules.shows("break (UI only)").press("K").shows("come before all rules")
        await (
            scope.rules.press("e").shows("B changes a breakpoint").press("ctrl+s").shows("nothing is unsaved")
        )
        await scope.rules.press("right_square_bracket").shows("there is no other proxy")
        await scope.rules.press("space").shows("is off")
        await scope.rules.press("D", "y").shows("no rules: n makes one").press("u").shows("break (UI only)")


DECISIONS = [
    pytest.param(("X", "2"), "drop", "dropped", id="drop", marks=pytest.mark.soak),
    pytest.param(("M", "m"), "answer", "mock", id="answer", marks=pytest.mark.soak),
    pytest.param(("e",), "edit", "sent", id="edit"),
]


@pytest.mark.parametrize(("keys", "action", "said"), DECISIONS)
async def test_a_decision_by_hand_becomes_a_rule_that_decides_alike_with_nobody_attached(
    steered: Any,
    program: Program,
    keys: tuple[str, ...],
    action: str,
    said: str,
) -> None:
    """Item 38 of ux.md: the same call, first by hand, then by the saved rule, headless."""
    policy = program.folder / "made.yaml"
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        wire.says(call(1, n=5, q="a b"))
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows('"n"').press(*keys)
        if action == "edit":
            await scope.editor.shows("EDITING")
            scope.app.screen.area.text = scope.app.screen.area.text.replace("5", "500")
            await scope.editor.shows("changed").press("ctrl+s")
        await scope.holds.shows(said)
        by_hand = await hears(wire)
        reached = [line for line in wire.reached() if b"tools/call" in line]
        await scope.holds.press("L")
        await scope.rule.shows(f"action: {action}", "tool:echo").press("ctrl+s")
        await scope.holds.shows("is in force").press("6")
        await scope.rules.shows("1 unsaved").press("ctrl+s")
        await scope.any.shows("Save rules to")
        await scope.press(*["backspace"] * 11)
        scope.app.screen.query_one("Input").value = str(policy)
        await scope.any.press("enter")
        await scope.rules.shows("saved to").hides("1 unsaved")
    await anyio.to_thread.run_sync(wire.closes)

    again = Steered(program, "--policy", str(policy))
    again.says(call(1, n=5, q="a b"))
    told = await hears(again)
    for answer in (told, by_hand):
        answer.get("error", {}).pop("data", None)  # it tells the rule's name
    assert told == by_hand
    new = [json.loads(line) for line in again.reached() if b"tools/call" in line][len(reached) :]
    assert new == [json.loads(line) for line in reached]
    again.says(call(2, n=6, q="a b"))
    assert "result" in await hears(again)
    await anyio.to_thread.run_sync(again.closes)


async def test_the_log_tells_who_did_what(steered: Any, policy: Path) -> None:
    wire = steered("--policy", str(policy), "--break", "tool:echo")
    async with watching(wire) as scope:
        me = scope.app.steer.name
        wire.says(call(1))
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows("request").press("t", *["backspace"] * 2, "9", "m", "enter")
        await scope.holds.shows("9m from now").press("X", "2")
        await hears(wire)
        await scope.holds.press("6")
        await scope.rules.select(1).press("D", "y").shows("b1 deleted").select(1).press("space")
        await scope.rules.shows("is off in policy.yaml")
        await scope.any.press("7")
        await scope.log.shows("holds extend id=1 seconds=540", "dropped echo #", f"{me:16}  rules remove b1")
        await scope.log.shows("no slow ones is off in policy.yaml", "policy loaded")


async def test_rules_in_another_format_are_counted_and_changed_in_their_file(
    steered: Any, policy: Path
) -> None:
    rule = "{name: few, conditions: [{path: args.n, op: lte, value: 5}]}"
    policy.write_text(
        f'version: "1"\ntools: {{echo: {{rules: [{rule}, {{name: rate, rate_limit: 2/day}}]}}}}\n'
    )
    wire = steered("--policy", str(policy))
    async with watching(wire) as scope:
        assert not await refused(wire, 1, "echo", n=1)
        assert await refused(wire, 2, "echo", n=6)
        await scope.traffic.shows("echo").press("6")
        await scope.rules.shows("tool:echo unless args.n", "limit 2 in 86400s")
        await scope.rules.select(1).shows("Would have matched 1 of the last").press("space")
        await scope.rules.shows("change it in its file").press("v")
        await scope.traffic.shows("denied").hides("initialize")
