"""Findings for people and machines: text, JUnit, JSON, SARIF 2.1.0; every text passes ``safe``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from mcpscope import __version__
from mcpscope.lint.finding import Finding
from mcpscope.lint.rules import Rule, Severity
from mcpscope.text import json_text, safe

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def to_text(findings: Sequence[Finding]) -> str:
    """A line a finding, the gravest first, and a last line that counts them."""
    order = list(Severity)
    lines = [
        f"{found.severity.value:8} {found.code:20} {safe(found.about) or found.side}: {safe(found.text)}"
        + (f"  (message {found.message})" if found.message else "")
        for found in sorted(findings, key=lambda found: order.index(found.severity))
    ]
    counts = [(word, sum(found.severity is word for found in findings)) for word in Severity]
    lines.append(", ".join(f"{count} {word.value}{'s'[: count != 1]}" for word, count in counts))
    return "\n".join(lines)


def facts(found: Finding) -> dict[str, Any]:
    """One finding as JSON."""
    return {
        "code": found.code,
        "severity": found.severity.value,
        "side": found.side,
        "about": found.about or None,
        "message": found.message or None,
        "text": found.text,
        "meaning": found.rule.text,
        "page": found.rule.url or None,
    }


def to_junit(
    name: str, findings: Sequence[Finding], failing: Sequence[Finding], rules: Sequence[Rule], *, at: int = 0
) -> str:
    """One test a kind of finding: it fails with all that is ``failing``; the rest is the suite's output.

    ``at`` (unix ns) is when the session began. What every field is for: the schemas of Ant and of Jenkins,
    which this satisfies both.
    """
    bad: dict[str, list[Finding]] = {rule.code: [] for rule in rules}
    for found in failing:
        bad[found.code].append(found)
    counts = {"tests": len(rules), "failures": sum(map(bool, bad.values())), "errors": 0}
    suite = ElementTree.Element(
        "testsuite",
        name=safe(name) or "-",
        package="mcpscope",
        id="0",
        hostname="localhost",
        timestamp=datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        time="0",
        attrib={key: str(count) for key, count in counts.items()},
    )
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", name="mcpscope", value=__version__)
    for rule in rules:
        case = ElementTree.SubElement(suite, "testcase", classname="mcpscope.check", name=rule.code, time="0")
        if bad[rule.code]:
            told = f"{rule.text}: {len(bad[rule.code])}"
            failure = ElementTree.SubElement(case, "failure", message=told, type=rule.code)
            failure.text = _lines(bad[rule.code])
    failed = {*failing}
    rest = [found for found in findings if found not in failed]
    ElementTree.SubElement(suite, "system-out").text = to_text(rest) if rest else ""
    ElementTree.SubElement(suite, "system-err").text = ""
    root = ElementTree.Element("testsuites")
    root.append(suite)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def to_sarif(name: str, findings: Sequence[Finding]) -> str:
    """A SARIF log; the place of a finding is the recording and the message's number in it."""
    rules = list({found.code: found.rule for found in findings}.values())
    run = {
        "tool": {
            "driver": {
                "name": "mcpscope",
                "version": __version__,
                "rules": [_sarif_rule(rule) for rule in rules],
            }
        },
        "results": [_sarif_result(name, found) for found in findings],
    }
    return json_text({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": rule.code,
        "shortDescription": {"text": rule.text},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
    if rule.url:
        made["helpUri"] = rule.url
    return made


def _sarif_result(name: str, found: Finding) -> dict[str, Any]:
    place = f"{found.side}/{found.about}" if found.about else found.side
    logical = {
        "fullyQualifiedName": f"{name}/{place}" + (f"/message {found.message}" if found.message else "")
    }
    return {
        "ruleId": found.code,
        "level": _LEVELS[found.severity],
        "message": {"text": f"{found.about}: {found.text}" if found.about else found.text},
        "locations": [{"logicalLocations": [logical]}],
    }


def _lines(findings: Sequence[Finding]) -> str:
    return "\n".join(
        f"{safe(found.about) or found.side}: {safe(found.text)}"
        + (f" (message {found.message})" if found.message else "")
        for found in findings
    )
