"""Values taken out of a body: decoded strings, bytes written to files, media given to the system's viewer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mcpscope.engine.filter.completion import quote
from mcpscope.paths import private_dir, runtime_dir
from mcpscope.tui.present import figures
from mcpscope.tui.present.content import Block, decoded
from mcpscope.tui.present.jsonindex import JsonIndex


def string_value(index: JsonIndex, line: int) -> str:
    """The value on a line: a JSON string decoded, anything else as it stands."""
    text = index.value(line)
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text


_ROOTS = (
    ("$.params.arguments", "args"),
    ("$.params._meta", "meta"),
    ("$.result._meta", "meta"),
    ("$.params", "params"),
    ("$.result", "result"),
    ("$.error", "error"),
)


def filter_term(path: str, value: str) -> str:
    """``args.limit=5`` for a plain value at a JSON path; empty for containers and for what has no name."""
    if value[:1] in ("{", "["):
        return ""
    for root, name in _ROOTS:
        rest = path.removeprefix(root)
        if rest != path and rest[:1] in (".", "["):
            shown = quote(json.loads(value)) if value.startswith('"') and value.endswith('"') else value
            return f"{name}{rest}={shown}"
    return ""


def saved(path: str, source: bytes, media: tuple[JsonIndex, int] | None) -> str:
    """Write a body, or the decoded bytes of a media value, to a new file; returns what to say of it."""
    try:
        data = decoded(*media) if media is not None else source
        target = Path(path).expanduser()
        fd = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
    except FileExistsError:
        return f"{path} exists already, nothing was written"
    except OSError as error:
        return f"{path} could not be written: {error.strerror}"
    except ValueError:
        return "the base64 is broken, nothing was written"
    return f"{figures.long_size(len(data))} written to {target}"


def outside(index: JsonIndex, line: int, block: Block) -> str:
    """Give a media value to the system's viewer; returns what to say of it."""
    opener = "open" if sys.platform == "darwin" else shutil.which("xdg-open")
    if opener is None:
        return "there is no viewer here (xdg-open); w saves it"
    try:
        data = decoded(index, line)
        folder = private_dir(runtime_dir())
        with tempfile.NamedTemporaryFile("wb", suffix=block.suffix, dir=folder, delete=False) as file:
            file.write(data)
        subprocess.Popen(
            [opener, file.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        return f"it could not be opened: {error}"
    return f"given to {Path(opener).name}"
