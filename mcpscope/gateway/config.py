"""The gateway's file: its upstreams, its callers and their policies, read with all problems at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml.nodes import Node

from mcpscope.engine.policy.nodes import Reader
from mcpscope.engine.policy.problems import Problem
from mcpscope.errors import Exit, ScopeError

SEPARATOR = "__"
START_SECONDS = 10.0
PROCESSES = 128

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_TAKEN = frozenset({"mcp"})
_TOP = ("version", "upstreams", "callers", "policy", "prefix", "separator", "start_timeout", "label")
_UPSTREAM = (
    *("command", "env", "cwd", "url", "headers", "transport", "ca_file", "insecure"),
    *("policy", "hide", "only", "prefix", "processes"),
)
_OF_COMMAND = ("env", "cwd", "processes")
_OF_URL = ("headers", "transport", "ca_file", "insecure")


@dataclass(frozen=True, slots=True)
class Spec:
    """One upstream: ``command`` or ``url``. ``prefix`` stands before its names in the merged lists.

    Values of ``env`` and ``headers`` may hold references to secrets. ``processes`` is how many of its
    processes may run at once, one a session.
    """

    name: str
    prefix: str
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    cwd: str | None = None
    url: str = ""
    headers: tuple[str, ...] = ()
    transport: str = ""
    ca_file: str = ""
    insecure: bool = False
    policy: str = ""
    hide: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    processes: int = PROCESSES

    @property
    def target(self) -> str:
        """What it is, for people: the program's name or the URL without its query."""
        return self.command[0] if self.command else self.url.partition("?")[0]


@dataclass(frozen=True, slots=True)
class CallerSpec:
    """Who may come in with ``bearer``: to which upstreams (None: all), seeing what."""

    name: str
    bearer: str
    upstreams: frozenset[str] | None = None
    hide: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file; paths in it are absolute."""

    upstreams: tuple[Spec, ...]
    callers: dict[str, CallerSpec] = field(default_factory=dict)
    policies: tuple[str, ...] = ()
    start_seconds: float = START_SECONDS
    label: str = "gateway"


class ConfigError(ScopeError):
    """A gateway's file that cannot be used, with all that is wrong with it."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  {problem}" for problem in sorted(problems))
        super().__init__(
            f"the gateway's file {file} has {count}\n{lines}", code="bad_gateway", exit=Exit.POLICY
        )


