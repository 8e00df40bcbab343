"""CONTROL.md says what the table of methods says; to write it anew: python -m tests.control.test_document."""

from __future__ import annotations

from mcpscope.control.methods import EVENTS, METHODS, Param
from tests.program import ROOT

PAGE = ROOT / "CONTROL.md"
MARK = "<!-- from here on written by tests/control/test_document.py -->\n"


def tables() -> str:
    lines = ["", "## Methods", "", "| method | what it does | params | steers |", "|---|---|---|---|"]
    for method in METHODS.values():
        params = ", ".join(map(_param, method.params)) or "-"
        lines.append(f"| `{method.name}` | {method.help} | {params} | {'yes' if method.steers else ''} |")
    lines += ["", "## Events", "", "| event | when |", "|---|---|"]
    lines += [f"| `{event}` | {text} |" for event, text in EVENTS.items()]
    return "\n".join(lines) + "\n"


def _param(param: Param) -> str:
    kind = getattr(param.type, "__name__", "number")
    words = {"str": "string", "int": "integer", "bool": "boolean", "dict": "object", "list": "array"}
    text = f"`{param.name}` {words.get(kind, 'any' if kind == 'object' else kind)}"
    if param.choices:
        text += " (" + " ".join(word or '""' for word in param.choices) + ")"
    return text if param.default is ... else f"[{text}]"


def test_the_page_has_every_method_parameter_and_event() -> None:
    assert PAGE.read_text().partition(MARK)[2] == tables()


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().partition(MARK)[0] + MARK + tables())
