"""The macros (``all``, ``exists``, ``exists_one``, ``map``, ``filter``), recognised in what they became."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from mcpscope.engine.cel.tree import Call, Const, Fold, Ident, ListOf, Tree, Unknown
from mcpscope.engine.cel.values import Elsewhere, Failed

Value: TypeAlias = Callable[[Any], Any]
Compile: TypeAlias = Callable[[Tree], Value]

MOST_ROUNDS: Final = 2000
"""The library ends an expression after 10,000 rounds of its macros; well before that it is asked."""


class Folds:
    """The macros of one expression; ``share`` is to be called when all of it is compiled."""

    def __init__(self) -> None:
        self._depth = self._deepest = self._count = 0
        self.most = [0]
        """How many elements one of them may go through."""

    @contextmanager
    def inside(self) -> Iterator[None]:
        self._count += 1
        self._depth += 1
        self._deepest = max(self._deepest, self._depth)
        yield
        self._depth -= 1

    def share(self) -> None:
        """Divide what all macros together may go through."""
        if self._count:
            self.most[0] = int((MOST_ROUNDS / self._count) ** (1 / self._deepest))

    def function(self, tree: Fold, over: Value, kept: list[Any], compile: Compile) -> Value:
        """The function of ``tree`` with its variable in ``kept``; raises Unknown for no known macro."""
        result = Ident(tree.accumulator)
        step, begin = tree.step, tree.begin
        match step:
            case Call("_&&_", (accumulator, test)) if accumulator == result == tree.result:
                if begin == Const(True):
                    return self._until(over, kept, compile(test), ends=False)
            case Call("_||_", (accumulator, test)) if accumulator == result == tree.result:
                if begin == Const(False):
                    return self._until(over, kept, compile(test), ends=True)
            case Call("_?_:_", (test, Call("_+_", (accumulator, Const(1))), otherwise)) if (
                accumulator == result == otherwise and begin == Const(0)
            ):
                if tree.result == Call("_==_", (result, Const(1))):
                    return self._once(over, kept, compile(test))
            case Call("_+_", (accumulator, ListOf((value,)))) if accumulator == result == tree.result:
                if begin == ListOf(()):
                    return self._mapped(over, kept, None, compile(value))
            case Call("_?_:_", (test, Call("_+_", (accumulator, ListOf((value,)))), otherwise)) if (
                accumulator == result == otherwise == tree.result and begin == ListOf(())
            ):
                return self._mapped(over, kept, compile(test), compile(value))
        raise Unknown("another macro")

    def _elements(self, value: Any, *, ordered: bool = False) -> list[Any] | dict[str, Any]:
        """What there is to go through in ``value``; the keys of a map, which have no order."""
        if type(value) is list or type(value) is dict:
            if len(value) > self.most[0] or (ordered and type(value) is dict):
                raise Elsewhere
            found: list[Any] | dict[str, Any] = value
            return found
        raise Failed

    def _until(self, over: Value, kept: list[Any], test: Value, *, ends: bool) -> Value:
        """``all`` or ``exists``: one element decides, whatever errors the others give."""
        goes_on = not ends

        def until(subject: Any) -> Any:
            failed = False
            for element in self._elements(over(subject)):
                kept[0] = element
                try:
                    found = test(subject)
                except Failed:
                    failed = True
                    continue
                if found is ends:
                    return ends
                failed = failed or found is not goes_on
            if failed:
                raise Failed
            return goes_on

        return until

    def _once(self, over: Value, kept: list[Any], test: Value) -> Value:
        def once(subject: Any) -> bool:
            count = 0
            for element in self._elements(over(subject)):
                kept[0] = element
                count += _is_true(test(subject))
            return count == 1

        return once

    def _mapped(self, over: Value, kept: list[Any], test: Value | None, value: Value) -> Value:
        def mapped(subject: Any) -> list[Any]:
            found = []
            for element in self._elements(over(subject), ordered=True):
                kept[0] = element
                if test is None or _is_true(test(subject)):
                    found.append(value(subject))
            return found

        return mapped


def _is_true(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise Failed
