"""The same walk directly and through a gateway: what is asked of each real server, and what is compared."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.runs import HERE, node_script
from tests.peers.found import Peers

Step = dict[str, Any]
CLIENTS = ("sdk1-legacy", "sdk2-legacy", "sdk2-auto", "ts-v1", "ts-legacy", "ts-auto")
WALK_SECONDS = 180

_CLOCK = r"\d{1,2}:\d\d:\d\d [AP]M|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"
_OTHER_EACH_TIME = re.compile(rf"{_CLOCK}|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")
_OF_ITS_ERA = ("ttlMs", "cacheScope", "resultType", "execution", "elicitationId")
"""What the SDKs know in one of the eras only."""
_STRAY = re.compile("Roots updated|ubscribe Resource request")
_SLOW = ("task", "leave", "subscribe")
_LISTS: list[Step] = [{"do": "list", "kind": kind} for kind in ("tools", "prompts", "resources", "templates")]
_DOCUMENT = "demo://resource/static/document/features.md"
_EVERYTHING: list[tuple[str, dict[str, Any]]] = [
    ("echo", {"message": "hällo \u2028 \u0007 ]]>"}),
    ("get-annotated-message", {"messageType": "error", "includeImage": True}),
    ("get-env", {}),
    ("get-resource-links", {"count": 2}),
    ("get-resource-reference", {"resourceType": "Blob", "resourceId": 2}),
    ("get-roots-list", {}),
    ("get-structured-content", {"location": "Chicago"}),
    ("get-sum", {"a": 2, "b": 3.5}),
    ("get-sum", {"a": "not a number", "b": 1}),
    ("get-tiny-image", {}),
    ("gzip-file-as-resource", {"name": "x.gz", "data": "data:text/plain,hello", "outputType": "resource"}),
    (
        "gzip-file-as-resource",
        {"name": "y.gz", "data": "data:text/plain,hello", "outputType": "resourceLink"},
    ),
    ("toggle-simulated-logging", {}),
    ("toggle-simulated-logging", {}),
    ("trigger-elicitation-request", {}),
    ("trigger-long-running-operation", {"duration": 0.3, "steps": 3}),
    ("trigger-sampling-request", {"prompt": "two words", "maxTokens": 10}),
    ("trigger-url-elicitation", {"url": "https://example.org/", "message": "look"}),
    ("no-such-tool", {}),
]


def plan_of(upstream: str, folder: Path) -> list[Step]:
    """What is asked of one of the four servers under its own names: every feature that it has."""
    return {"every": _everything, "git": _git, "time": _time, "docs": _docs}[upstream](
        str(folder / "repository")
    )


def _everything(repository: str) -> list[Step]:
    dynamic = "demo://resource/dynamic/text/{resourceId}"
    return [
        {"do": "level", "level": "debug"},
        *_LISTS,
        *({"do": "call", "name": name, "arguments": filled} for name, filled in _EVERYTHING),
        {"do": "task", "name": "simulate-research-query", "arguments": {"topic": "whales"}},
        *({"do": "read", "uri": uri} for uri in (_DOCUMENT, dynamic.replace("{resourceId}", "7"))),
        {"do": "read", "uri": "demo://resource/dynamic/blob/7"},
        {"do": "read", "uri": "demo://resource/session/y.gz"},
        {"do": "read", "uri": "demo://no/such"},
        {"do": "get", "name": "simple-prompt"},
        {"do": "get", "name": "args-prompt", "arguments": {"city": "Bern"}},
        {"do": "get", "name": "completable-prompt", "arguments": {"department": "Sales", "name": "Eve"}},
        {"do": "get", "name": "resource-prompt", "arguments": {"resourceType": "Text", "resourceId": "3"}},
        {"do": "get", "name": "no-such-prompt"},
        {"do": "complete", "name": "completable-prompt", "argument": {"name": "department", "value": "E"}},
        {
            "do": "complete",
            "name": "completable-prompt",
            "argument": {"name": "name", "value": ""},
            "context": {"department": "Sales"},
        },
        {"do": "complete", "uri": dynamic, "argument": {"name": "resourceId", "value": "4"}},
        {"do": "subscribe", "uri": _DOCUMENT, "by": "toggle-subscriber-updates"},
        {"do": "leave", "name": "trigger-long-running-operation", "arguments": {"duration": 20, "steps": 2}},
        {"do": "call", "name": "echo", "arguments": {"message": "after that"}},
    ]


def _git(repository: str) -> list[Step]:
    def call(name: str, **filled: Any) -> Step:
        return {"do": "call", "name": name, "arguments": {"repo_path": repository, **filled}}

    return [
        {"do": "list", "kind": "tools"},
        call("git_status"),
        call("git_diff_unstaged"),
        call("git_add", files=["b.txt"]),
        call("git_diff_staged", context_lines=1),
        call("git_reset"),
        call("git_add", files=["b.txt"]),
        call("git_commit", message="second"),
        call("git_log", max_count=5),
        call("git_create_branch", branch_name="side"),
        call("git_checkout", branch_name="side"),
        call("git_branch", branch_type="local"),
        call("git_show", revision="HEAD"),
        call("git_diff", target="HEAD~1"),
        call("git_diff", target="no-such-thing"),
        call("git_no_such_tool"),
        {"do": "call", "name": "git_status", "arguments": {"repo_path": "/"}},
    ]


def _time(repository: str) -> list[Step]:
    return [
        {"do": "list", "kind": "tools"},
        {"do": "call", "name": "get_current_time", "arguments": {"timezone": "Asia/Tokyo"}},
        {"do": "call", "name": "get_current_time", "arguments": {"timezone": "No/Where"}},
        {
            "do": "call",
            "name": "convert_time",
            "arguments": {
                "source_timezone": "Europe/Zurich",
                "time": "16:30",
                "target_timezone": "Asia/Tokyo",
            },
        },
        {"do": "call", "name": "convert_time", "arguments": {"time": "25:99"}},
    ]


def _docs(repository: str) -> list[Step]:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("add", {"a": 2, "b": 3}),
        ("count", {"to": 3}),
        ("ask", {}),
        ("dream", {"prompt": "two words"}),
        ("where", {}),
        ("whisper", {"text": "psst \u2028 \u001b[31m"}),
        ("picture", {}),
        ("fail", {}),
        ("add", {"a": "no number", "b": 1}),
        ("no-such-tool", {}),
    ]
    return [
        *_LISTS,
        *({"do": "call", "name": name, "arguments": filled} for name, filled in calls),
        *({"do": "read", "uri": uri} for uri in ("note://static", "note://by-name/x%20y", "note://no/such")),
        {"do": "get", "name": "greet", "arguments": {"name": "Ada"}},
        {"do": "get", "name": "no-such-prompt"},
        {"do": "complete", "name": "greet", "argument": {"name": "name", "value": "A"}},
        {"do": "leave", "name": "slow", "arguments": {"seconds": 30}},
        {"do": "subscribe", "uri": "note://static", "by": "change"},
        {"do": "list", "kind": "tools"},
    ]


def brief(plan: list[Step]) -> list[Step]:
    """Without what takes its time."""
    return [step for step in plan if step["do"] not in _SLOW]


def under(prefix: str, plan: list[Step]) -> list[Step]:
    """The same with the names that clients of a gateway see."""
    named = [{**step, "name": prefix + step["name"]} if "name" in step else step for step in plan]
    return [{**step, "by": prefix + step["by"]} if "by" in step else step for step in named]


def walked(peers: Peers, client: str, folder: Path, plan: list[Step], target: list[str]) -> list[Any]:
    """What the client got, step by step."""
    written = folder / "plan.json"
    written.write_text(json.dumps(plan))
    command = _command(peers, client, folder)
    done = subprocess.run([*command, str(written), *target], capture_output=True, timeout=WALK_SECONDS)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    found: list[Any] = json.loads(done.stdout)["results"]
    return found


def _command(peers: Peers, client: str, folder: Path) -> list[str]:
    kind, _, mode = client.partition("-")
    if kind != "ts":
        python = peers.sdk1_python if kind == "sdk1" else peers.sdk2_python
        return [python, "-W", "ignore", str(HERE / "clients" / f"walk{kind[-1]}.py"), mode]
    return [*node_script(peers, "walk.mjs", folder), mode]


def steady(results: list[Any], prefix: str = "", uris: set[str] | None = None) -> list[Any]:
    """Without what depends on the clock or the era, under the names that the server itself gives.

    ``prefix`` is what stands before those; of lists only what begins so, or has one of ``uris``, is kept.
    """
    return [_step(step, prefix, uris) for step in results]


def _step(step: list[Any], prefix: str, uris: set[str] | None) -> list[Any]:
    what, name, result, seen = step
    if isinstance(result, dict) and "items" in result:
        result = {"items": [_item(one, prefix) for one in result["items"] if _is_of(one, prefix, uris)]}
    if what == "read" and isinstance(result, dict) and "raised" in result:
        result = "raised"  # what no upstream has, the gateway says in its own words
    name = name.removeprefix(prefix) if isinstance(name, str) else name
    if name == "toggle-simulated-logging":  # whatever it has drawn by lot
        seen = []
    return [what, name, masked(result), masked([one for one in seen if not _is_stray(one)])]


def _is_of(item: dict[str, Any], prefix: str, uris: set[str] | None) -> bool:
    uri = item.get("uri") or item.get("uriTemplate")
    if uri is not None:
        return uris is None or uri in uris
    return str(item["name"]).startswith(prefix)


def _item(item: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {**item, "name": item["name"].removeprefix(prefix)}


def uris_of(results: list[Any]) -> set[str]:
    """The resources and templates that lists show."""
    lists = [step[2]["items"] for step in results if isinstance(step[2], dict) and "items" in step[2]]
    return {one.get("uri") or one.get("uriTemplate") for items in lists for one in items} - {None}


def _is_stray(said: list[Any]) -> bool:
    """A log line that comes when the server has read the roots, whenever that is, or that belongs to no
    request that could carry it in the stateless era.
    """
    return said[0] == "notifications/message" and bool(_STRAY.search(str(said)))


def masked(value: Any) -> Any:
    """Without what is another each time, or of one era only."""
    if isinstance(value, dict):
        return {
            key: masked(item)
            for key, item in value.items()
            if key not in _OF_ITS_ERA and not (key == "_meta" and _is_server_info(item)) and key != "blob"
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    return _OTHER_EACH_TIME.sub("…", value) if isinstance(value, str) else value


def _is_server_info(meta: Any) -> bool:
    return isinstance(meta, dict) and set(meta) <= {"io.modelcontextprotocol/serverInfo"}
