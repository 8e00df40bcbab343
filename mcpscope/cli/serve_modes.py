"""What ``mcpscope serve`` was asked for, in the words of VCR.py: which modes play, record, and reach out."""

from __future__ import annotations

import os
from dataclasses import dataclass

MODES = ("none", "once", "new", "all", "rewrite")


def default_mode() -> str:
    """In CI nothing is recorded unasked."""
    return "none" if os.environ.get("CI", "") not in ("", "0", "false") else "once"


@dataclass(frozen=True, slots=True)
class Wanted:
    """``target`` are the words of a command or one URL; ``passing`` a filter of what is not played."""

    mode: str
    target: list[str]
    passing: str | None = None
    no_repeat: bool = False
    steady: bool = False
    with_secrets: bool = False
    speed: float | None = None
    expires: str = ""

    @property
    def may_record(self) -> bool:
        return self.mode != "none"

    @property
    def only_records(self) -> bool:
        """Whether nothing is played, whatever is there."""
        return self.mode in ("all", "rewrite")

    @property
    def reaches_server(self) -> bool:
        """Whether a client of a recording that is there may come through to the real server."""
        return self.mode == "new" or (self.mode == "once" and bool(self.passing))
