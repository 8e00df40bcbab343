"""``limit:`` of a rule: one or several, as a rate or key by key; read, and spelled again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from mcpscope.engine.chance import PERIODS, RATE
from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.limits import DAY_NS, WEEK_NS, Limit
from mcpscope.engine.patch import PatchError, pointer
from mcpscope.engine.policy.keys import LIMIT_KEYS
from mcpscope.engine.policy.nodes import Reader

UTC = "utc"
_SHARES = ("caller", "tool")
_RATES = "a rate such as 20/minute, 3/10s or 500/day utc, or a mapping with most and per"


def read_limits(reader: Reader, node: Node) -> tuple[Limit, ...]:
    """The limits that ``node`` says; what is wrong with them is the reader's to tell."""
    nodes = node.value if isinstance(node, SequenceNode) else [node]
    if not nodes:
        reader.problem(node, "limit has no limit in it")
    found = [_mapped(reader, one) if isinstance(one, MappingNode) else _rated(reader, one) for one in nodes]
    return tuple(limit for limit in found if limit is not None)


def spelled_limit(limit: Limit) -> dict[str, Any]:
    """The keys of ``limit`` in a policy file; reading them gives it again."""
    most = limit.most if limit.most is not None else Decimal(0)
    found: dict[str, Any] = {
        "most": int(most) if most == most.to_integral_value() else float(most),
        "per": f"{limit.per_ns // SECOND_NS}s",
    }
    if limit.of:
        found["of"] = "$." + ".".join(("params", *limit.of))
    if limit.aligned:
        found["window"] = UTC
    if limit.by:
        found["by"] = list(limit.by)
    if limit.counter:
        found["counter"] = limit.counter
    return found


def _rated(reader: Reader, node: Node) -> Limit | None:
    text = " ".join((reader.text(node, "limit") or "").split())
    aligned = text.endswith(f" {UTC}")
    rate = RATE.fullmatch(text.removesuffix(f" {UTC}"))
    if rate is None or rate[3] not in PERIODS:
        reader.problem(node, f"limit must be {_RATES}")
        return None
    per = int(rate[2] or 1) * PERIODS[rate[3]] * SECOND_NS
    return _checked(reader, node, Limit(per, Decimal(rate[1]), aligned=aligned))


def _mapped(reader: Reader, node: Node) -> Limit | None:
    members = reader.members(node, tuple(LIMIT_KEYS), "a limit")
    for key in ("most", "per"):
        if key not in members:
            reader.problem(node, f"a limit needs {key}")
    if not {"most", "per"} <= members.keys():
        return None
    most = reader.number(members["most"], "most")
    word = reader.word(members["window"], "window", ("sliding", UTC)) if "window" in members else ""
    return _checked(
        reader,
        node,
        Limit(
            per_ns=_period(reader, members["per"]),
            most=Decimal(str(most or 0)),
            of=_place(reader, members["of"]) if "of" in members else (),
            aligned=word == UTC,
            by=_shares(reader, members["by"]) if "by" in members else (),
            counter=(reader.text(members["counter"], "counter") or "") if "counter" in members else "",
        ),
    )


def _checked(reader: Reader, node: Node, limit: Limit) -> Limit:
    if limit.per_ns <= 0:
        reader.problem(node, "a limit needs a time longer than nothing")
    elif limit.aligned and limit.per_ns != WEEK_NS and DAY_NS % limit.per_ns:
        reader.problem(node, "UTC divides days and weeks: per must be a week, a day or a part of one")
    return limit


def _period(reader: Reader, node: Node) -> int:
    text = reader.text(node, "per") or ""
    if text in PERIODS:
        return PERIODS[text] * SECOND_NS
    return reader.duration(node, "per") or 0


def _place(reader: Reader, node: Node) -> tuple[str, ...]:
    try:
        steps = pointer(reader.text(node, "of") or "")
    except PatchError as error:
        reader.problem(node, str(error))
        return ()
    if len(steps) < 2 or steps[0] != "params":
        reader.problem(node, "of must be a place in the parameters, such as args.amount")
        return ()
    return steps[1:]


def _shares(reader: Reader, node: Node) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(text for text, _ in reader.texts(node, "by")))
    for one in found:
        if one not in _SHARES:
            reader.problem(node, f"by must be caller, tool or both, not {one!r}")
    return found
