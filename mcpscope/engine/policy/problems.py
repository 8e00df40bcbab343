"""What is wrong with a policy, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcpscope.errors import Exit, ScopeError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem; ``line`` and ``column`` count from 1."""

    line: int
    column: int
    text: str
    file: str = ""

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}"
        return f"{self.file}:{place}: {self.text}" if self.file else f"{place}: {self.text}"


class PolicyError(ScopeError):
    """A policy that cannot be loaded, with all that is wrong with it."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = sorted(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(
            f"the policy {file or 'given'} has {count}\n{lines}",
            code="bad_policy",
            exit=Exit.POLICY,
            hint=f"mcpscope rules check {file}" if file else "",
        )
