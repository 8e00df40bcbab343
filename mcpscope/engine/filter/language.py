"""``parse``: a filter's text to a ``Filter``, which knows what it asks for and compiles itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from mcpscope.engine.filter.ast import All, And, Contains, Names, Node, Not, Number, Op, Or, Path, States
from mcpscope.engine.filter.parser import parse_tree
from mcpscope.engine.filter.predicate import Verdict, compile_node, name_matcher
from mcpscope.engine.filter.subject import Subject

_ANSWER_FIELDS = frozenset({"result", "error", "status", "code", "dur", "res", "size", "mime"})
_ANSWER_STATES = frozenset({"error", "ok", "slow", "late", "cancelled", "binary", "big"})


@dataclass(frozen=True)
class Filter:
    """A filter that was understood; equal texts at equal times are equal filters."""

    text: str
    tree: Node
    now: int | None = None

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"

    @property
    def is_empty(self) -> bool:
        return isinstance(self.tree, All)

    def predicate(self) -> Callable[[Subject], bool]:
        """Whether an exchange passes."""
        compiled = compile_node(self.tree, self.now, three_valued=False)
        return lambda subject: bool(compiled(subject))

    def judge(self) -> Callable[[Subject], bool | None]:
        """As ``predicate``, with None where a comparison met a value of another type.

        A rule that refuses takes None for a match; every other one does not.
        """
        return compile_node(self.tree, self.now, three_valued=True)

    def judges(self) -> list[tuple[Callable[..., bool], Verdict]]:
        """``judge`` in parts, all of which have to hold: each with whether it surely does by some facts.

        The facts are those of ``may_match``.
        """
        parts = self.tree.items if isinstance(self.tree, And) else (self.tree,)
        return [(_sure(part), compile_node(part, self.now, three_valued=True)) for part in parts]

    @cached_property
    def fields(self) -> frozenset[str]:
        """The names of all fields that the filter asks for; ``is:`` words as ``is:WORD``."""
        return frozenset(_fields(self.tree))

    @property
    def looks_at_answer(self) -> bool:
        """Whether a rule with this filter is judged on answers too, and not on requests only."""
        if not self.fields.isdisjoint(_ANSWER_FIELDS):
            return True
        return not self.fields.isdisjoint({"kind:response", *(f"is:{word}" for word in _ANSWER_STATES)})

    def may_match(self, **known: str) -> bool:
        """Whether some message with these facts could pass: ``may_match(method="tools/call", tool="x")``.

        Exact where only these fields are asked for; for the rest the answer is "it may". Made for an index
        of many rules by tool or method: ask once per rule and name, and keep the answer.
        """
        return _may(self.tree, known) is not False


def _sure(node: Node) -> Callable[..., bool]:
    return lambda **known: _may(node, known) is True


def parse(text: str, now: int | None = None) -> Filter:
    """The filter that ``text`` says; raises FilterError with the place and a suggestion.

    ``now`` (unix ns) is what ages and times of day refer to, and up to when an open exchange has lasted.
    Without it times are refused: a rule for messages to come has no use for them.
    """
    return Filter(text, parse_tree(text, now), now)


def _fields(node: Node) -> Iterator[str]:
    match node:
        case And(items) | Or(items):
            for item in items:
                yield from _fields(item)
        case Not(item):
            yield from _fields(item)
        case Names(field, _, values):
            yield field
            if field == "kind":
                yield from (f"kind:{value.text}" for value in values)
        case Contains(field) | Number(field):
            yield field
        case States(words):
            yield "is"
            yield from (f"is:{word}" for word in words)
        case Path(root):
            yield root
        case _:
            pass


def _may(node: Node, known: dict[str, str]) -> bool | None:
    """Kleene's logic over what is known; everything else is None."""
    match node:
        case All():
            return True
        case And(items):
            found = [_may(item, known) for item in items]
            return False if False in found else None if None in found else True
        case Or(items):
            found = [_may(item, known) for item in items]
            return True if True in found else None if None in found else False
        case Not(item):
            inner = _may(item, known)
            return None if inner is None else not inner
        case Names(field, op, _) if field in known and (op is not Op.REGEX or known[field]):
            return name_matcher(node)(known[field])
        case _:
            return None
