"""What a verification says: per session what is not as it was sealed, and what the whole database lacks."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not as it was sealed: ``kind`` of row, its ``id`` (0: the session as a whole), and how."""

    kind: str
    id: int
    what: str

    @property
    def text(self) -> str:
        place = f"{self.kind} {self.id}" if self.id else self.kind
        return f"{place}: {self.what}"


@dataclass(slots=True)
class Checked:
    """One session. ``end`` is ``sealed``, or ``open`` where its recorder has not come to the end."""

    session_id: int
    uid: str = ""
    label: str = ""
    policy: str = ""
    end: str = "open"
    end_reason: str = ""
    journal: str = ""
    seals: int = 0
    rows: int = 0
    last_id: int = 0
    head: str = ""
    findings: list[Finding] = field(default_factory=list)
    other_key: bool = False

    @property
    def intact(self) -> bool:
        return not self.findings

    def add(self, kind: str, id: int, what: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(kind, id, what))


@dataclass(slots=True)
class Audit:
    """A database: its sessions under a policy, the uids of those gone, what SQLite says of the file."""

    checked: list[Checked]
    missing: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not (self.missing or self.damage) and all(one.intact for one in self.checked)
