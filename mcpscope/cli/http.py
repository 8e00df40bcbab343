"""Proxies with HTTP on a side: ``mcpscope URL``, ``mcpscope proxy --port N -- COMMAND``, ``--stdio URL``."""

from __future__ import annotations

import os
from collections.abc import Callable

import click

from mcpscope.cli.options import Values
from mcpscope.cli.output import report
from mcpscope.cli.wire import Refused, database_of, orders_of, otlp_of, required_by
from mcpscope.errors import Exit, ScopeError
from mcpscope.proxy.helm import Orders
from mcpscope.proxy.http_options import DEFAULT_PORT, HttpOptions
from mcpscope.proxy.http_runner import FrontOf, HttpRunner
from mcpscope.session.law import Scope

Scopes = dict[str, list[Scope]]
Make = Callable[[Values], tuple[HttpOptions, FrontOf | None]]

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def run_http(
    values: Values, *, url: str = "", command: list[str] | None = None, make: Make | None = None
) -> int:
    """Run until a signal or the client ends it; what went wrong is said on stderr. Returns the exit code."""
    try:
        options, front = (options_of(values, url, command or []), None) if make is None else make(values)
        return HttpRunner(options, _say, front).run()
    except Refused as refused:
        message, hint, code, exit = refused.args
        return report(
            ScopeError(message, code=code, exit=Exit(exit), hint=hint), as_json=bool(values.get("json"))
        )
    except ScopeError as error:
        return report(error, as_json=bool(values.get("json")))
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)


def options_of(values: Values, url: str, command: list[str], scopes: Scopes | None = None) -> HttpOptions:
    """What the command line says of a proxy. Raises Refused or ScopeError for what cannot be."""
    if values.get("no_record") and (values.get("record") or required_by(values)):
        raise _usage("--no-record cannot be combined with --record or --record-mode required")
    if values.get("stdio") and (command or values.get("port") or values.get("host")):
        raise _usage("--stdio takes a URL, and neither a command nor --host or --port")
    if command and values.get("transport") not in (None, "stdio"):
        raise _usage("--transport http or sse needs a URL")
    return HttpOptions(
        db=database_of(values),
        url=url,
        command=command,
        env=_list(values, "env"),
        cwd=_text(values, "cwd") or None,
        label=_text(values, "label") or os.environ.get("MCPSCOPE_LABEL", ""),
        host=_text(values, "host") or "127.0.0.1",
        port=_port(_text(values, "port") or os.environ.get("MCPSCOPE_PORT", "")),
        stdio=bool(values.get("stdio")),
        transport=_text(values, "transport"),
        headers=[*_list(values, "header"), *headers_of_environment()],
        origins=_list(values, "allow_origin"),
        client_token=_text(values, "client_token"),
        allow_remote=bool(values.get("allow_remote")),
        ca_file=_text(values, "ca_file"),
        insecure=bool(values.get("insecure")),
        rewrite_oauth=bool(values.get("rewrite_oauth")),
        record=not (values.get("no_record") or os.environ.get("MCPSCOPE_NO_RECORD", "0") not in ("", "0")),
        record_name=_text(values, "record") or None,
        record_mode="required" if required_by(values) else "best-effort",
        durable=bool(values.get("durable")),
        max_body=_size(_text(values, "max_body")),
        otlp=otlp_of(values),
        orders=orders_of(values, scopes) or Orders(),
    )


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isdecimal() or int(text) > 65535:
        raise _usage(f"--port takes a number up to 65535, not {text!r}")
    return int(text)


def _size(text: str) -> int:
    """Bytes of a size such as ``64K`` or ``1MiB``; 0 for none."""
    if not text:
        return 0
    number = text.upper().removesuffix("B").removesuffix("I")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    digits = number.removesuffix(unit) if unit else number
    if not digits.isdecimal() or int(digits) == 0:
        raise _usage(f"--max-body takes a size such as 64K or 1M, not {text!r}")
    return int(digits) * _UNITS[unit]


def _text(values: Values, name: str) -> str:
    found = values.get(name)
    return found if isinstance(found, str) else ""


def _list(values: Values, name: str) -> list[str]:
    found = values.get(name)
    return list(found) if isinstance(found, list | tuple) else []


def _say(line: str) -> None:
    click.echo(f"mcpscope: {line}", err=True)


def headers_of_environment() -> list[str]:
    """Headers that a client's configuration hands over unseen: one a line, as --header takes them."""
    return [line for line in os.environ.pop("MCPSCOPE_HEADERS", "").split("\n") if line.strip()]


def _usage(message: str) -> ScopeError:
    return ScopeError(message, code="usage", exit=Exit.USAGE)
