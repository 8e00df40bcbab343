"""A filter as the condition of a rule: what the index asks of it, and its verdict on one message."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from mcpscope.engine.filter.ast import And, Names, Node, Not, Or, Path
from mcpscope.engine.filter.language import Filter, parse
from mcpscope.engine.filter.predicate import Verdict, all_of
from mcpscope.protocol.message import Direction


class FilterCondition:
    """``test`` gives None where a comparison met a value of another type; a rule that refuses takes that for
    yes.
    """

    def __init__(self, filter: Filter) -> None:
        self.filter = filter
        self.text = filter.text
        self.looks_at_answer = filter.looks_at_answer
        self._parts = filter.judges()
        self.test = all_of([test for _, test in self._parts])
        self._left: dict[tuple[int, ...], Verdict] = {}

    def __repr__(self) -> str:
        return f"<FilterCondition {self.text!r}>"

    @classmethod
    def parse(cls, text: str) -> FilterCondition:
        """The condition that ``text`` says; raises FilterError."""
        return cls(parse(text))

    def could(self, direction: Direction, method: str, tool: str) -> bool:
        """Whether such a message could match; wrong only by saying yes."""
        return self.filter.may_match(dir=direction.value, method=method, tool=tool)

    def narrowed(self, direction: Direction, method: str, tool: str) -> Verdict:
        """``test`` for such messages: what they say of themselves is not asked again."""
        left = tuple(
            number
            for number, (sure, _) in enumerate(self._parts)
            if not sure(dir=direction.value, method=method, tool=tool)
        )
        if left not in self._left:
            self._left[left] = all_of([self._parts[number][1] for number in left])
        return self._left[left]

    def seen(self, subject: Any) -> dict[str, Any]:
        """The values that the filter asks for, by name."""
        from mcpscope.engine.seen import of_filter  # deferred: it needs the rules, which need this

        return of_filter(self.filter.tree, subject)

    def names_method(self, method: str) -> bool:
        """Whether the filter spells ``method`` out (a wildcard that covers it does not count)."""
        return method in self._methods

    @cached_property
    def words(self) -> frozenset[str]:
        """The names of tools, methods and members that the filter spells out, globs among them."""
        found: set[str] = set()
        _words(self.filter.tree, found)
        return frozenset(found)

    @cached_property
    def _methods(self) -> frozenset[str]:
        found: set[str] = set()
        _spelled(self.filter.tree, found)
        return frozenset(found)


def _spelled(node: Node, out: set[str]) -> None:
    match node:
        case And(items) | Or(items):
            for item in items:
                _spelled(item, out)
        case Not(item):
            _spelled(item, out)
        case Names("method", _, values):
            out.update(value.text for value in values)
        case _:
            pass


_NAMES = frozenset({"tool", "name", "uri", "method"})


def _words(node: Node, out: set[str]) -> None:
    match node:
        case And(items) | Or(items):
            for item in items:
                _words(item, out)
        case Not(item):
            _words(item, out)
        case Names(field, _, values) if field in _NAMES:
            out.update(value.text for value in values)
        case Path(_, steps):
            out.update(step for step in steps if isinstance(step, str))
        case _:
            pass


def condition_of(text: str) -> Any:
    """The condition for ``text``, None for one that is empty; raises FilterError."""
    found = FilterCondition.parse(text)
    return None if found.filter.is_empty else found
