"""``mcpscope [OPTIONS] -- COMMAND``: options checked, server started, wire run, failures said in one line.

The server is started before the runner is imported; only ``--record-mode required`` looks at the journal
first.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # signal without its enums, which cost 2 ms
import errno
import os

from mcpscope.cli.options import Values, wants_http
from mcpscope.paths import db_file
from mcpscope.transports.connect.process import StartFailed, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.proxy.helm import Orders
    from mcpscope.proxy.runner import Options, Runner
    from mcpscope.session.law import Law, Scope
    from mcpscope.session.redacting import Redactor
    from mcpscope.transports.secret_mask import Mask

_RULE_OPTIONS = (
    *("breaks", "intercept", "deny", "detached", "client_timeout", "max_message"),
    *("policy", "hide", "only", "rename", "describe", "fault", "on_drift", "redact_key", "redact_path"),
    "watch",
)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Refused(Exception):
    """Why nothing is run: message, hint, the stable word for --json and the exit code."""

    def __init__(self, message: str, hint: str = "", code: str = "usage", exit: int = 2) -> None:
        super().__init__(message, hint, code, exit)


def run_wrapped(values: Values, command: list[str]) -> int:
    """Run ``command`` behind the wire; returns the server's exit code."""
    if wants_http(values):
        from mcpscope.cli.http import run_http

        return run_http(values, command=command)
    try:
        return _run(values, command)
    except Refused as refused:
        return _report(refused, as_json=bool(values.get("json")))


def _run(values: Values, command: list[str]) -> int:
    env, names, mask = _environment(values)
    max_body = _size(values, "max_body")
    required = required_by(values)
    if values.get("no_record") and (values.get("record") or required):
        raise Refused("--no-record cannot be combined with --record or --record-mode required")
    otlp = otlp_of(values)
    orders = orders_of(values)
    db = database_of(values)
    _prepare_process()
    cwd = _text(values, "cwd")
    child = None if required else start(command, env, cwd)
    from mcpscope.proxy.runner import Options, Runner

    options = Options(command, db)
    _fill(options, values)
    options.env_names, options.server_env = names, env
    options.mask, options.redactor = _redaction(mask, orders)
    options.max_body = max_body
    options.otlp = otlp
    if orders is not None:
        options.orders = orders
    runner = Runner(options)
    if required:
        _demand_record(runner, db)
    child = child or start(command, env, cwd)
    try:
        child.confirm()
    except StartFailed as failed:
        raise _failure(command[0], cwd, failed) from None
    return runner.run(child)


def _fill(options: Options, values: Values) -> None:
    options.label = _text(values, "label") or os.environ.get("MCPSCOPE_LABEL") or options.label
    options.cwd = _text(values, "cwd")
    options.record = not (
        values.get("no_record") or os.environ.get("MCPSCOPE_NO_RECORD", "0") not in ("", "0")
    )
    options.record_name = _text(values, "record")
    options.required = required_by(values)
    options.durable = bool(values.get("durable"))


def required_by(values: Values) -> bool:
    """Whether nothing may pass unrecorded: asked for, or the default where a policy is enforced."""
    mode = values.get("record_mode")
    return mode == "required" or (mode is None and bool(values.get("policy")) and not values.get("shadow"))


def otlp_of(values: Values) -> str:
    """The collector that what is recorded goes to; empty for none."""
    url = _text(values, "otlp") or ""
    if url and values.get("no_record"):
        raise Refused("--otlp sends what is recorded: it cannot be combined with --no-record")
    scheme, _, rest = url.partition("://")
    plain = url.isascii() and url.isprintable() and " " not in url
    if url and (scheme not in ("http", "https") or not rest.strip("/") or not plain):
        raise Refused(f"--otlp takes the URL of a collector, such as http://127.0.0.1:4318, not {url!r}")
    return url


def _text(values: Values, name: str) -> str | None:
    found = values.get(name)
    return found if isinstance(found, str) and found else None


def _environment(values: Values) -> tuple[dict[str, str], list[str], Mask | None]:
    """Our environment with the pairs of ``-e``, the names they set, and a mask of the secrets among them."""
    env, names, mask = dict(os.environ), [], None
    pairs = values.get("env")
    for pair in pairs if isinstance(pairs, list) else []:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise Refused(f"-e takes KEY=VALUE, not {pair!r}")
        if "${" in value:
            value, mask = _resolved(value, mask)
        env[name] = value
        names.append(name)
    return env, names, mask


def _redaction(mask: Mask | None, orders: Orders | None) -> tuple[Mask | None, Redactor | None]:
    """What takes secrets out of the record: nothing where there are none and no policy names places."""
    if mask is None and (orders is None or not (orders.law or orders.places)):
        return None, None
    from mcpscope.session.redacting import Redactor
    from mcpscope.store.local_key import digest_key
    from mcpscope.transports.secret_mask import Mask

    redactor = Redactor(mask or Mask(key=digest_key()))
    if orders is not None:
        orders.redact(redactor)
    return redactor.mask, redactor


def _places(values: Values) -> list[str]:
    """The places of the command line that are not to be recorded."""
    keys = [key.strip() for key in os.environ.get("MCPSCOPE_REDACT_KEYS", "").split(",")]
    found = [key for key in [*keys, *_list(values, "redact_key")] if key]
    if any(not name.replace("*", "").replace("-", "").replace("_", "").isalnum() for name in found):
        raise Refused("--redact-key takes the name of a member, such as password or *token*")
    found += _list(values, "redact_path")
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


