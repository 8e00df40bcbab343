"""What is left of a crash: one sentence, and a report without a single value in it."""

from __future__ import annotations

import os
import platform
import time
import traceback
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from textual.worker import WorkerFailed

from mcpscope.paths import private_dir, state_dir


@dataclass(frozen=True, slots=True)
class CrashReport:
    """``path`` None: it could not be written."""

    sentence: str
    path: Path | None

    @classmethod
    def of(cls, error: BaseException | None) -> CrashReport:
        """Write the report: where it happened and what kind of error; no messages, no locals, no payloads."""
        if isinstance(error, WorkerFailed):
            error = error.error
        path = _write(_report(error))
        where = f"; the report is {path}" if path else ""
        kind = type(error).__name__ if error is not None else "an error"
        return cls(f"mcpscope ui stopped on {kind}; proxies and recordings go on{where}", path)


def _report(error: BaseException | None) -> str:
    lines = [f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"]
    for package in ("mcpscope-proxy", "textual"):
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package} not installed")
    while error is not None:
        lines += ["", f"{type(error).__module__}.{type(error).__qualname__}"]
        for frame in traceback.extract_tb(error.__traceback__):
            lines.append(f"  {frame.filename}:{frame.lineno} in {frame.name}")
        error = error.__cause__ or error.__context__
    return "\n".join(lines) + "\n"


def _write(text: str) -> Path | None:
    try:
        folder = private_dir(state_dir() / "crashes")
        path = folder / f"ui-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    return path
