"""One rule of a policy's text added, changed, switched, moved or taken out; no other line changes.

The text is cut at the marks that the YAML parser gives; the comments right above a rule are its own.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from mcpscope.engine.policy.load import load
from mcpscope.engine.policy.problems import PolicyError, Problem

LINE_WIDTH = 4096
"""Wide enough that no line of the user's is folded."""
FLOW_CHARACTERS = 100
EMPTY = "version: 1\n"


class _Part(NamedTuple):
    """The lines of one rule: ``top`` where its comments begin, ``start`` its own first, ``end`` behind it."""

    top: int
    start: int
    end: int


def with_rule(text: str, rule: Mapping[str, Any], file: str = "", *, first: bool = False) -> str:
    """``text`` with ``rule`` behind its rules, or before them; raises PolicyError where either is wrong."""
    load(text, file)
    parts = _parts(text)
    if not parts:
        return _checked(_in_tree(text, rule), file)
    lines = text.splitlines(keepends=True)
    made = _written(rule, _indent(lines, parts[0]))
    place = parts[0].top if first else parts[-1].end
    if place == len(lines) and lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return _checked("".join([*lines[:place], made, *lines[place:]]), file)


def replaced(text: str, name: str, rule: Mapping[str, Any], file: str = "") -> str:
    """``text`` with ``rule`` in place of the one called ``name``; raises PolicyError."""
    parts, at = _found(text, name, file)
    lines, part = text.splitlines(keepends=True), parts[at]
    made = _written(rule, _indent(lines, part))
    return _checked("".join([*lines[: part.start], made, *lines[part.end :]]), file)


def switched(text: str, name: str, file: str = "", *, on: bool) -> str:
    """``text`` with the rule put into force or out of it; its comments stay."""
    parts, at = _found(text, name, file)
    lines, part = text.splitlines(keepends=True), parts[at]
    indent = _indent(lines, part)
    yaml = _yaml()
    block = "".join(lines[part.start : part.end])
    document = yaml.load("rules:\n" + block)
    rule = document["rules"][0]
    if on:
        rule.pop("enabled", None)
    else:
        rule["enabled"] = False
    yaml.indent(mapping=2, sequence=len(indent) + 2, offset=len(indent))
    out = io.StringIO()
    yaml.dump(document, out)
    made = out.getvalue().partition("\n")[2]
    return _checked("".join([*lines[: part.start], made, *lines[part.end :]]), file)


def moved(text: str, name: str, by: int, file: str = "") -> str:
    """``text`` with the rule ``by`` places further down; at either end it stays."""
    parts, at = _found(text, name, file)
    to = max(0, min(len(parts) - 1, at + by))
    lines = text.splitlines(keepends=True)
    if not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    blocks = ["".join(lines[part.top : part.end]) for part in parts]
    blocks.insert(to, blocks.pop(at))
    made, end = [], 0
    for part, block in zip(parts, blocks, strict=True):  # what lies between two rules stays where it is
        made += [*lines[end : part.top], block]
        end = part.end
    return _checked("".join([*made, *lines[end:]]), file)


def without(text: str, name: str, file: str = "") -> str:
    """``text`` without the rule and the comments right above it."""
    parts, at = _found(text, name, file)
    lines, part = text.splitlines(keepends=True), parts[at]
    rest = "".join([*lines[: part.top], *lines[part.end :]])
    if len(parts) == 1:
        head = "".join(lines[: part.top]).rstrip("\n").rpartition("\n")
        rest = head[0] + head[1] + head[2].rstrip() + " []\n" + "".join(lines[part.end :])
    return _checked(rest, file)


def rule_text(rule: Mapping[str, Any]) -> str:
    """One rule as YAML for an editor, one key a line."""
    out = io.StringIO()
    _yaml().dump(dict(rule), out)
    return out.getvalue()


def rule_of(text: str) -> dict[str, Any]:
    """The rule that an editor's YAML says; raises PolicyError, whose lines are those of ``text``."""
    whole = "version: 1\nrules:\n" + "".join(
        ("  - " if number == 0 else "    ") + line
        for number, line in enumerate(text.splitlines(keepends=True))
    )
    try:
        load(whole)
    except PolicyError as error:
        raise PolicyError("", [_moved_up(problem) for problem in error.problems]) from None
    found = YAML(typ="safe", pure=True).load(whole)["rules"]
    if not text.strip() or len(found) != 1:
        raise PolicyError("", [Problem(1, 1, "this must be one rule")])
    return dict(found[0])


def _moved_up(problem: Problem) -> Problem:
    return Problem(max(1, problem.line - 2), max(1, problem.column - 4), problem.text)


def _found(text: str, name: str, file: str) -> tuple[list[_Part], int]:
    rules = load(text, file).rules
    parts = _parts(text)
    names = [rule.name for rule in rules]
    if name not in names or len(parts) != len(rules):
        why = "is not in it" if name not in names else "stands in a list of one line: change it in an editor"
        raise PolicyError(file, [Problem(1, 1, f"the rule {name!r} {why}", file)])
    return parts, names.index(name)


def _parts(text: str) -> list[_Part]:
    """The rules of a block list; none where there are no rules, or where they stand in one line."""
    top = YAML(typ="safe", pure=True).compose(text)
    assert isinstance(top, MappingNode)  # the text has been loaded
    key, rules = next(((key, value) for key, value in top.value if key.value == "rules"), (None, None))
    if key is None or not isinstance(rules, SequenceNode) or rules.flow_style:
        return []
    lines = text.splitlines()
    found: list[_Part] = []
    floor = key.end_mark.line + 1
    for node in rules.value:
        start = _dash(lines, node.start_mark.line, floor)
        head = start
        while head > floor and lines[head - 1].lstrip().startswith("#"):
            head -= 1
        end = _end(node)
        found.append(_Part(head, start, end))
        floor = end
    return found


def _dash(lines: list[str], line: int, floor: int) -> int:
    """The line of the dash before a node that begins on ``line``."""
    while line > floor and not lines[line].lstrip().startswith("-"):
        line -= 1
    return line


def _end(node: Node) -> int:
    """The line behind the last one of ``node``; a block's own end mark runs over what follows it."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    mark = node.end_mark
    return int(mark.line if mark.column == 0 and mark.line > node.start_mark.line else mark.line + 1)


def _indent(lines: list[str], part: _Part) -> str:
    line = lines[part.start]
    return line[: len(line) - len(line.lstrip())]


def _written(rule: Mapping[str, Any], indent: str) -> str:
    """A rule as an element of the list: on one line where it is short and flat."""
    made = CommentedMap(rule)
    flat = not any(isinstance(value, dict | list) for value in made.values())
    if flat and len(str(dict(rule))) <= FLOW_CHARACTERS:
        made.fa.set_flow_style()
    yaml, out = _yaml(), io.StringIO()
    yaml.indent(mapping=2, sequence=len(indent) + 2, offset=len(indent))
    yaml.dump({"rules": [made]}, out)
    return out.getvalue().partition("\n")[2]


def _in_tree(text: str, rule: Mapping[str, Any]) -> str:
    """The same through the parser's tree, for a file that has no block of rules yet."""
    yaml = _yaml()
    document = yaml.load(text)
    made = CommentedMap(rule)
    if document.get("rules") is None:
        document["rules"] = []
    document["rules"].append(made)
    if hasattr(document["rules"], "fa"):
        document["rules"].fa.set_block_style()
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = LINE_WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _checked(text: str, file: str) -> str:
    load(text, file)
    return text
