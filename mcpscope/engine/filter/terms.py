"""One comparison of the filter language: a field, an operator and its values, checked against the table."""

from __future__ import annotations

from collections.abc import Callable

from mcpscope.engine.filter import suggest, units
from mcpscope.engine.filter.ast import Contains, Names, Node, Not, Number, Op, Path, Since, States, Word
from mcpscope.engine.filter.errors import FilterError
from mcpscope.engine.filter.fields import ALIASES, EXAMPLES, FIELDS, OPERATORS, Field, Type
from mcpscope.engine.filter.jsonpath import Step, read_steps
from mcpscope.engine.filter.lexer import Lexer
from mcpscope.engine.filter.regexes import check_regex

_ORDER = {">=": Op.GREATER_EQUAL, "<=": Op.LESS_EQUAL, ">": Op.GREATER, "<": Op.LESS}
_READERS: dict[Type, Callable[[str], int | None]] = {
    Type.DURATION: units.duration,
    Type.SIZE: units.size,
    Type.INTEGER: units.integer,
}
_STATUS_WORDS = {"pending": "waiting", "success": "ok", "canceled": "cancelled", "blocked": "denied"}


def read_term(lexer: Lexer, name: str, start: int, now: int | None) -> Node:
    """The term whose field name was just taken; ``start`` is where that name stands."""
    field = _field(lexer, name, start)
    steps: tuple[Step, ...] = ()
    if field.type is Type.JSON:
        steps = read_steps(lexer)
    elif lexer.next in (".", "["):
        hint = f"try args.{field.name}" if field.name not in ("text", "is") else ""
        raise FilterError(f"'{field.name}' has no parts", lexer.text, lexer.at, hint=hint)
    op, at = _op(lexer, field, start)
    reader = _Term(lexer, field, at, now)
    if name.lower() == "larger-than":
        op = Op.GREATER
    if op is Op.NOT_EQUAL:
        return Not(reader.read(Op.EQUAL, steps))
    return reader.read(op, steps)


def _field(lexer: Lexer, name: str, start: int) -> Field:
    found = FIELDS.get(ALIASES.get(name.lower(), name.lower()))
    if found is None:
        hint = suggest.field(name)
        if not hint:
            end = start
            while end < len(lexer.text) and not lexer.text[end].isspace() and lexer.text[end] not in '()"':
                end += 1
            hint = suggest.quoted(lexer.text[start:end])
        raise FilterError(f"no field named '{name}'", lexer.text, start, start + len(name), hint)
    return found


def _op(lexer: Lexer, field: Field, start: int) -> tuple[Op, int]:
    """The operator, and where it stands; ``dur:>500ms`` is read as ``dur>500ms``."""
    at = lexer.at
    op = lexer.take_op()
    if op is None:
        hint = f"try {field.name}.key:value"
        raise FilterError("an operator is missing after this", lexer.text, start, at, hint)
    allowed = OPERATORS[field.type]
    if op is Op.MATCH and _ORDER.get(lexer.next) in allowed:
        op = lexer.take_op() or op
    if op not in allowed:
        shown = " ".join(one.value for one in Op if one in allowed)
        raise FilterError(
            f"'{field.name}' is {field.type.value}: it cannot be compared with {op.value}",
            lexer.text,
            at,
            lexer.at,
            f"try {field.name}{Op.MATCH.value}{_example(field)}" if len(allowed) == 1 else f"try {shown}",
        )
    return op, at


