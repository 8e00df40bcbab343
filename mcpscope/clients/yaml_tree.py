"""YAML with the place of each value, as ruamel.yaml's composer gives it."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from mcpscope.clients.tree import ARRAY, OBJECT, SCALAR, Node, NotReadable

_MAX_DEPTH = 100


def read(text: str) -> Node:
    """The tree of ``text``; raises NotReadable."""
    yaml = YAML(typ="rt")
    try:
        root = yaml.compose(text)
        if root is None:
            return Node(OBJECT, len(text), len(text))
        return _Reader(text, yaml).node(root, 0)
    except (YAMLError, ValueError, RecursionError) as error:
        said = str(error).partition("\n")[0]
        raise NotReadable(said or "no YAML") from None


class _Reader:
    def __init__(self, text: str, yaml: YAML) -> None:
        self._text = text
        self._yaml = yaml

    def node(self, found: Any, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise NotReadable("nested too deeply")
        if found.anchor is not None:
            raise NotReadable(f"line {found.start_mark.line + 1}: anchors are not edited here")
        start, end = found.start_mark.index, found.end_mark.index
        if isinstance(found, ScalarNode):
            if found.style in ("|", ">"):
                end = start + len(self._text[start:end].rstrip())
            return Node(SCALAR, start, end, _plain(found))
        if isinstance(found, SequenceNode):
            node = Node(ARRAY, start, end)
            node.items = [self.node(item, depth + 1) for item in found.value]
        elif isinstance(found, MappingNode):
            node = Node(OBJECT, start, end)
            for name, value in found.value:
                node.members[str(name.value)] = self.node(value, depth + 1)
                node.keys[str(name.value)] = name.start_mark.index
        else:
            raise NotReadable("a form of YAML that is not edited here")
        if not found.flow_style:
            # A block ends where the next token begins; its own text ends with the last thing in it.
            inside = [*node.items, *node.members.values()]
            node.end = max((item.end for item in inside), default=end)
            node.insert = node.end
        return node


def _plain(node: ScalarNode) -> Any:
    tag = str(node.tag)
    if tag.endswith(":bool"):
        return node.value.lower() in ("true", "yes", "on")
    if tag.endswith(":null"):
        return None
    return node.value
