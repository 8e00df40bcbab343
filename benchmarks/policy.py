"""What a long policy costs beside a short one, both enforced with nobody attached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.ends import Load, drive, place
from benchmarks.plan import Plan
from benchmarks.table import Row

RULES, WHENS, PER_TOOL = 500, 50, 5
CALLS = 20_000


def measure(plan: Plan) -> Iterator[Row]:
    """The throughput with ``RULES`` rules, of which ``PER_TOOL`` can match the tool that is called."""
    load = Load(plan.calls(CALLS), plan.payloads(130, 1000), window=64)
    short, long = (_written(plan, count) for count in (1, RULES))
    found: dict[Path, list[float]] = {short: [], long: []}
    for _ in range(max(3, plan.rounds)):
        for path, rates in found.items():
            with place("--policy", str(path)) as here:
                rates.append(drive(load, here.subject, env=here.env).calls_per_s)
                here.wait_for_rows(2 * load.calls)
    values = median(found[short]), median(found[long])
    ratio = median(many / one for one, many in zip(found[short], found[long], strict=True))
    yield Row("policy of 500 rules, throughput", "calls/s", None, *values, ratio)


def _written(plan: Plan, count: int) -> Path:
    path = plan.folder / f"policy-{count}.yaml"
    path.write_text(json.dumps({"version": 1, "rules": [rule(number) for number in range(count)]}))
    path.chmod(0o600)
    return path


def rule(number: int) -> dict[str, str]:
    """A rule that looks at the arguments and refuses nothing; the first few are about the tool called."""
    tool = "echo" if number < PER_TOOL else f"tool_{number // PER_TOOL}"
    said = {"name": f"rule {number}", "match": f"tool:{tool}", "action": "deny"}
    if number % (RULES // WHENS) == 0:
        return {**said, "when": f"size(args.note) > {10_000 + number}"}
    return {**said, "match": f"tool:{tool} args.note~^{number}$"}
