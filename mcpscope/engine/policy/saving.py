"""A rule added to the text of a policy, everything else of it kept: comments, order, quotes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from mcpscope.engine.policy.load import load

LINE_WIDTH = 4096
"""Wide enough that no line of the user's is folded."""


def with_rule(text: str, rule: Mapping[str, Any], file: str = "") -> str:
    """``text`` with ``rule`` behind its rules; raises PolicyError where either is wrong."""
    load(text, file)
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = LINE_WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(text)
    made = CommentedMap(rule)
    made.fa.set_flow_style()
    document.setdefault("rules", []).append(made)
    out = io.StringIO()
    yaml.dump(document, out)
    load(out.getvalue(), file)
    return out.getvalue()
