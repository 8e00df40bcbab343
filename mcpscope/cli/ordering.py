"""The rules of the command line, checked before anything starts."""

from __future__ import annotations

import os

from mcpscope.cli.given import Refused, list_of, pairs_of, seconds_of, size_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.cli.options import Values
    from mcpscope.proxy.helm import Orders
    from mcpscope.session.law import Law, Scope

_RULE_OPTIONS = (
    *("breaks", "intercept", "deny", "detached", "client_timeout", "max_message"),
    *("policy", "hide", "only", "rename", "describe", "fault", "on_drift", "redact_key", "redact_path"),
    "watch",
)


def orders_of(values: Values, scopes: dict[str, list[Scope]] | None = None) -> Orders | None:
    """The rules of the command line, checked before anything starts; None where there are none."""
    if not any(values.get(name) for name in _RULE_OPTIONS) and not os.environ.get("MCPSCOPE_REDACT_KEYS"):
        return None
    from mcpscope.proxy.helm import Orders

    orders = Orders()
    orders.breaks, orders.denies = list_of(values, "breaks"), list_of(values, "deny")
    orders.intercept = text_of(values, "intercept") or ""
    orders.faults = list_of(values, "fault")
    orders.on_drift = text_of(values, "on_drift") or ""
    orders.hides, orders.onlys = list_of(values, "hide"), list_of(values, "only")
    orders.renames, orders.describes = pairs_of(values, "rename"), pairs_of(values, "describe")
    orders.detached = text_of(values, "detached") or ""
    orders.client_timeout = seconds_of(text_of(values, "client_timeout"))
    orders.max_message = size_of(values, "max_message")
    if values.get("policy"):
        orders.law = _law(values, scopes)
        _can_seal()
    orders.places = _places(values)
    orders.watches = [os.path.abspath(path) for path in list_of(values, "watch")]
    for path in orders.watches:
        if not os.path.exists(path):
            raise Refused(f"--watch {path}: there is no such file")
    if orders.any:
        from mcpscope.errors import ScopeError

        try:
            orders.check()
        except ScopeError as error:
            raise Refused(error.message, error.hint, error.code, int(error.exit)) from None
    return orders


def _law(values: Values, scopes: dict[str, list[Scope]] | None = None) -> Law:
    from mcpscope.errors import ScopeError
    from mcpscope.session.law import Law

    if values.get("no_record"):  # never reached unrecorded: what is decided must be in the record
        raise Refused("--policy needs the record: it cannot be combined with --no-record")
    try:
        return Law(list_of(values, "policy"), shadow=bool(values.get("shadow")), scopes=scopes)
    except ScopeError as error:
        raise Refused(error.message, error.hint, error.code, int(error.exit)) from None


def _places(values: Values) -> list[str]:
    """The places of the command line that are not to be recorded."""
    keys = [key.strip() for key in os.environ.get("MCPSCOPE_REDACT_KEYS", "").split(",")]
    found = [key for key in [*keys, *list_of(values, "redact_key")] if key]
    if any(not name.replace("*", "").replace("-", "").replace("_", "").isalnum() for name in found):
        raise Refused("--redact-key takes the name of a member, such as password or *token*")
    found += list_of(values, "redact_path")
    if found:
        from mcpscope.engine.places import BadPlace, read_place

        for text in found:
            try:
                read_place(text)
            except BadPlace as error:
                raise Refused(f"{text!r} is no place: {error}") from None
    return found


def _can_seal() -> None:
    """A session under a policy is sealed with the local key: better said now than by the recorder."""
    from mcpscope.store.local_key import key_path, local_key

    try:
        local_key("audit")
    except (OSError, ValueError) as error:
        text = f"the audit trail cannot be sealed: {key_path()}: {error}"
        raise Refused(text, "a policy needs it", "no_key", 5) from None
