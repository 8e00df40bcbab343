"""Findings for people and machines: text, JUnit, JSON, SARIF 2.1.0; every text passes ``safe``."""

from __future__ import annotations

from collections.abc import Sequence
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
    name: str, findings: Sequence[Finding], failing: Sequence[Finding], rules: Sequence[Rule]
) -> str:
    """One test a kind of finding: it fails with all that is ``failing``, and tells the rest."""
    suite = ElementTree.Element("testsuite", name=safe(name), tests=str(len(rules)))
    failures = 0
    for rule in rules:
        case = ElementTree.SubElement(suite, "testcase", classname="mcpscope.check", name=rule.code)
        bad = [found for found in failing if found.code == rule.code]
        rest = [found for found in findings if found.code == rule.code and found not in bad]
        if bad:
            failures += 1
            failure = ElementTree.SubElement(
                case, "failure", message=f"{rule.text}: {len(bad)}", type=rule.code
            )
            failure.text = _lines(bad)
        elif rest:
            ElementTree.SubElement(case, "system-out").text = _lines(rest)
    suite.set("failures", str(failures))
    root = ElementTree.Element("testsuites", tests=str(len(rules)), failures=str(failures))
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
