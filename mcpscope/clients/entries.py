"""One server in a client's configuration: what it starts, and the edits that put mcpscope in between.

Dialects differ in the words: a command with arguments, one array of both, ``cmd`` (Goose), a command with a
path in it (older Zed); remote servers under ``url``, ``serverUrl``, ``httpUrl`` or ``uri``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from mcpscope.clients.tree import ARRAY, OBJECT, SCALAR, Node

HEADERS_VARIABLE = "MCPSCOPE_HEADERS"
_URLS = ("httpUrl", "serverUrl", "url", "uri")
_HEADERS = ("headers", "http_headers")
_ENVIRONMENTS = ("env", "environment", "envs")
_PROGRAMS = ("command", "cmd")
_PACKAGES = frozenset({"mcpscope", "mcpscope-proxy"})

Edit = tuple[int, int, str]
"""Start, end, and what stands there instead."""


class NotWrappable(Exception):
    """This entry is left as it is; says why."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A server that is started: the program and its arguments."""

    command: str
    args: list[str]

    @property
    def is_ours(self) -> bool:
        """Whether mcpscope is what is started, directly or by a launcher such as uvx."""
        words = [PurePath(word).stem for word in (self.command, *self.args[:3])]
        before = words.index("--") if "--" in words else len(words)
        return any(word in _PACKAGES for word in words[:before])


@dataclass(frozen=True, slots=True)
class Remote:
    """A server that is reached: its URL and the headers sent with each request."""

    url: str
    headers: dict[str, str]
    transport: str


