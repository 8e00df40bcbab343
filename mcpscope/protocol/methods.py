"""The methods of every revision: who sends them, and which parameter names what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from mcpscope.protocol.message import Direction
from mcpscope.protocol.revisions import REVISIONS


class Method(StrEnum):
    """Methods that our code names; the table below knows them all."""

    INITIALIZE = "initialize"
    INITIALIZED = "notifications/initialized"
    PING = "ping"
    DISCOVER = "server/discover"
    TOOLS_LIST = "tools/list"
    TOOLS_CALL = "tools/call"
    RESOURCES_LIST = "resources/list"
    TEMPLATES_LIST = "resources/templates/list"
    RESOURCES_READ = "resources/read"
    PROMPTS_LIST = "prompts/list"
    PROMPTS_GET = "prompts/get"
    COMPLETE = "completion/complete"
    SET_LEVEL = "logging/setLevel"
    SUBSCRIBE = "resources/subscribe"
    UNSUBSCRIBE = "resources/unsubscribe"
    LISTEN = "subscriptions/listen"
    SAMPLING = "sampling/createMessage"
    ELICITATION = "elicitation/create"
    ROOTS_LIST = "roots/list"
    TASKS_GET = "tasks/get"
    TASKS_RESULT = "tasks/result"
    TASKS_LIST = "tasks/list"
    TASKS_CANCEL = "tasks/cancel"
    TASKS_UPDATE = "tasks/update"
    CANCELLED = "notifications/cancelled"
    PROGRESS = "notifications/progress"
    LOG = "notifications/message"
    TOOLS_CHANGED = "notifications/tools/list_changed"
    PROMPTS_CHANGED = "notifications/prompts/list_changed"
    RESOURCES_CHANGED = "notifications/resources/list_changed"
    RESOURCE_UPDATED = "notifications/resources/updated"
    ROOTS_CHANGED = "notifications/roots/list_changed"
    ELICITATION_COMPLETE = "notifications/elicitation/complete"
    TASK_STATUS = "notifications/tasks/status"
    TASKS = "notifications/tasks"
    ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


CLIENT: Final = frozenset({Direction.TO_SERVER})
SERVER: Final = frozenset({Direction.TO_CLIENT})
BOTH: Final = CLIENT | SERVER
NOBODY: Final[frozenset[Direction]] = frozenset()

_24, _25A, _25B, _25C, _26 = REVISIONS


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """Who may send a method in which revision, and where it names its target.

    ``target`` is the path of the parameter that names a tool, prompt, URI or task; ``extension`` says that a
    sender is defined outside the core of that revision. ``embedded`` methods occur as entries of
    ``inputRequests`` in modern revisions.
    """

    senders: dict[str, frozenset[Direction]]
    target: tuple[str, ...] = ()
    extension: bool = False
    embedded: bool = False

    def sent_by(self, revision: str) -> frozenset[Direction]:
        """Who may send it in ``revision``; nobody where the revision does not have it."""
        return self.senders.get(revision, NOBODY)


def _in(senders: frozenset[Direction], *revisions: str) -> dict[str, frozenset[Direction]]:
    return dict.fromkeys(revisions, senders)


_LEGACY = (_24, _25A, _25B, _25C)
_ALL = REVISIONS
_NAME, _URI, _TASK = ("name",), ("uri",), ("taskId",)

METHODS: Final[dict[str, MethodInfo]] = {
    Method.INITIALIZE: MethodInfo(_in(CLIENT, *_LEGACY)),
    Method.INITIALIZED: MethodInfo(_in(CLIENT, *_LEGACY)),
    Method.PING: MethodInfo(_in(BOTH, *_LEGACY)),
    Method.DISCOVER: MethodInfo(_in(CLIENT, _26)),
    Method.TOOLS_LIST: MethodInfo(_in(CLIENT, *_ALL)),
    Method.TOOLS_CALL: MethodInfo(_in(CLIENT, *_ALL), _NAME),
    Method.RESOURCES_LIST: MethodInfo(_in(CLIENT, *_ALL)),
    Method.TEMPLATES_LIST: MethodInfo(_in(CLIENT, *_ALL)),
    Method.RESOURCES_READ: MethodInfo(_in(CLIENT, *_ALL), _URI),
    Method.SUBSCRIBE: MethodInfo(_in(CLIENT, *_LEGACY), _URI),
    Method.UNSUBSCRIBE: MethodInfo(_in(CLIENT, *_LEGACY), _URI),
    Method.LISTEN: MethodInfo(_in(CLIENT, _26)),
    Method.PROMPTS_LIST: MethodInfo(_in(CLIENT, *_ALL)),
    Method.PROMPTS_GET: MethodInfo(_in(CLIENT, *_ALL), _NAME),
    Method.COMPLETE: MethodInfo(_in(CLIENT, *_ALL), ("ref", "name")),
    Method.SET_LEVEL: MethodInfo(_in(CLIENT, *_LEGACY)),
    Method.SAMPLING: MethodInfo(_in(SERVER, *_LEGACY), embedded=True),
    Method.ROOTS_LIST: MethodInfo(_in(SERVER, *_LEGACY), embedded=True),
    Method.ELICITATION: MethodInfo(_in(SERVER, _25B, _25C), embedded=True),
    Method.TASKS_GET: MethodInfo(_in(BOTH, _25C) | _in(CLIENT, _26), _TASK, extension=True),
    Method.TASKS_CANCEL: MethodInfo(_in(BOTH, _25C) | _in(CLIENT, _26), _TASK, extension=True),
    Method.TASKS_RESULT: MethodInfo(_in(BOTH, _25C), _TASK),
    Method.TASKS_LIST: MethodInfo(_in(BOTH, _25C)),
    Method.TASKS_UPDATE: MethodInfo(_in(CLIENT, _26), _TASK, extension=True),
    Method.CANCELLED: MethodInfo(_in(BOTH, *_ALL), ("requestId",)),
    Method.PROGRESS: MethodInfo(_in(BOTH, *_LEGACY) | _in(SERVER, _26), ("progressToken",)),
    Method.LOG: MethodInfo(_in(SERVER, *_ALL), ("logger",)),
    Method.RESOURCE_UPDATED: MethodInfo(_in(SERVER, *_ALL), _URI),
    Method.RESOURCES_CHANGED: MethodInfo(_in(SERVER, *_ALL)),
    Method.TOOLS_CHANGED: MethodInfo(_in(SERVER, *_ALL)),
    Method.PROMPTS_CHANGED: MethodInfo(_in(SERVER, *_ALL)),
    Method.ROOTS_CHANGED: MethodInfo(_in(CLIENT, *_LEGACY)),
    Method.ELICITATION_COMPLETE: MethodInfo(_in(SERVER, _25C), ("elicitationId",)),
    Method.TASK_STATUS: MethodInfo(_in(BOTH, _25C), _TASK),
    Method.TASKS: MethodInfo(_in(SERVER, _26), _TASK, extension=True),
    Method.ACKNOWLEDGED: MethodInfo(_in(SERVER, _26)),
    "skills/list": MethodInfo(_in(CLIENT, _26), extension=True),
    "skills/get": MethodInfo(_in(CLIENT, _26), _NAME, extension=True),
    "resources/directory/read": MethodInfo(_in(CLIENT, _26), _URI, extension=True),
}

MAY_ASK_FOR_INPUT: Final = frozenset({Method.TOOLS_CALL, Method.PROMPTS_GET, Method.RESOURCES_READ})
"""Modern requests whose result may be ``input_required`` (2026-07-28, multi round-trip requests)."""

LISTS: Final[dict[str, str]] = {
    Method.TOOLS_LIST: "tools",
    Method.PROMPTS_LIST: "prompts",
    Method.RESOURCES_LIST: "resources",
    Method.TEMPLATES_LIST: "resourceTemplates",
}
"""The list methods and the member of the result that holds their items."""

LIST_WISHES: Final = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")
"""What a ``subscriptions/listen`` may ask for, but for URIs and tasks (2026-07-28, "Subscriptions")."""

_TARGETS: Final = {method: info.target for method, info in METHODS.items() if info.target}


def target(method: str, params: dict[str, Any]) -> str:
    """What a message is about: the tool, prompt, URI or task it names; "" if it names none."""
    path = _TARGETS.get(method)
    if path is None:
        return ""
    found: Any = params
    for step in path:
        if type(found) is not dict:
            return ""
        found = found.get(step, found.get("uri") if step == "name" and method == Method.COMPLETE else None)
    if type(found) is str:
        return found
    return str(found) if type(found) is int else ""
