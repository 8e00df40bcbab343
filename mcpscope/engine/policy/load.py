"""A policy: what its file says, as values that the engine, the redactor and the listeners take."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ruamel.yaml.nodes import MappingNode, Node

from mcpscope.engine.places import BadPlace, read_place
from mcpscope.engine.policy import intercept
from mcpscope.engine.policy.keys import POLICY_KEYS
from mcpscope.engine.policy.nodes import Reader
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.engine.policy.reading import read_rule
from mcpscope.engine.policy.standing import DEFAULT_RULE
from mcpscope.engine.rule import Rule

ORIGIN = "policy"


@dataclass(frozen=True, slots=True)
class Policy:
    """One loaded file. ``callers`` maps names to the references of their bearer tokens.

    ``rules`` are in the file's order, the rule of ``default: deny`` last. ``digest`` is sha256 of the text.
    """

    file: str
    digest: str
    rules: tuple[Rule, ...]
    default: str = "allow"
    hide: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    callers: Mapping[str, str] = field(default_factory=dict)


def load(text: str, file: str = "", *, taken: Sequence[str] = ()) -> Policy:
    """Read a policy, ours or Intercept's; raises PolicyError with all that is wrong.

    ``taken`` are names of other files' rules.
    """
    reader = Reader(file)
    top = reader.document(text)
    if top is None:
        raise PolicyError(file, reader.problems)
    if intercept.is_intercept(top):
        return _foreign(reader, top, text, set(taken))
    members = reader.members(top, tuple(POLICY_KEYS), "a policy")
    _version(reader, top, members)
    default = (
        reader.word(members["default"], "default", ("allow", "deny")) if "default" in members else "allow"
    )
    if "description" in members:
        reader.text(members["description"], "description")
    policy = Policy(
        file=file,
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        rules=_rules(reader, members, set(taken)),
        default=default or "allow",
        hide=tuple(text for text, _ in _texts(reader, members, "hide")),
        redact=_redact(reader, members),
        callers=_callers(reader, members),
    )
    if reader.problems:
        raise PolicyError(file, reader.problems)
    return policy


def _foreign(reader: Reader, top: MappingNode, text: str, taken: set[str]) -> Policy:
    """A file in Intercept's format, recognised by its ``tools``."""
    members = reader.members(top, tuple(intercept.KEYS), "a policy with tools")
    _version(reader, top, members)
    if "description" in members:
        reader.text(members["description"], "description")
    found = intercept.read(reader, members, taken)
    if reader.problems:
        raise PolicyError(reader.file, reader.problems)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Policy(reader.file, digest, found.rules, hide=found.hide)


def in_force(policies: Sequence[Policy]) -> list[Rule]:
    """The rules of all files in their order; one ``default: deny`` is enough to deny what none decides."""
    rules = [rule for policy in policies for rule in policy.rules]
    if any(policy.default == "deny" for policy in policies):
        rules.append(DEFAULT_RULE)
    return rules


def _version(reader: Reader, top: Node, members: dict[str, Node]) -> None:
    if "version" not in members:
        reader.problem(top, "a policy needs version: 1")
        return
    value = reader.plain(members["version"])
    if value not in (1, "1") or isinstance(value, bool):
        reader.problem(members["version"], f"version must be 1, not {value!r}")


def _texts(reader: Reader, members: dict[str, Node], key: str) -> list[tuple[str, Node]]:
    return reader.texts(members[key], key) if key in members else []


def _rules(reader: Reader, members: dict[str, Node], names: set[str]) -> tuple[Rule, ...]:
    found: list[Rule] = []
    for number, node in enumerate(reader.items(members["rules"], "rules") if "rules" in members else (), 1):
        rule = read_rule(reader, node, number)
        if rule is None:
            continue
        if rule.name in names:
            reader.problem(node, f"another rule is called {rule.name!r}, too")
        names.add(rule.name)
        found.append(rule)
    return tuple(found)


def _redact(reader: Reader, members: dict[str, Node]) -> tuple[str, ...]:
    found = _texts(reader, members, "redact")
    for text, node in found:
        try:
            read_place(text)
        except BadPlace as error:
            reader.problem(
                node,
                f"redact must be header:NAME, a path such as $.params.x, or a key, not {text!r}: {error}",
            )
    return tuple(text for text, _ in found)


def _callers(reader: Reader, members: dict[str, Node]) -> dict[str, str]:
    found: dict[str, str] = {}
    tokens: dict[str, str] = {}
    for name, node in (reader.named(members["callers"], "callers") if "callers" in members else {}).items():
        parts = reader.members(node, ("bearer",), f"the caller {name}")
        token = reader.text(parts["bearer"], "bearer") if "bearer" in parts else None
        if token is None:
            if "bearer" not in parts:
                reader.problem(node, f"the caller {name} needs a bearer token")
            continue
        if token in tokens:
            reader.problem(node, f"the callers {tokens[token]} and {name} have the same token")
        tokens[token] = name
        found[name] = token
    return found
