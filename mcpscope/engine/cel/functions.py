"""From a tree to one Python function over the subject that variables are taken from."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, assert_never

from mcpscope.engine.cel.folds import Folds
from mcpscope.engine.cel.tree import Call, Const, Fold, Ident, ListOf, Select, Tree, Unknown, read
from mcpscope.engine.cel.values import BINARY, TYPES, UNARY, Failed, equal, has, member
from mcpscope.engine.filter.regexes import bytes_searcher, encoded

Value: TypeAlias = Callable[[Any], Any]
"""What an expression is for a subject; raises Failed and Elsewhere."""

_FAILED: Final = object()
_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
}


def function_of(checked: bytes, variables: Mapping[str, Value]) -> Value:
    """The function of a compiled expression; raises Unknown where the library has to evaluate it.

    It is not to be entered twice at a time: what its macros go through, it keeps in itself.
    """
    found = _Compiler(variables)
    function = found.of(read(checked), {})
    found.folds.share()
    return function


class _Compiler:
    """``scope`` maps the variables of the macros around to where they are kept."""

    def __init__(self, variables: Mapping[str, Value]) -> None:
        self._variables = variables
        self.folds = Folds()

    def of(self, tree: Tree, scope: Mapping[str, list[Any]]) -> Value:
        match tree:
            case Const(value):
                return lambda subject: value
            case Ident(name):
                return self._named(name, scope)
            case Select(operand, field, test):
                return _selected(self.of(operand, scope), field, test=test)
            case ListOf(items):
                return _list([self.of(item, scope) for item in items])
            case Call(function, args):
                return self._call(function, args, scope)
            case Fold():
                return self._fold(tree, scope)
            case _:
                assert_never(tree)

    def _named(self, name: str, scope: Mapping[str, list[Any]]) -> Value:
        if name in scope:
            kept = scope[name]
            return lambda subject: kept[0]
        if name in self._variables:
            return self._variables[name]
        if name in TYPES:
            found = TYPES[name]
            return lambda subject: found
        raise Unknown(f"the name {name}")

    def _call(self, function: str, args: tuple[Tree, ...], scope: Mapping[str, list[Any]]) -> Value:
        values = [self.of(arg, scope) for arg in args]
        last = args[-1] if args else None
        match function, values:
            case "_&&_", [first, second]:
                return _decided_by(first, second, by=False)
            case "_||_", [first, second]:
                return _decided_by(first, second, by=True)
            case "_?_:_", [condition, first, second]:
                return _chosen(condition, first, second)
            case "matches", [text, _] if isinstance(last, Const) and isinstance(last.value, str):
                return _matches(text, last.value)
            case _, [value] if function in UNARY:
                return _unary(UNARY[function], value)
            case _, [one, other] if function in BINARY:
                if isinstance(last, Const) and function in _WITH_CONSTANT:
                    return _WITH_CONSTANT[function](function, one, last.value)
                return _binary(BINARY[function], one, other)
            case _:
                raise Unknown(f"the function {function} of {len(values)}")

    def _fold(self, tree: Fold, scope: Mapping[str, list[Any]]) -> Value:
        kept: list[Any] = [None]
        over = self.of(tree.over, scope)
        with self.folds.inside():
            return self.folds.function(
                tree, over, kept, lambda part: self.of(part, {**scope, tree.variable: kept})
            )


def _unary(function: Callable[[Any], Any], value: Value) -> Value:
    return lambda subject: function(value(subject))


def _binary(function: Callable[[Any, Any], Any], one: Value, other: Value) -> Value:
    return lambda subject: function(one(subject), other(subject))


def _selected(operand: Value, field: str, *, test: bool) -> Value:
    if test:
        return lambda subject: has(operand(subject), field)
    return lambda subject: member(operand(subject), field)


def _list(items: list[Value]) -> Value:
    return lambda subject: [item(subject) for item in items]


def _chosen(condition: Value, first: Value, second: Value) -> Value:
    def chosen(subject: Any) -> Any:
        found = condition(subject)
        if found is True:
            return first(subject)
        if found is False:
            return second(subject)
        raise Failed

    return chosen


def _decided_by(first: Value, second: Value, *, by: bool) -> Value:
    """``&&`` (``by`` False) or ``||``: either side decides, whatever the other one is, an error too."""
    else_ = not by

    def both(subject: Any) -> Any:
        try:
            one = first(subject)
        except Failed:
            one = _FAILED
        if one is by:
            return by
        other = second(subject)
        if other is by:
            return by
        if one is else_ and other is else_:
            return else_
        raise Failed

    return both


def _matches(text: Value, pattern: str) -> Value:
    try:
        search = bytes_searcher(pattern)
    except Exception:  # re2's own class, which only it exports; the library says what is wrong
        raise Unknown("a pattern") from None

    def matches(subject: Any) -> bool:
        value = text(subject)
        if type(value) is str:
            return search(encoded(value))
        raise Failed

    return matches


def _equals_constant(function: str, one: Value, constant: Any) -> Value:
    wanted = function == "_==_"
    if type(constant) is str:
        # A text equals texts only, in Python as in CEL.
        return (lambda subject: one(subject) == constant) if wanted else (lambda s: one(s) != constant)
    return lambda subject: equal(one(subject), constant) is wanted


def _ordered_by_constant(function: str, one: Value, constant: Any) -> Value:
    compare, otherwise, kind = _ORDERS[function], BINARY[function], type(constant)
    if kind not in (int, str):
        return lambda subject: otherwise(one(subject), constant)

    def ordered(subject: Any) -> Any:
        value = one(subject)
        return compare(value, constant) if type(value) is kind else otherwise(value, constant)

    return ordered


_WITH_CONSTANT: Final[dict[str, Callable[[str, Value, Any], Value]]] = {
    "_==_": _equals_constant,
    "_!=_": _equals_constant,
    **dict.fromkeys(_ORDERS, _ordered_by_constant),
}
