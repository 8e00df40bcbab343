"""The person's own editor on a text of ours: a private file, the terminal lent to it, the file removed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import private_dir, runtime_dir

VARIABLES = ("MCPSCOPE_EDITOR", "VISUAL", "EDITOR")
FALLBACKS = ("sensible-editor", "nano", "vim", "vi")
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")


def command(environment: Mapping[str, str]) -> list[str]:
    """The editor's command; raises ScopeError where there is none."""
    for name in VARIABLES:
        words = _words(environment.get(name, ""))
        if words:
            if shutil.which(words[0]) is None:
                raise _none(f"${name} names {words[0]!r}, which is not there")
            return words
    for name in FALLBACKS:
        if shutil.which(name):
            return [name]
    raise _none("there is no editor")


def edited(
    app: App[Any], text: str, name: str, schema: Mapping[str, Any] | None, *, suffix: str = ".json"
) -> str | None:
    """``text`` as the person left it; None where nothing changed or the editor failed.

    The UI waits meanwhile; proxies are other processes and do not. Raises ScopeError.
    """
    argv = command(os.environ)
    folder = Path(tempfile.mkdtemp(prefix="edit-", dir=private_dir(runtime_dir())))
    try:
        path = folder / f"mcpscope-{_STRANGE.sub('_', name)[:80].strip('_')}{suffix}"
        _write(path, text + "\n")
        environment = dict(os.environ)
        if schema is not None:
            environment["MCPSCOPE_SCHEMA"] = str(folder / "schema.json")
            _write(folder / "schema.json", json.dumps(schema, indent=2) + "\n")
        if _run(app, [*argv, str(path)], environment) != 0:
            return None
        found = path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise _none(f"the editor could not be used: {error.strerror}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        app.refresh(layout=True)
    return None if found.rstrip() == text.rstrip() else found.rstrip("\n")


def _run(app: App[Any], argv: list[str], environment: dict[str, str]) -> int:
    # Ctrl-C belongs to the editor; a handler of ours, unlike SIG_IGN, is not inherited by it.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        with app.suspend():
            return subprocess.run(argv, env=environment, check=False).returncode
    except SuspendNotSupported:
        raise _none("there is no terminal to lend to an editor") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return [line]


def _none(text: str) -> ScopeError:
    return ScopeError(text, code="no_editor", exit=Exit.USAGE, hint="set MCPSCOPE_EDITOR, VISUAL or EDITOR")
