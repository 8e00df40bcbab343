"""Whatever happens in whatever order: one outcome a message, and one answer at most a request."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.engine.decisions import (
    Answer,
    Approve,
    Deny,
    Drop,
    Edit,
    Extend,
    KeepAlive,
    Release,
    Revert,
)
from mcpscope.engine.holds import HoldKind, HoldState
from mcpscope.engine.rule import Action
from mcpscope.errors import ScopeError

from .talk import C2S, S2C, Talk, call, cancel, result

TOOLS = ("free", "held", "both", "answer", "denied", "asked", "slow", "mock")
DECISIONS = (
    Release(),
    Release(confirmed=True),
    Release(stop_at="answer"),
    Release(stop_at="any"),
    Edit(patch=({"op": "set", "path": "/params/arguments/x", "value": 1},)),
    Edit(text='"free"', part="/params/name", confirmed=True),
    Edit(text="1", part="args.y", release=False),
    Answer(body={"result": {}}),
    Answer(last_good=True),
    Drop(),
    Deny("no"),
    Revert(),
    Extend(5, "continue"),
    Extend(1),
    KeepAlive(on=True),
)
steps = st.one_of(
    st.tuples(st.just("call"), st.sampled_from(TOOLS)),
    st.tuples(st.just("answer"), st.integers(0, 20)),
    st.tuples(st.just("progress"), st.integers(0, 20)),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("decide"), st.tuples(st.integers(0, 5), st.sampled_from(DECISIONS))),
    st.tuples(st.just("approve"), st.integers(0, 5)),
    st.tuples(st.just("pass"), st.sampled_from([0.1, 2, 70, 4000])),
    st.tuples(st.just("attach"), st.booleans()),
    st.tuples(st.just("ask"), st.integers(0, 3)),
)


class Story(Talk):
    """A client, a server that answers what it is asked when it is told to, and a person."""

    def __init__(self):
        super().__init__(timeout=50)
        for tool in ("held", "both"):
            self.breakpoint(f"tool:{tool}", on="both" if tool == "both" else "request", name=tool)
        self.breakpoint("tool:answer", on="answer", name="answers")
        self.breakpoint("method:elicitation/create", name="questions")
        self.rule("deny", "tool:denied", name="law")
        self.rule("ask", "tool:asked", name="question")
        self.rule("delay", "tool:slow", name="slowly", delay_ns=10**9)
        self.rule("answer", "tool:mock", answer=Answer(body={"result": {}}), name="mock")
        self.ids = 0
        self.cancelled = set()
        self.answered = set()

    def step(self, what, with_):
        waiting = [m["id"] for m in map(json.loads, self.to_server) if "method" in m and "id" in m]
        waiting = [id for id in waiting if id not in self.answered]
        if what == "call":
            self.ids += 1
            self.client(call(self.ids, with_, meta={"progressToken": self.ids}))
        elif what == "answer" and waiting:
            id = waiting[with_ % len(waiting)]
            self.answered.add(id)
            self.server(result(id))
        elif what == "progress" and self.ids:
            params = {"progressToken": 1 + with_ % self.ids, "progress": self.at}
            self.server({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
        elif what == "cancel" and self.ids:
            id = 1 + with_ % self.ids
            self.cancelled.add(id)
            self.client(cancel(id))
        elif what == "approve" and self.held:
            hold = next(one for one in self.engine.holds if one.id == self.held[with_ % len(self.held)])
            try:
                self.decide(Approve(hold.digest), hold.id)
            except ScopeError:
                pass
        elif what == "decide" and self.held:
            place, decision = with_
            try:
                self.decide(decision, self.held[place % len(self.held)])
            except ScopeError:
                pass
        elif what == "pass":
            self.passes(with_)
        elif what == "attach":
            (self.steering.attach if with_ else self.steering.detach)("ui")
        elif what == "ask":
            self.server({"jsonrpc": "2.0", "id": f"q{len(self.received)}", "method": "elicitation/create"})

    def lets_all_go(self):
        """The person has seen everything: approves what asks, drops what nobody waits for."""
        for _ in range(300):
            hold = next(iter(self.engine.holds), None)
            if hold is None:
                return
            if hold.kind is not HoldKind.ASK:
                self.decide(Release(confirmed=True))
            else:
                self.decide(Drop() if hold.state is HoldState.GAVE_UP else Approve(hold.digest))

    def check(self):
        for at in self.received:
            finals = [outcome for outcome in self.outcomes.get(at, []) if outcome.word.final]
            assert len(finals) + (at in self.plain) == 1, self.words(at)
        answers = [json.loads(raw) for raw in self.to_client]
        count = {
            id: sum(m.get("id") == id and "method" not in m for m in answers) for id in range(1, self.ids + 1)
        }
        assert max(count.values(), default=0) <= 1
        return {id for id, seen in count.items() if seen == 0}


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=40))
def test_every_message_gets_one_outcome_and_no_request_two_answers(story):
    talk = Story()
    for step in story:
        talk.step(*step)
    # The end as it should be: the person lets everything go, the server answers all it was asked.
    talk.lets_all_go()
    while (count := len(talk.answered)) is not None:
        talk.step("answer", 0)
        talk.lets_all_go()
        if len(talk.answered) == count:
            break
    talk.passes(5)
    talk.leaves(C2S)
    talk.ends()
    unanswered = talk.check()
    assert unanswered <= talk.cancelled
    assert talk.held == []


@settings(max_examples=80, deadline=None)
@given(st.lists(steps, max_size=30), st.sampled_from([C2S, S2C]))
def test_whoever_leaves_first_every_message_gets_its_outcome(story, side):
    talk = Story()
    for step in story:
        talk.step(*step)
    talk.leaves(side)
    talk.passes(5000)
    talk.ends()
    talk.check()
    assert talk.held == []


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=30))
def test_what_is_denied_or_unapproved_never_reaches_the_server(story):
    talk = Story()
    talk.steering.rules.enable("mock", on=False)
    approved = False
    for what, with_ in story:
        approved = approved or what == "approve"
        talk.step(what, with_)
    tools = {m["params"]["name"] for m in map(json.loads, talk.to_server) if m.get("method") == "tools/call"}
    assert "denied" not in tools
    assert approved or "asked" not in tools
    assert all(entry.rule.action is not Action.ALLOW for entry in talk.steering.rules)
