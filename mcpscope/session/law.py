"""The policy files of one proxy: read before anything starts, in force over all its sessions, followed live.

A file that has become wrong changes nothing: the rules that were in force stay, and everybody is told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from mcpscope.engine.policy.load import ORIGIN, Policy, in_force, load
from mcpscope.engine.policy.nodes import MAX_BYTES
from mcpscope.engine.policy.problems import PolicyError, Problem
from mcpscope.engine.rule import Rule
from mcpscope.engine.steering import Steering, certain
from mcpscope.errors import Exit, ScopeError
from mcpscope.session.counting import count
from mcpscope.session.redacting import Redactor
from mcpscope.transports.loop import Loop

LOOK_SECONDS = 0.5
"""A file is taken over when it has not changed between two looks: half a file is no law."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which server and which caller ("" for all) a policy is about."""

    server: str = ""
    caller: str = ""


Stamp = tuple[int, int, int]
Prepare: TypeAlias = Callable[[Sequence[Policy]], Callable[[], None]]


def read_policies(paths: Sequence[str]) -> list[Policy]:
    """All files; raises ScopeError for one that cannot be read, PolicyError for those that are wrong."""
    found: list[Policy] = []
    names: list[str] = []
    problems: list[PolicyError] = []
    for path in paths:
        try:
            policy = load(_text(path), path, taken=names)
        except PolicyError as error:
            problems.append(error)
            continue
        found.append(policy)
        names += [rule.name for rule in policy.rules]
    if problems:
        raise PolicyError(problems[0].file, [each for error in problems for each in error.problems])
    return found


class Law:
    """``paths`` in force over ``steering``; ``tell`` hears (kind, text) of every reload, good or not.

    ``preparing`` are asked before changed files come into force: each may raise ScopeError, else it gives
    what is to be done then. ``shadow`` records what the rules would do and does nothing else.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        shadow: bool = False,
        scopes: Mapping[str, Sequence[Scope]] | None = None,
    ) -> None:
        """Reads and checks the files; raises ScopeError before anything is started.

        ``scopes`` narrow some of ``paths``; each of these has its say, and one refusal is enough.
        """
        self.paths = list(paths)
        self.scopes = dict(scopes or {})
        self.shadow = shadow
        self._stamps = [_stamp(path) for path in self.paths]
        self.policies = read_policies(self.paths)
        self.fault = ""
        self.preparing: list[Prepare] = []
        self.redactor: Redactor | None = None

    def __repr__(self) -> str:
        return f"<Law {', '.join(self.paths)} rules={len(self.rules)}{' WRONG' if self.fault else ''}>"

    @property
    def rules(self) -> list[Rule]:
        """The rules as they are put into force."""
        found = in_force([policy for policy in self.policies if policy.file not in self.scopes])
        for policy in self.policies:
            for scope in self.scopes.get(policy.file, ()):
                found += [_within(rule, policy.file, scope) for rule in in_force([policy])]
        return [replace(rule, shadow=True) for rule in found] if self.shadow else found

    @property
    def digest(self) -> str:
        """What names this policy in an audit trail: the digests of its files."""
        return " ".join(policy.digest[:16] for policy in self.policies)

    def put_in_force(self, steering: Steering) -> None:
        """Replace the policy's rules in ``steering``; with a policy nothing of two readings passes."""
        if self.redactor is not None:
            redactor = self.redactor
            redactor.obey([text for policy in self.policies for text in policy.redact])
            redactor.alias = lambda name: _own_name(steering, name)
            steering.redact(redactor.message, by_place=bool(redactor.places))
        if not self.shadow:
            steering.strict = certain
            everywhere = [policy for policy in self.policies if policy.file not in self.scopes]
            steering.view.obey([glob for policy in everywhere for glob in policy.hide])
        steering.rules.replace_origin(ORIGIN, self.rules)
        count(steering)

    def follow(self, loop: Loop, steering: Steering, tell: Callable[[str, str], None]) -> None:
        """Look at the files again and again, and take over what has changed."""
        seen = list(self._stamps)

        def look() -> None:
            stamps = [_stamp(path) for path in self.paths]
            if stamps != self._stamps and stamps == seen:
                self._stamps = stamps
                tell(*self._reload(steering))
            seen[:] = stamps
            loop.call_later(LOOK_SECONDS, look)

        loop.call_later(LOOK_SECONDS, look)

    def _reload(self, steering: Steering) -> tuple[str, str]:
        """Kind and text of what is to be told about it."""
        try:
            policies = read_policies(self.paths)
            prepared = [prepare(policies) for prepare in self.preparing]
        except Exception as error:  # whatever is wrong with a file, the old law stands
            self.fault = (
                error.message if isinstance(error, ScopeError) else f"{type(error).__name__}: {error}"
            )
            text = f"the changed policy is not taken, the old one stays in force: {self.fault}"
            return "policy-refused", text
        self.policies, self.fault = policies, ""
        for step in prepared:
            step()
        self.put_in_force(steering)
        count = f"{len(self.rules)} rule" + ("s" if len(self.rules) != 1 else "")
        return "policy-loaded", f"policy loaded: {count}, digest {self.digest}"


def _within(rule: Rule, file: str, scope: Scope) -> Rule:
    about = scope.server or scope.caller
    name = f"{rule.name} ({about})"
    return replace(rule, name=name, chapter=f"{file} {about}", server=scope.server, caller=scope.caller)


def _own_name(steering: Steering, name: str) -> str:
    """The server's name of a tool that clients may know under another."""
    return next((own for own, face in steering.view.faces.items() if face.name == name), name)


def _text(path: str) -> str:
    try:
        # Without O_NONBLOCK a named pipe that nobody writes would wait here for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _unreadable(path, "not a file")
            _trusted(path, found)
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        if len(data) > MAX_BYTES:
            return before.decode()
        column = len(before.rpartition(b"\n")[2].decode()) + 1
        text = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8"
        raise PolicyError(path, [Problem(before.count(b"\n") + 1, column, text, path)]) from None


def _trusted(path: str, found: os.stat_result) -> None:
    """A law that anybody can write is none."""
    if found.st_mode & stat.S_IWOTH:
        raise ScopeError(
            f"the policy {path} can be written by everybody",
            code="unsafe_policy",
            exit=Exit.POLICY,
            hint=f"chmod o-w {path}",
        )


def _unreadable(path: str, why: str) -> ScopeError:
    return ScopeError(
        f"the policy {path} cannot be read: {why}",
        code="no_policy",
        exit=Exit.POLICY,
        hint="name a file that is there",
    )


def _stamp(path: str) -> Stamp:
    try:
        found = Path(path).stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
