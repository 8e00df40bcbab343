"""One finding, and where it was made."""

from __future__ import annotations

from dataclasses import dataclass

from mcpscope.lint.rules import RULES, Rule, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """``side`` is who is at fault: client or server. ``about`` is the tool or method, ``text`` what exactly.

    ``message`` is the id of the recorded message and ``exchange`` that of what it belongs to, 0 for none.
    """

    code: str
    side: str
    text: str
    about: str = ""
    message: int = 0
    exchange: int = 0

    @property
    def rule(self) -> Rule:
        return RULES[self.code]

    @property
    def severity(self) -> Severity:
        return self.rule.severity