@dataclass(slots=True)
class Entry:
    """The server called ``name`` under ``path`` of a file; ``language`` is json, toml or yaml.

    ``url_is_sse`` tells what the client takes a bare ``url`` for.
    """

    name: str
    path: tuple[str, ...]
    node: Node
    text: str
    language: str
    url_is_sse: bool = False

    @property
    def source(self) -> str:
        """The entry as it is written."""
        return self.text[self.node.start : self.node.end]

    @property
    def disabled(self) -> bool:
        plain = self.node.plain()
        return plain.get("disabled") is True or plain.get("enabled") is False

    @property
    def launch(self) -> Launch | None:
        """What it starts, None for a remote server or a shape that is not known."""
        holder, name = self.program()
        if holder is None:
            return None
        program = holder.members[name]
        words = program.plain()
        if program.kind == ARRAY:
            return Launch(words[0], words[1:]) if words and _are_texts(words) else None
        found = holder.members.get("args")
        args = found.plain() if found is not None else []
        return Launch(words, args) if type(words) is str and type(args) is list and _are_texts(args) else None

    @property
    def remote(self) -> Remote | None:
        """What it reaches, None for a server that is started."""
        members = self.node.members
        named = next((name for name in _URLS if name in members), None)
        if named is None or type(members[named].value) is not str:
            return None
        held: Any = next((members[name].plain() for name in _HEADERS if name in members), {})
        headers = {str(name): str(value) for name, value in held.items()} if type(held) is dict else {}
        said = str(members["type"].value) if "type" in members else ""
        sse = said == "sse" or (named == "url" and not said and self.url_is_sse)
        return Remote(members[named].value, headers, "sse" if sse else "http")

    def wrapped(self, program: list[str], label: str) -> list[Edit]:
        """The edits that put ``program`` (mcpscope) in front; raises NotWrappable."""
        launch, remote = self.launch, self.remote
        if launch is not None:
            if launch.is_ours:
                raise NotWrappable("already runs mcpscope")
            return self.set_launch([*program, "--label", label, "--", launch.command, *launch.args])
        if remote is not None:
            return self._bridged(program, label, remote)
        raise NotWrappable("neither a command nor a URL that is understood")

    def set_launch(self, words: list[str]) -> list[Edit]:
        """The edits after which the entry starts ``words``."""
        holder, name = self.program()
        assert holder is not None
        program = holder.members[name]
        if program.kind == ARRAY:
            return [(program.start, program.end, self.spelled(words))]
        edits = [(program.start, program.end, self.spelled(words[0]))]
        args = holder.members.get("args")
        if args is not None and self.text[args.start : args.start + 1] == "-":
            # A YAML block: its lines may stand no deeper than the name, where no other form can.
            edits.append((*self.slot(holder, "args"), f" {self.spelled(words[1:])}"))
        elif args is not None:
            edits.append((args.start, args.end, self.spelled(words[1:])))
        elif words[1:]:
            edits.append(
                (program.end, program.end, self._added(holder, holder.keys[name], "args", words[1:]))
            )
        return edits

    def program(self) -> tuple[Node | None, str]:
        """The object that names the program, and the member's name."""
        for name in _PROGRAMS:
            found = self.node.members.get(name)
            if found is None:
                continue
            if found.kind == OBJECT:
                return (found, "path") if "path" in found.members else (None, "")
            return self.node, name
        return None, ""

    def spelled(self, value: Any) -> str:
        """``value`` in the language of the file; JSON's own form is good YAML, and but for DEL good TOML."""
        if self.language == "toml" and type(value) is dict:
            members = ", ".join(
                f"{json.dumps(name)} = {self.spelled(inner)}" for name, inner in value.items()
            )
            return f"{{{members}}}"
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    def _bridged(self, program: list[str], label: str, remote: Remote) -> list[Edit]:
        node = self.node
        if any(name in node.members for name in _ENVIRONMENTS):
            raise NotWrappable("a remote server with an environment of its own")
        if self.language == "toml" and any(
            name in node.members and name not in node.keys for name in _HEADERS
        ):
            raise NotWrappable("its headers are in a table of their own")
        if any(name in node.members for name in ("bearer_token_env_var", "env_http_headers", "oauth")):
            raise NotWrappable("the client adds the credentials itself")
        args = ["proxy", "--stdio", "--label", label, "--transport", remote.transport, remote.url]
        words = [*program, *args]
        url = next(name for name in _URLS if name in node.members)
        start, end = node.keys[url], node.members[url].end
        array = self._is_opencode
        first, rest = ("cmd" if self._is_goose else "command"), words[1:]
        edits = [
            (start, end, self._member(first, words) if array else self._member(first, words[0])),
        ]
        if not array:
            edits.append((end, end, self._added(node, start, "args", rest)))
        if "type" in node.members:
            kind = node.members["type"]
            edits.append((kind.start, kind.end, self.spelled("local" if array else "stdio")))
        held = next((name for name in _HEADERS if name in node.members), None)
        if held is not None:
            lines = "\n".join(f"{name}: {value}" for name, value in remote.headers.items())
            env = "environment" if array else "envs" if self._is_goose else "env"
            text = self._member(env, {HEADERS_VARIABLE: lines})
            edits.append((node.keys[held], node.members[held].end, text))
        return edits

    def slot(self, holder: Node, name: str) -> tuple[int, int]:
        """Where a member's value is written; in YAML from its colon on, for a block stands on lines below."""
        node = holder.members[name]
        start = node.start
        if self.language == "yaml":
            start = self.text.index(":", holder.keys[name]) + 1
        return start, node.end

    def _member(self, name: str, value: Any) -> str:
        return {
            "json": f"{json.dumps(name)}: {self.spelled(value)}",
            "toml": f"{name} = {self.spelled(value)}",
            "yaml": f"{name}: {self.spelled(value)}",
        }[self.language]

    def _added(self, holder: Node, key_at: int, name: str, value: Any) -> str:
        """A member that is put right behind the value of the one whose name begins at ``key_at``."""
        member = self._member(name, value)
        if holder.insert < 0:
            return f", {member}"
        line = self.text.rfind("\n", 0, key_at) + 1
        newline = "\r\n" if "\r\n" in self.text else "\n"
        indent = self.text[line:key_at]
        # The first member of a list's item stands behind its dash.
        return f"{newline}{''.join(char if char.isspace() else ' ' for char in indent)}{member}"

    @property
    def _is_opencode(self) -> bool:
        return "mcp" in self.path and str(self.node.members.get("type", _NOTHING).value) in (
            "remote",
            "local",
        )

    @property
    def _is_goose(self) -> bool:
        return "extensions" in self.path


_NOTHING = Node(SCALAR, 0, 0)


def _are_texts(words: list[Any]) -> bool:
    return all(type(word) is str for word in words)


def edited(text: str, edits: list[Edit]) -> str:
    """``text`` with the edits made; those at one place in the order given."""
    for start, end, new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[:start] + new + text[end:]
    return text