def read_config(path: str) -> Config:
    """Read the file; raises ConfigError with every problem, ScopeError where it cannot be read at all."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ScopeError(
            f"the gateway's file {path} cannot be read: {why}",
            code="no_gateway",
            exit=Exit.POLICY,
            hint="mcpscope gateway CONFIG.yaml",
        ) from None
    return load_config(text, path)


def load_config(text: str, path: str = "gateway.yaml") -> Config:
    """The configuration that ``text`` is; its relative paths are relative to the folder of ``path``."""
    reader = Reader(path)
    top = reader.document(text)
    if top is None:
        raise ConfigError(path, reader.problems)
    loading = _Loading(reader, Path(path).absolute().parent)
    found = loading.config(top)
    if reader.problems:
        raise ConfigError(path, reader.problems)
    return found


class _Loading:
    """The reading of one file."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self._reader = reader
        self._folder = folder
        self._separator = SEPARATOR
        self._prefixed = True

    def config(self, top: Node) -> Config:
        reader = self._reader
        members = reader.members(top, _TOP, "a gateway")
        if "version" not in members:
            reader.problem(top, "a gateway needs version: 1")
        elif reader.plain(members["version"]) not in (1, "1"):
            reader.problem(members["version"], f"version must be 1, not {reader.plain(members['version'])!r}")
        if "separator" in members:
            self._separator = reader.text(members["separator"], "separator") or ""
        if "prefix" in members:
            self._prefixed = reader.truth(members["prefix"], "prefix") is not False
        upstreams = self._upstreams(top, members)
        callers = self._callers(members, {spec.name for spec in upstreams})
        policies = self._texts(members, "policy")
        start = START_SECONDS
        if "start_timeout" in members:
            start = (reader.duration(members["start_timeout"], "start_timeout") or 0) / 1e9
        label = reader.text(members["label"], "label") if "label" in members else ""
        return Config(
            upstreams, callers, tuple(self._path(text) for text in policies), start, label or "gateway"
        )

    def _upstreams(self, top: Node, members: dict[str, Node]) -> tuple[Spec, ...]:
        reader = self._reader
        if "upstreams" not in members:
            reader.problem(top, "a gateway needs upstreams")
            return ()
        named = reader.named(members["upstreams"], "upstreams")
        if not named and not reader.problems:
            reader.problem(members["upstreams"], "upstreams names none")
        return tuple(self._upstream(name, node) for name, node in named.items())

    def _upstream(self, name: str, node: Node) -> Spec:
        reader = self._reader
        what = f"the upstream {name}"
        if not _NAME.fullmatch(name) or name in _TAKEN:
            reader.problem(node, f"{name!r} cannot name an upstream: letters, digits, - and _, and not mcp")
        members = reader.members(node, _UPSTREAM, what)
        if ("command" in members) == ("url" in members):
            reader.problem(node, f"{what} needs either a command or a url")
        wrong = _OF_URL if "command" in members else _OF_COMMAND
        for key in wrong:
            if key in members:
                reader.problem(members[key], f"{key} is not for {what}, which is no {_other(members)}")
        command = self._texts(members, "command")
        if "command" in members and (not command or not command[0]):
            reader.problem(members["command"], f"{what}: command needs a program and its arguments")
        return Spec(
            name=name,
            prefix=self._prefix(name, members),
            command=tuple(command),
            env=tuple(f"{key}={value}" for key, value in self._pairs(members, "env")),
            cwd=self._path(self._text(members, "cwd")) if "cwd" in members else None,
            url=self._text(members, "url"),
            headers=tuple(f"{key}: {value}" for key, value in self._pairs(members, "headers")),
            transport=self._word(members, "transport", ("http", "sse")),
            ca_file=self._path(self._text(members, "ca_file")) if "ca_file" in members else "",
            insecure=bool("insecure" in members and reader.truth(members["insecure"], "insecure")),
            policy=self._path(self._text(members, "policy")) if "policy" in members else "",
            hide=tuple(self._texts(members, "hide")),
            only=tuple(self._texts(members, "only")),
            processes=self._count(members),
        )

    def _prefix(self, name: str, members: dict[str, Node]) -> str:
        if "prefix" in members:
            plain = self._reader.plain(members["prefix"])
            if plain is False or plain == "":
                return ""
            if plain is True:
                return name + self._separator
            return self._text(members, "prefix") + self._separator
        return name + self._separator if self._prefixed else ""

    def _callers(self, members: dict[str, Node], known: set[str]) -> dict[str, CallerSpec]:
        reader = self._reader
        found: dict[str, CallerSpec] = {}
        tokens: dict[str, str] = {}
        named = reader.named(members["callers"], "callers") if "callers" in members else {}
        for name, node in named.items():
            parts = reader.members(
                node, ("bearer", "upstreams", "hide", "only", "policy"), f"the caller {name}"
            )
            token = self._text(parts, "bearer")
            if not token:
                reader.problem(node, f"the caller {name} needs a bearer token")
            elif token in tokens:
                reader.problem(node, f"the callers {tokens[token]} and {name} have the same token")
            tokens[token] = name
            allowed = None
            if "upstreams" in parts:
                allowed = frozenset(self._texts(parts, "upstreams"))
                for other in sorted(allowed - known):
                    reader.problem(parts["upstreams"], f"there is no upstream {other!r}")
            found[name] = CallerSpec(
                name,
                token,
                allowed,
                tuple(self._texts(parts, "hide")),
                tuple(self._texts(parts, "only")),
                self._path(self._text(parts, "policy")) if "policy" in parts else "",
            )
        return found

    def _text(self, members: dict[str, Node], key: str) -> str:
        return (self._reader.text(members[key], key) or "") if key in members else ""

    def _texts(self, members: dict[str, Node], key: str) -> list[str]:
        return [text for text, _ in self._reader.texts(members[key], key)] if key in members else []

    def _word(self, members: dict[str, Node], key: str, words: tuple[str, ...]) -> str:
        return (self._reader.word(members[key], key, words) or "") if key in members else ""

    def _pairs(self, members: dict[str, Node], key: str) -> list[tuple[str, str]]:
        if key not in members:
            return []
        named = self._reader.named(members[key], key)
        return [(name, self._reader.text(node, f"{key} {name}") or "") for name, node in named.items()]

    def _count(self, members: dict[str, Node]) -> int:
        if "processes" not in members:
            return PROCESSES
        return int(self._reader.number(members["processes"], "processes", low=1, high=4096) or PROCESSES)

    def _path(self, text: str) -> str:
        return str(self._folder / Path(text).expanduser()) if text else ""


def _other(members: dict[str, Node]) -> str:
    return "URL" if "command" in members else "command"
