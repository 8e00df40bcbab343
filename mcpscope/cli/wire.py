"""``mcpscope [OPTIONS] -- COMMAND``: options checked, server started, wire run, failures said in one line.

The server is started before the runner is imported; only ``--record-mode required`` looks at the journal
first.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # signal without its enums, which cost 2 ms
import errno
import os

from mcpscope.cli.given import Refused, size_of, text_of
from mcpscope.cli.options import Values, wants_http
from mcpscope.cli.ordering import orders_of
from mcpscope.paths import db_file
from mcpscope.transports.connect.process import StartFailed, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.proxy.helm import Orders
    from mcpscope.proxy.runner import Options, Runner
    from mcpscope.session.redacting import Redactor
    from mcpscope.transports.secret_mask import Mask


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
    max_body = size_of(values, "max_body")
    required = required_by(values)
    if values.get("no_record") and (values.get("record") or required):
        raise Refused("--no-record cannot be combined with --record or --record-mode required")
    otlp = otlp_of(values)
    orders = orders_of(values)
    db = database_of(values)
    _prepare_process()
    cwd = text_of(values, "cwd")
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
    options.label = text_of(values, "label") or os.environ.get("MCPSCOPE_LABEL") or options.label
    options.cwd = text_of(values, "cwd")
    options.record = not (
        values.get("no_record") or os.environ.get("MCPSCOPE_NO_RECORD", "0") not in ("", "0")
    )
    options.record_name = text_of(values, "record")
    options.required = required_by(values)
    options.durable = bool(values.get("durable"))


def required_by(values: Values) -> bool:
    """Whether nothing may pass unrecorded: asked for, or the default where a policy is enforced."""
    mode = values.get("record_mode")
    return mode == "required" or (mode is None and bool(values.get("policy")) and not values.get("shadow"))


def otlp_of(values: Values) -> str:
    """The collector that what is recorded goes to; empty for none."""
    url = text_of(values, "otlp") or ""
    if url and values.get("no_record"):
        raise Refused("--otlp sends what is recorded: it cannot be combined with --no-record")
    scheme, _, rest = url.partition("://")
    plain = url.isascii() and url.isprintable() and " " not in url
    if url and (scheme not in ("http", "https") or not rest.strip("/") or not plain):
        raise Refused(f"--otlp takes the URL of a collector, such as http://127.0.0.1:4318, not {url!r}")
    return url


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
    db = os.path.abspath(text_of(values, "db") or db_file())
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
