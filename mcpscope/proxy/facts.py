"""What a proxy says about itself, in JSON: the session's first record and the registry entry.

``json`` is not imported: it costs 5 ms and these are flat objects of a few values.
"""

from __future__ import annotations

import os

try:
    from _json import encode_basestring_ascii as _quote
except ImportError:  # an interpreter without the accelerator
    from json.encoder import encode_basestring_ascii as _quote

Value = str | int | bool | list[str] | None

LAUNCHERS = frozenset(
    {"npx", "bunx", "uvx", "node", "bun", "deno", "python", "python3", "uv", "pipx", "pnpm"}
)


def to_json(values: dict[str, Value]) -> bytes:
    """A flat JSON object; bytes of an argument that are not UTF-8 appear as escapes."""
    return ("{" + ",".join(f"{_string(key)}:{_value(value)}" for key, value in values.items()) + "}").encode()


def default_label(command: list[str]) -> str:
    """The command's own name, or what a launcher such as npx is told to start."""
    name = os.path.basename(command[0])
    if name in LAUNCHERS:
        for word in command[1:]:
            if word in ("-c", "-e"):
                break
            if not word.startswith("-") and word not in ("run", "exec", "x", "dlx", "tool"):
                return os.path.basename(word.rstrip("/")) or name
    return name


def _value(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    return "[" + ",".join(map(_string, value)) + "]"


def _string(text: str) -> str:
    return _quote(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
