"""``when``: a CEL expression over one message, beside the filter of ``match``.

The runtime is the CEL project's own, imported when the first ``when`` is compiled. It checks all expressions;
``engine.cel`` evaluates the usual ones sooner and to the same values, the runtime all others. CEL gives
errors as values: a missing member, a type that does not fit. Such an answer is neither yes nor no (None), and
a rule that refuses takes it for yes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from mcpscope.engine.cel.functions import function_of
from mcpscope.engine.cel.values import Failed
from mcpscope.engine.conditions import FilterCondition
from mcpscope.engine.filter.predicate import everything
from mcpscope.engine.policy.variables import VARIABLES, is_plain
from mcpscope.protocol.message import Direction

Test = Callable[[Any], bool | None]

_PLACE = frozenset({"tool", "method", "direction"})
"""What is known of a message before anything else is looked at: where the index of rules finds it."""
_ANSWERS = frozenset({"result", "error"})
_STRING = re.compile(
    r"""(?:[rbRB]{0,2})(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.S
)
_QUOTES = re.compile(r"^[rbRB]{0,2}(\"{3}|'{3}|\"|')|(\"{3}|'{3}|\"|')$")
_NAME = re.compile(r"(?<![.\w])[A-Za-z_]\w*")
_MEMBER = re.compile(r"\.\s*([A-Za-z_]\w*)")
_NAMED_PLACE = re.compile(r"(?<![.\w])([a-z]+)((?:\s*\.\s*[A-Za-z_]\w*(?!\s*\()|\s*\[\s*\d+\s*\])*)")
_PART = re.compile(r"[A-Za-z_]\w*|\d+")
_ERROR_AT = re.compile(r"<input>:(\d+):(\d+):\s*(.*)")


class WhenError(ValueError):
    """The expression does not compile; ``line`` and ``column`` count from 1 inside it."""

    def __init__(self, text: str, line: int, column: int) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


class WhenCondition:
    """A filter (None: everything) and a CEL expression, both to be true."""

    def __init__(self, filter: FilterCondition | None, expression: str) -> None:
        """Compiles ``expression``; raises WhenError."""
        self._filter = filter
        self._expression = _compile(expression)
        self._function = _function(self._expression)
        names = frozenset(_NAME.findall(_STRING.sub("", expression)))
        self._used = tuple(name for name in VARIABLES if name in names)
        self.match = filter.text if filter else ""
        self.when = expression
        self.text = f"{self.match} when {expression}".strip()
        said = frozenset(_QUOTES.sub("", text) for text in _STRING.findall(expression))
        members = frozenset(_MEMBER.findall(_STRING.sub("", expression)))
        self.words = said | members | (filter.words if filter is not None else frozenset())
        self._beforehand = [_compile(part) for part in parts_of(expression) if _only(part, _PLACE)]
        self._on_answers = bool(names & _ANSWERS)
        self.looks_at_answer = self._on_answers or (filter is not None and filter.looks_at_answer)

    def __repr__(self) -> str:
        return f"<WhenCondition {self.text!r}>"

    def seen(self, subject: Any) -> dict[str, Any]:
        """The values that the filter and the expression ask for, by name."""
        found = self._filter.seen(subject) if self._filter else {}
        plain = _STRING.sub("", self.when)
        for place in _NAMED_PLACE.finditer(plain):
            if place[1] in self._used:
                name = place[0].replace(" ", "")
                found[name] = _at_place(VARIABLES[place[1]](subject), place[2])
        return found

    def names_method(self, method: str) -> bool:
        return self._filter is not None and self._filter.names_method(method)

    def could(self, direction: Direction, method: str, tool: str) -> bool:
        if self._filter is not None and not self._filter.could(direction, method, tool):
            return False
        told = {"tool": tool, "method": method, "direction": direction.value}
        return all(_truth(part.eval(data=told)) is not False for part in self._beforehand)

    @property
    def test(self) -> Test:
        return self._both(None if self._filter is None else self._filter.test)

    def narrowed(self, direction: Direction, method: str, tool: str) -> Test:
        """``test`` for such messages: the filter does not ask again what they say of themselves."""
        filter = self._filter
        return self._both(None if filter is None else filter.narrowed(direction, method, tool))

    def _both(self, filter: Test | None) -> Test:
        expression = self._asked_of_answers if self._on_answers else self._eval
        if filter is None or filter is everything:
            return expression

        def test(subject: Any) -> bool | None:
            found = filter(subject)
            if found is False:
                return False
            said = expression(subject)
            return said if found or said is False else None

        return test

    def _asked_of_answers(self, subject: Any) -> bool | None:
        return False if subject.answer is None else self._eval(subject)

    def _eval(self, subject: Any) -> bool | None:
        try:
            if self._function is not None and is_plain(subject):
                said = self._function(subject)
                return said if type(said) is bool else None
        except Failed:
            return None
        except Exception:  # Elsewhere, or what should not happen here: the library has the last word
            pass
        try:
            return _truth(self._expression.eval(_told(subject, self._used)))
        except Exception:  # whatever the runtime raises on hostile data means: undecided
            return None


