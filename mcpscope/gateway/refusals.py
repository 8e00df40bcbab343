"""What an upstream means that refuses a handshake."""

from __future__ import annotations

from mcpscope.protocol.answers import INVALID_PARAMS, METHOD_NOT_FOUND, OurCode
from mcpscope.protocol.message import Message
from mcpscope.protocol.revisions import LATEST

UNSUPPORTED_VERSION = -32022
MODERN_CODES = frozenset({-32020, -32021, UNSUPPORTED_VERSION})
"""Those of the stateless era: who answers so speaks it."""
OF_NEWER = MODERN_CODES | {METHOD_NOT_FOUND, INVALID_PARAMS}
"""With these a server that has no handshake may refuse one."""


def reason_of(refused: Message) -> str:
    """Why there is no handshake, and what can be done about it where that shows."""
    said = str(refused.error.get("message", ""))
    if refused.error.get("code") == OurCode.UPSTREAM_GONE:
        return said.removeprefix("mcpscope: ")
    if refused.error.get("code") != UNSUPPORTED_VERSION:
        return f"it refused the handshake: {said}"
    data = refused.error.get("data")
    found = data.get("supported") if isinstance(data, dict) else None
    named = [one[:20] for one in found if isinstance(one, str)] if isinstance(found, list) else []
    spoken = ", ".join(named[:5])
    return (
        f"it speaks {spoken or 'the stateless revisions'} only, and its client an older revision: "
        f"connect with a client of {spoken or LATEST}"
    )


def is_not_there(answer: Message) -> bool:
    """Nobody answered, and not even with an HTTP status."""
    found = answer.error
    return found.get("code") == OurCode.UPSTREAM_GONE and "HTTP " not in str(found.get("message"))