def _resolved(text: str, mask: Mask | None) -> tuple[str, Mask | None]:
    """``text`` with its references to secrets resolved, and a mask that knows them."""
    from mcpscope.errors import ScopeError
    from mcpscope.transports.secret_mask import Mask
    from mcpscope.transports.secrets import Template

    try:
        value, secrets = Template(text).resolve()
    except ScopeError as error:
        raise Refused(error.message, error.hint, error.code, int(error.exit)) from None
    if secrets:
        from mcpscope.store.local_key import digest_key

        mask = mask or Mask(key=digest_key())
        mask.add(secrets)
    return value, mask


def orders_of(values: Values, scopes: dict[str, list[Scope]] | None = None) -> Orders | None:
    """The rules of the command line, checked before anything starts; None where there are none."""
    if not any(values.get(name) for name in _RULE_OPTIONS) and not os.environ.get("MCPSCOPE_REDACT_KEYS"):
        return None
    from mcpscope.proxy.helm import Orders

    orders = Orders()
    orders.breaks, orders.denies = _list(values, "breaks"), _list(values, "deny")
    orders.intercept = _text(values, "intercept") or ""
    orders.faults = _list(values, "fault")
    orders.on_drift = _text(values, "on_drift") or ""
    orders.hides, orders.onlys = _list(values, "hide"), _list(values, "only")
    orders.renames, orders.describes = _pairs(values, "rename"), _pairs(values, "describe")
    orders.detached = _text(values, "detached") or ""
    orders.client_timeout = _seconds(_text(values, "client_timeout"))
    orders.max_message = _size(values, "max_message")
    if values.get("policy"):
        orders.law = _law(values, scopes)
        _can_seal()
    orders.places = _places(values)
    orders.watches = [os.path.abspath(path) for path in _list(values, "watch")]
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
        return Law(_list(values, "policy"), shadow=bool(values.get("shadow")), scopes=scopes)
    except ScopeError as error:
        raise Refused(error.message, error.hint, error.code, int(error.exit)) from None


def _list(values: Values, name: str) -> list[str]:
    found = values.get(name)
    return found if isinstance(found, list) else []


def _pairs(values: Values, name: str) -> dict[str, str]:
    """The values of an option that takes ``NAME=TEXT``."""
    found: dict[str, str] = {}
    for pair in _list(values, name):
        left, equals, right = pair.partition("=")
        if not left or not equals or not right:
            raise Refused(f"--{name} takes NAME=TEXT, not {pair!r}")
        if left in found:
            raise Refused(f"--{name} names {left} twice: {found[left]!r} and {right!r}")
        found[left] = right
    return found


def _seconds(text: str | None) -> float:
    """Seconds of a time such as ``60s``, ``500ms`` or ``2m``; 0 for none."""
    if text is None:
        return 0.0
    number = text.rstrip("hms")
    unit = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}.get(text[len(number) :])
    if unit is None or not number.replace(".", "", 1).isdecimal() or float(number) == 0:
        raise Refused(f"--client-timeout takes a time such as 60s, 500ms or 2m, not {text!r}")
    return float(number) * unit


def _size(values: Values, name: str) -> int:
    """Bytes of a size such as ``64K`` or ``1MiB``; 0 for none."""
    text = _text(values, name)
    if text is None:
        return 0
    number = text.upper().removesuffix("B").removesuffix("I")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    digits = number.removesuffix(unit) if unit else number
    if not digits.isdecimal() or int(digits) == 0:
        raise Refused(f"--{name.replace('_', '-')} takes a size such as 64K or 1M, not {text!r}")
    return int(digits) * _UNITS[unit]


def _prepare_process() -> None:
    """Three open standard streams, and a Ctrl-C that ends us quietly until the runner listens to it."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def database_of(values: Values) -> str:
    """The database to record into, absolute; what can never be one is refused here."""
    db = os.path.abspath(_text(values, "db") or db_file())
    if os.path.isdir(db):
        raise Refused(f"{db} is a folder", "name a file with --db", "db_foreign", 5)
    return db


def _demand_record(runner: Runner, db: str) -> None:
    from mcpscope.proxy.recorder import never_takes

    if reason := never_takes(db):
        raise Refused(f"{db} {reason}; the record is required", "name another with --db", "not_recorded", 5)
    journal = runner.journal
    if journal is not None and not journal.open():
        raise Refused(
            f"cannot record in {os.path.dirname(journal.folder)} ({journal.fault}); the record is required",
            "make room there, or name another database with --db",
            "not_recorded",
            5,
        )


def _failure(program: str, cwd: str | None, failed: StartFailed) -> Refused:
    reason = os.strerror(failed.errno)
    if failed.phase == "cwd":
        return Refused(f"cannot start the server in {cwd}: {reason}", "", "bad_cwd", 4)
    if failed.errno == errno.ENOENT and os.path.exists(program) and "/" in program:
        return Refused(f"{program} names an interpreter that does not exist", "", "upstream_start", 4)
    if failed.errno == errno.ENOENT:
        hint = "check the name, or give the program's whole path"
        return Refused(f"command not found: {program}", hint, "upstream_start", 4)
    if failed.errno == errno.EACCES:
        return Refused(f"{program} is not executable", f"chmod +x {program}", "upstream_start", 4)
    return Refused(f"cannot start {program}: {reason}", "", "upstream_start", 4)


def _report(refused: Refused, *, as_json: bool) -> int:
    from mcpscope.cli.output import report
    from mcpscope.errors import Exit, ScopeError

    message, hint, code, exit = refused.args
    return report(ScopeError(message, code=code, exit=Exit(exit), hint=hint), as_json=as_json)
