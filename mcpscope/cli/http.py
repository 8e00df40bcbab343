"""Proxies with HTTP on a side: ``mcpscope URL``, ``mcpscope proxy --port N -- COMMAND``, ``--stdio URL``."""

from __future__ import annotations

import os
from collections.abc import Callable

import click

from mcpscope.cli.given import Refused, list_of, size_of, text_of
from mcpscope.cli.options import Values
from mcpscope.cli.ordering import orders_of
from mcpscope.cli.output import report
from mcpscope.cli.wire import database_of, otlp_of, required_by
from mcpscope.errors import Exit, ScopeError
from mcpscope.proxy.helm import Orders
from mcpscope.proxy.http_options import DEFAULT_PORT, HttpOptions
from mcpscope.proxy.http_runner import FrontOf, HttpRunner
from mcpscope.session.law import Scope

Scopes = dict[str, list[Scope]]
Make = Callable[[Values], tuple[HttpOptions, FrontOf | None]]


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
        env=list_of(values, "env"),
        cwd=text_of(values, "cwd"),
        label=text_of(values, "label") or os.environ.get("MCPSCOPE_LABEL", ""),
        host=text_of(values, "host") or "127.0.0.1",
        port=_port(text_of(values, "port") or os.environ.get("MCPSCOPE_PORT", "")),
        stdio=bool(values.get("stdio")),
        transport=text_of(values, "transport") or "",
        headers=[*list_of(values, "header"), *headers_of_environment()],
        origins=list_of(values, "allow_origin"),
        client_token=text_of(values, "client_token") or "",
        allow_remote=bool(values.get("allow_remote")),
        ca_file=text_of(values, "ca_file") or "",
        insecure=bool(values.get("insecure")),
        rewrite_oauth=bool(values.get("rewrite_oauth")),
        record=not (values.get("no_record") or os.environ.get("MCPSCOPE_NO_RECORD", "0") not in ("", "0")),
        record_name=text_of(values, "record"),
        record_mode="required" if required_by(values) else "best-effort",
        durable=bool(values.get("durable")),
        max_body=size_of(values, "max_body"),
        otlp=otlp_of(values),
        orders=orders_of(values, scopes) or Orders(),
    )


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isdecimal() or int(text) > 65535:
        raise _usage(f"--port takes a number up to 65535, not {text!r}")
    return int(text)


def _say(line: str) -> None:
    click.echo(f"mcpscope: {line}", err=True)


def headers_of_environment() -> list[str]:
    """Headers that a client's configuration hands over unseen: one a line, as --header takes them."""
    return [line for line in os.environ.pop("MCPSCOPE_HEADERS", "").split("\n") if line.strip()]


def _usage(message: str) -> ScopeError:
    return ScopeError(message, code="usage", exit=Exit.USAGE)