class _Term:
    """Reads the values of one term."""

    def __init__(self, lexer: Lexer, field: Field, op_at: int, now: int | None) -> None:
        self.lexer = lexer
        self.field = field
        self.op_at = op_at
        self.now = now

    def read(self, op: Op, steps: tuple[Step, ...]) -> Node:
        if op is Op.REGEX:
            return self._regex(steps)
        words = self._words(op)
        match self.field.type:
            case Type.NAME:
                return Names(self.field.name, op, tuple(word for word, _, _ in words))
            case Type.CONTAINS:
                return Contains(self.field.name, op, tuple(word for word, _, _ in words))
            case Type.WORD:
                return self._fixed(words)
            case Type.STATE:
                return States(tuple(self._listed(word.text, start, end) for word, start, end in words))
            case Type.TIME:
                return self._time(words)
            case Type.JSON:
                return self._path(op, steps, words)
            case _:
                return Number(self.field.name, op, tuple(self._number(*word) for word in words))

    def _words(self, op: Op) -> list[tuple[Word, int, int]]:
        """The values with their places."""
        lexer, start = self.lexer, self.lexer.at
        if not lexer.take("("):
            word = lexer.take_word()
            if word is None:
                hint = f"try {self.field.name}{op.value}{_example(self.field)}"
                raise FilterError(f"a value is missing after {op.value}", lexer.text, self.op_at, start, hint)
            return [(word, start, lexer.at)]
        if op not in (Op.MATCH, Op.EQUAL):
            raise FilterError(
                f"a list cannot be compared with {op.value}", lexer.text, start, hint="try = or :"
            )
        found: list[tuple[Word, int, int]] = []
        while True:
            lexer.skip_space()
            at = lexer.at
            word = lexer.take_word(in_list=True)
            if lexer.at_end:
                raise FilterError("this ( is never closed", lexer.text, start)
            if word is None:
                raise FilterError("a value is missing here", lexer.text, at, hint="try (a,b)")
            found.append((word, at, lexer.at))
            lexer.skip_space()
            if lexer.take(")"):
                return found
            if lexer.at_end:
                raise FilterError("this ( is never closed", lexer.text, start)
            if not lexer.take(","):
                raise FilterError("the values of a list are separated by commas", lexer.text, lexer.at)

    def _regex(self, steps: tuple[Step, ...]) -> Node:
        lexer, start = self.lexer, self.lexer.at
        pattern = lexer.take_regex()
        if not pattern:
            raise FilterError(
                "a regular expression is missing after ~",
                lexer.text,
                self.op_at,
                hint=f"try {self.field.name}~^a",
            )
        check_regex(pattern, lexer.text, start, lexer.at)
        word = (Word(pattern, quoted=True),)
        if self.field.type is Type.JSON:
            return Path(self.field.name, steps, Op.REGEX, word)
        if self.field.type is Type.CONTAINS:
            return Contains(self.field.name, Op.REGEX, word)
        return Names(self.field.name, Op.REGEX, word)

    def _fixed(self, words: list[tuple[Word, int, int]]) -> Node:
        if self.field.name == "status" and [word.text.lower() for word, _, _ in words] == ["error"]:
            return States(("error",))
        return Names(
            self.field.name,
            Op.EQUAL,
            tuple(Word(self._listed(word.text, start, end)) for word, start, end in words),
        )

    def _listed(self, text: str, start: int, end: int) -> str:
        lowered = text.lower()
        if lowered in self.field.words:
            return lowered
        if self.field.name == "status":
            hint = _status_hint(lowered)
        else:
            hint = ""
        if not hint:
            near = suggest.nearest(lowered, self.field.words)
            hint = f"did you mean {near}?" if near else "one of " + " ".join(self.field.words)
        raise FilterError(f"'{text}' is not a {_noun(self.field)}", self.lexer.text, start, end, hint)

    def _number(self, word: Word, start: int, end: int) -> int:
        value = _READERS[self.field.type](word.text)
        if value is None:
            hint = f"try {EXAMPLES[self.field.type]}"
            raise FilterError(
                f"'{word.text}' is not {self.field.type.value}", self.lexer.text, start, end, hint
            )
        return value

    def _time(self, words: list[tuple[Word, int, int]]) -> Node:
        word, start, end = words[0]
        if len(words) > 1:
            raise FilterError("a time stands alone", self.lexer.text, words[1][1], words[1][2])
        if self.now is None:
            raise FilterError(
                "a time means nothing for messages that are still to come", self.lexer.text, start, end
            )
        found = units.instant(word.text, self.now)
        if found is None:
            hint = f"try {EXAMPLES[Type.TIME]}"
            raise FilterError(f"'{word.text}' is not a time", self.lexer.text, start, end, hint)
        first, last = found
        return Since(last if self.field.name == "after" else first, later=self.field.name != "before")

    def _path(self, op: Op, steps: tuple[Step, ...], words: list[tuple[Word, int, int]]) -> Node:
        if op not in (Op.MATCH, Op.EQUAL):
            word, start, end = words[0]
            if word.quoted or units.number(word.text) is None:
                raise FilterError(
                    f"'{word.text}' is not a number", self.lexer.text, start, end, "try 100 or 2.5"
                )
        return Path(self.field.name, steps, op, tuple(word for word, _, _ in words))


def _status_hint(word: str) -> str:
    if units.integer(word) is not None:
        return f"try code:{word}"
    return f"did you mean {_STATUS_WORDS[word]}?" if word in _STATUS_WORDS else ""


def _noun(field: Field) -> str:
    return {"is": "state", "dir": "direction"}.get(field.name, field.name)


def _example(field: Field) -> str:
    return field.words[0] if field.words else EXAMPLES[field.type].split(",")[0]
