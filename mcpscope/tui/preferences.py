"""How a person wants the UI: from the configuration file, and by ``:set`` while it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcpscope.errors import Exit, ScopeError
from mcpscope.tui import actions, later, theming
from mcpscope.tui.action import key_name
from mcpscope.tui.keymap import Keymap, key_of

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

    from mcpscope.engine.policy.nodes import Reader

WORDS: dict[str, tuple[str, ...]] = {
    "theme": theming.NAMES,
    "ascii": ("on", "off"),
    "images": ("off", "auto"),
    "hold.jump": ("never", "auto"),
    "hold.bell": ("on", "off"),
    "hold.freeze": ("off", "session"),
}
"""Every setting with the values it can have; the first is the usual one but for ``hold.bell``."""

USUAL = {
    "theme": theming.AUTO,
    "ascii": "off",
    "images": "off",
    "hold.jump": "never",
    "hold.bell": "on",
    "hold.freeze": "off",
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """``said`` are the settings that somebody chose."""

    said: Mapping[str, str] = field(default_factory=dict)
    keymap: Keymap = field(default_factory=Keymap)

    def __getitem__(self, name: str) -> str:
        return self.said.get(name, USUAL[name])

    def changed(self, name: str, value: str) -> Preferences:
        """The same with another value."""
        return replace(self, said={**self.said, name: value})


def config_file(named: str | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """The file that was named, else ``$MCPSCOPE_CONFIG``, else the person's own."""
    base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(named or environment.get("MCPSCOPE_CONFIG") or f"{base}/mcpscope/config.yaml").expanduser()


def read(path: Path, *, demanded: bool = False) -> Preferences:
    """What ``path`` says under ``ui:`` and ``keys:``; raises ScopeError with file and line of each problem.

    A file that is not there says nothing, unless it was ``demanded``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not demanded:
            return Preferences()
        raise _refused(path, ["it is not there"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, [getattr(error, "strerror", None) or "it is no text in UTF-8"]) from None
    reader = later.nodes.Reader(str(path))
    says_something = any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())
    found = _document(reader, text) if says_something else Preferences()
    if reader.problems:
        raise _refused(path, [str(problem) for problem in sorted(reader.problems)])
    return found


def _refused(path: Path, problems: list[str]) -> ScopeError:
    return ScopeError(
        f"the configuration {path} cannot be used\n" + "\n".join(f"  {problem}" for problem in problems),
        code="bad_config",
        exit=Exit.POLICY,
        hint="mend it, or name another file behind --config",
    )


def _document(reader: Reader, text: str) -> Preferences:
    top = reader.document(text)
    if top is None:
        return Preferences()
    members = reader.named(top, "the configuration")
    said = {}
    for name, node in reader.members(members["ui"], tuple(WORDS), "ui").items() if "ui" in members else ():
        value = reader.plain(node)
        value = {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
        if isinstance(value, str) and value in WORDS[name]:
            said[name] = value
        else:
            reader.word(node, f"ui {name}", WORDS[name])
    return Preferences(said, _keys(reader, members))


def _keys(reader: Reader, members: dict[str, Node]) -> Keymap:
    if "keys" not in members:
        return Keymap()
    ids = sorted({action.id for action in actions.ACTIONS})
    nodes = reader.members(members["keys"], ids, "keys")
    bound: dict[str, tuple[str, ...]] = {}
    for name, node in nodes.items():
        keys = []
        for text, item in reader.texts(node, f"the key of {name}"):
            key = key_of(text)
            if not key:
                reader.problem(item, f"{text!r} is no key; try F, /, space, ctrl+x or f5")
            elif key == "escape" and name not in ("back", "edit.leave"):
                reader.problem(item, "Esc goes back and does nothing else")
            else:
                keys.append(key)
        if keys:
            bound[name] = tuple(dict.fromkeys(keys))
        elif not node.value:
            reader.problem(node, f"{name} needs a key")
    keymap = Keymap(bound)
    told = set()
    for key, name, other, place in keymap.clashes():
        if (key, name, other) not in told:
            told.add((key, name, other))
            shown = key_name(key)
            reader.problem(nodes[name], f"{shown} is {other} in {place}, too; bind that to another key")
    return keymap
