"""The variables of a ``when``: what each is for one message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from mcpscope.engine.scripted import double
from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import may_have_long_integer

Value = Callable[[Any], Any]

_INT64: Final = 1 << 63
_PLAIN: Final = object()
_ABSENT: Final = object()


def is_plain(subject: Any) -> bool:
    """Whether all texts of the message can be said in UTF-8; worked out once for all rules that ask."""
    memo: dict[Any, Any] = getattr(subject, "memo", {})
    found: bool | None = memo.get(_PLAIN)
    if found is None:
        found = memo[_PLAIN] = _is_plain(subject.request) and _is_plain(subject.answer)
    return found


def _is_plain(message: Message | None) -> bool:
    if message is None:
        return True
    if message.problems:
        return False  # among them lone surrogates that are not spelled with an escape
    if b"\\ud" not in message.raw and b"\\uD" not in message.raw:
        return True
    try:
        orjson.dumps(message.body)  # the escapes may be pairs
    except TypeError:
        return False
    return True


def _remembered(name: str, value_of: Value) -> Value:
    """``value_of``, asked once of a live message."""

    def value(subject: Any) -> Any:
        memo: dict[Any, Any] = getattr(subject, "memo", {})
        found = memo.get(name, _ABSENT)
        if found is _ABSENT:
            found = memo[name] = value_of(subject)
        return found

    return value


def _text(value: str) -> str:
    if not value.isascii():
        value.encode()  # raises for what CEL could not hold either
    return value


def _name(names: Any) -> str:
    return _text(names[0]) if names else ""


def _params(subject: Any) -> Any:
    request = subject.request
    return _exact(request.params, request) if request is not None else {}


def _args(subject: Any) -> Any:
    found = _request_params(subject)
    return found.get("arguments", {}) if isinstance(found, dict) else {}


def _result(subject: Any) -> Any:
    answer = subject.answer
    return _exact(answer.result, answer) if answer is not None else None


def _error(subject: Any) -> Any:
    answer = subject.answer
    return _exact(answer.error, answer) if answer is not None and answer.error else None


def _exact(value: Any, message: Message) -> Any:
    """JSON as CEL can hold it: an integer beyond 64 bits would wrap or fail, so it becomes a double."""
    return _within_64_bits(value) if may_have_long_integer(message.raw) else value


def _within_64_bits(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _within_64_bits(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_within_64_bits(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        return double(value)
    return value


_request_params = _remembered("params", _params)
VARIABLES: Final[dict[str, Value]] = {
    "tool": lambda subject: _text(subject.tool),
    "args": _remembered("args", _args),
    "method": lambda subject: _text(subject.method),
    "params": _request_params,
    "result": _remembered("result", _result),
    "error": _remembered("error", _error),
    "direction": lambda subject: subject.dir,
    "client": lambda subject: _name(subject.client_names),
    "caller": lambda subject: _text(getattr(subject, "caller", "")),
    "server": lambda subject: _name(subject.server_names),
    "session": lambda subject: _name(subject.session_names),
}