def _told(subject: Any, used: tuple[str, ...]) -> Any:
    """The variables an expression asks for, made ready once for all rules that look at this message."""
    memo: dict[Any, Any] = getattr(subject, "memo", {})
    found = memo.get(used)
    if found is None:
        values = {name: VARIABLES[name](subject) for name in used}
        if _has_nul(values):
            raise Failed("the library reads a text to its first NUL only")
        found = memo[used] = _environment().Activation(values)
    return found


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(name) or _has_nul(item) for name, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)


def _function(expression: Any) -> Callable[[Any], Any] | None:
    """A compiled expression as a function over subjects; None where only the library can evaluate it."""
    try:
        return function_of(expression.serialize(), VARIABLES)
    except Exception:  # Unknown, or a serialisation that is not what it was
        return None


def _truth(value: Any) -> bool | None:
    plain = value.value()
    return plain if isinstance(plain, bool) else None


def _only(part: str, names: frozenset[str]) -> bool:
    """Whether ``part`` asks for some of ``names`` and for no other variable."""
    used = frozenset(_NAME.findall(_STRING.sub("", part))) & frozenset(VARIABLES)
    return bool(used) and used <= names


def parts_of(expression: str) -> list[str]:
    """What ``&&`` joins at the top of an expression: if one part is false, all of it is.

    An expression that is something else at its top is one part.
    """
    masked = _STRING.sub(lambda found: "_" * len(found[0]), expression)
    if "//" in masked:
        return [expression]
    parts: list[str] = []
    depth = begin = 0
    for at, char in enumerate(masked):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and (char == "?" or masked.startswith("||", at)):
            return [expression]
        if depth == 0 and masked.startswith("&&", at):
            parts.append(expression[begin:at])
            begin = at + 2
    return [*parts, expression[begin:]]


@cache
def _environment() -> Any:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_math, ext_strings

    words = ("tool", "method", "direction", "client", "caller", "server", "session")
    types = {name: cel.Type.STRING if name in words else cel.Type.DYN for name in VARIABLES}
    return cel.NewEnv(variables=types, extensions=[ext_strings.ExtStrings(), ext_math.ExtMath()])


def _compile(expression: str) -> Any:
    try:
        compiled = _environment().compile(expression)
    except Exception as error:  # the binding's own classes are not exported
        found = _ERROR_AT.search(str(error))
        if found is None:
            raise WhenError(str(error).splitlines()[0], 1, 1) from None
        text = found[3].split("|")[0].strip()
        raise WhenError(text, int(found[1]), int(found[2])) from None
    kind = compiled.return_type().name()
    if kind not in ("BOOL", "bool", "DYN", "dyn"):
        raise WhenError(f"gives {kind}, not true or false", 1, 1)
    return compiled


def _at_place(value: Any, path: str) -> Any:
    """What is at ``.a.b[0]`` in ``value``; None where nothing is."""
    for part in _PART.findall(path):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
