"""Every kind of finding: how grave it is, what it means, and the page of the specification that says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_SITE = "https://modelcontextprotocol.io/specification"


class Severity(StrEnum):
    """``ERROR`` breaks a MUST, ``WARNING`` a SHOULD or a client known to us, ``NOTE`` is advice."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding, by its ``code``; ``page`` is under the specification, "" for practice."""

    code: str
    severity: Severity
    text: str
    page: str = ""

    @property
    def url(self) -> str:
        return f"{_SITE}/{self.page}" if self.page else ""


_MESSAGES, _LIFECYCLE = "2025-11-25/basic", "2025-11-25/basic/lifecycle"
_TOOLS, _STDIO = "2025-11-25/server/tools", "2025-11-25/basic/transports#stdio"
_HTTP, _MODERN = "2025-11-25/basic/transports#streamable-http", "2026-07-28/basic"
_PROGRESS, _CANCEL = "2025-11-25/basic/utilities/progress", "2025-11-25/basic/utilities/cancellation"
_PAGES = "2025-11-25/server/utilities/pagination"
_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

_ALL = (
    # what crosses the wire
    Rule("not-json", _E, "what is no JSON-RPC message where one is expected", _STDIO),
    Rule("bad-json", _E, "JSON that strict readers refuse or read differently", _MESSAGES),
    Rule("bad-envelope", _E, "a message that is not JSON-RPC 2.0 as MCP has it", _MESSAGES),
    Rule("null-id", _E, "a request without an id, or with null for one", _MESSAGES),
    Rule("batch", _E, "a batch, which only 2025-03-26 has", _MESSAGES),
    Rule("wrong-direction", _E, "a method that this side may not send", _MESSAGES),
    Rule("wrong-revision", _E, "a method that the negotiated revision does not have", _MESSAGES),
    Rule("unknown-method", _N, "a method that no revision has", _MESSAGES),
    Rule("missing-meta", _E, "a modern request without what its _meta must say", _MODERN),
    Rule("missing-header", _E, "an HTTP request without a header that its revision demands", _HTTP),
    Rule("header-mismatch", _E, "an HTTP header that says something else than the body", _HTTP),
    Rule("early-request", _E, "a request before the handshake was over", _LIFECYCLE),
    Rule("second-initialize", _E, "initialize for a second time in one session", _LIFECYCLE),
    Rule("capability", _E, "a feature that the other side did not declare", _LIFECYCLE),
    Rule("bad-hello", _E, "a handshake without a part that it must have", _LIFECYCLE),
    Rule("unkept-capability", _E, "a declared feature whose method is refused as unknown", _LIFECYCLE),
    Rule("endless-list", _E, "a list whose pages lead back to one that was there", _PAGES),
    Rule("unasked-progress", _W, "progress for what did not ask for it", _PROGRESS),
    Rule("falling-progress", _E, "progress that does not rise", _PROGRESS),
    Rule("late-progress", _E, "progress after the answer", _PROGRESS),
    Rule("bad-cancel", _W, "a cancellation of what is not open", _CANCEL),
    Rule("late-answer", _W, "an answer after the cancellation", _CANCEL),
    Rule("orphan-answer", _E, "an answer to nobody", _MESSAGES),
    Rule("duplicate-answer", _E, "a second answer to one request", _MESSAGES),
    Rule("no-answer", _E, "a request that was never answered", _MESSAGES),
    Rule("reused-id", _E, "an id used twice in a session", _MESSAGES),
    Rule("id-type", _E, "an answer whose id has another JSON type", _MESSAGES),
    Rule("bad-error", _E, "an error without a whole code or a text", _MESSAGES),
    Rule("bad-result", _E, "a result without a member it must have", _TOOLS),
    Rule("bad-content", _E, "content whose type or data is wrong", _TOOLS),
    Rule("bad-arguments", _W, "arguments that break the tool's inputSchema", _TOOLS),
    Rule("bad-structured", _E, "structured content that breaks the outputSchema, or is missing", _TOOLS),
    Rule("unknown-tool", _W, "a call of a tool that was never listed", _TOOLS),
    # what a server offers
    Rule("tool-name", _E, "a tool name that the specification does not allow", _TOOLS),
    Rule(
        "long-tool-name", _W, "a tool name that clients cut or refuse: over 64 characters, or with dots", ""
    ),
    Rule("duplicate-tool", _E, "two tools of one name", _TOOLS),
    Rule("lookalike-tool", _W, "two tools whose names look alike", ""),
    Rule("hidden-characters", _E, "characters that nobody sees, in what a model reads", ""),
    Rule("no-description", _W, "nothing says what it is for", _TOOLS),
    Rule("long-description", _W, "a description over 1,024 characters, which some clients cut", ""),
    Rule("no-input-schema", _E, "a tool without an inputSchema of type object", _TOOLS),
    Rule("bad-schema", _E, "a schema that is no JSON Schema", _TOOLS),
    Rule("schema-for-clients", _W, "a schema that some models' interfaces refuse", ""),
    Rule("unknown-required", _W, "required names a property that is not there", _TOOLS),
    Rule("untyped-property", _N, "a property without a type", ""),
    Rule("property-name", _W, "a property name that some models' interfaces refuse", ""),
    Rule("bad-definition", _E, "a definition without a part that it must have, or of a wrong type", _TOOLS),
    Rule("bad-annotations", _W, "annotations of a wrong type, or that contradict each other", _TOOLS),
    # what a person expects
    Rule("missing-call", _E, "a tool that should be called was not"),
    Rule("forbidden-call", _E, "a tool that must not be called was"),
    Rule("slow-call", _E, "a call that took longer than it may"),
)
RULES: dict[str, Rule] = {rule.code: rule for rule in _ALL}
