"""One finding as a line of the list, and what is known of the one under the cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mcpscope.lint.finding import Finding
from mcpscope.lint.rules import Severity
from mcpscope.tui.present import figures
from mcpscope.tui.present.chrome import rule
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, Span, cut, pad

ROLES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "info"}
_NARROW = 100


def _widths(width: int) -> tuple[int, int, int]:
    """Cells of the exchange's number, the code and what it is about."""
    return (6, 17, 16) if width < _NARROW else (8, 19, 26)


def findings_heading(width: int) -> Line:
    """The titles above the findings."""
    number, code, about = _widths(width)
    titles = (
        pad("#", number, right=True),
        "",
        pad("GRAVE", 7),
        pad("FINDING", code),
        pad("WHO", 6),
        pad("ABOUT", about),
    )
    return cut([("  " + " ".join(titles) + " WHAT", "muted")], width)


def finding_line(found: Finding, width: int, glyphs: Glyphs, *, here: bool) -> Line:
    """The line of one finding."""
    number, code, about = _widths(width)
    role = ROLES[found.severity]
    shown = str(found.exchange) if found.exchange else glyphs.neither
    line: Line = [
        (f" {glyphs.cursor}" if here else "  ", "accent"),
        (pad(shown, number, right=True) + "  ", "muted"),
        (pad(found.severity.value, 7) + " ", role),
        (pad(found.code, code) + " ", ""),
        (pad(found.side, 6) + " ", "muted"),
        (pad(found.about or "-", about) + " ", ""),
        (found.text or found.rule.text, ""),
    ]
    return cut(line, width, more=glyphs.more)


def finding_facts(found: Finding, title: str, width: int, glyphs: Glyphs) -> list[Line]:
    """What the finding means, where it is, and the page that says so."""
    place = f"message {found.message} of {title}" if found.message else title
    page = found.rule.url or "what clients and models are known to choke on; no page of the specification"
    lines: list[Line] = [
        rule(width, glyphs, [(f"{found.code}: {found.rule.text}", "strong")]),
        [("  what   ", "muted"), (found.text or found.rule.text, "")],
        [("  where  ", "muted"), (f"{place}, by the {found.side}", "")],
        [("  page   ", "muted"), (page, "accent" if found.rule.url else "muted")],
    ]
    return [cut(line, width, more=glyphs.more) for line in lines]


def findings_counts(found: Sequence[Finding]) -> list[Span]:
    """How many of each gravity, for the status line."""
    counts = Counter(one.severity for one in found)
    return [
        (figures.plural(counts[word], word.value), ROLES[word] if counts[word] else "muted")
        for word in Severity
    ]


def no_findings(taken: int, total: int, needle: str) -> list[Line]:
    """What an empty list says."""
    if needle:
        text = f"no finding holds {needle!r}"
    elif taken < total:
        text = f"looking: {figures.count(taken)} of {figures.plural(total, 'message')}"
    else:
        text = f"nothing is wrong in {figures.plural(total, 'message')}"
    return [[], [("  " + text, "muted")]]
