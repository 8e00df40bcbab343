"""``mcpscope gateway``: several servers behind one endpoint."""

from __future__ import annotations

import asyncio
import json
import os
from collections import defaultdict
from itertools import count
from typing import Any

import click

from mcpscope.cli.http import options_of, run_http
from mcpscope.cli.options import HTTP_OPTIONS, PROXY_OPTIONS, Values
from mcpscope.cli.settings import Settings, click_options, with_settings
from mcpscope.engine.visibility import Surface, View
from mcpscope.errors import ScopeError
from mcpscope.gateway.config import Config, Spec, read_config
from mcpscope.gateway.front import HttpFront
from mcpscope.gateway.gateway import Gateway
from mcpscope.gateway.stdio import StdioFront
from mcpscope.gateway.upstream import Parts, Reach, Upstream
from mcpscope.proxy import http_fronts
from mcpscope.proxy.http_options import HttpOptions, environment_of, secrets_of, tls_of, upstream_of
from mcpscope.session.http_inject import Injected
from mcpscope.session.law import Law, Scope
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.secret_mask import Mask

_OF_ONE_SERVER = frozenset(
    {
        *("env", "cwd", "no_ui", "transport", "header", "ca_file", "insecure", "rewrite_oauth"),
        *("rename", "describe", "on_drift"),
    }
)
_OPTIONS = tuple(one for one in PROXY_OPTIONS + HTTP_OPTIONS if one.name not in _OF_ONE_SERVER)


@click.command("gateway")
@click_options(_OPTIONS)
@with_settings
@click.argument("file", metavar="CONFIG", type=click.Path())
def command(file: str, settings: Settings, **options: Any) -> int:
    """Put the servers that CONFIG names behind one endpoint: /mcp for all, /NAME/mcp for each alone."""
    values: Values = {key: _plain(value) for key, value in options.items() if value}
    values["db"] = str(settings.db)
    if settings.json:
        values["json"] = True
    found = read_config(file)
    scopes = _scopes(found)
    listed = values.get("policy")
    policies = [*found.policies, *(listed if isinstance(listed, list) else []), *scopes]
    if policies:
        values["policy"] = list(dict.fromkeys(policies))
    values.setdefault("label", found.label)
    return run_http(values, make=lambda values: _made(found, values, scopes))


def _made(config: Config, values: Values, scopes: dict[str, list[Scope]]) -> tuple[HttpOptions, Any]:
    options = options_of(values, "", [], scopes)
    if not options.stdio:  # there whoever starts us is the one caller
        options.callers = {name: caller.bearer for name, caller in config.callers.items()}
    narrowing = any(one.hide or one.only for one in config.upstreams)
    narrowing = narrowing or any(one.hide or one.only for one in config.callers.values())
    options.orders.narrowed = narrowing or bool(scopes)

    def front(loop: asyncio.AbstractEventLoop, parts: http_fronts.Parts) -> http_fronts.Front:
        return _front(config, options, loop, parts)

    return options, front


def _front(
    config: Config, options: HttpOptions, loop: asyncio.AbstractEventLoop, process: http_fronts.Parts
) -> http_fronts.Front:
    steering = process.helmed.steering
    if steering is not None and options.orders.narrowed:
        steering.view.narrow()
    law = options.orders.law
    parts = Parts(
        guard=process.guard,
        mask=process.mask,
        journal=process.journal,
        helmed=process.helmed,
        say=process.say,
        opened=process.opened,
        closed=process.closed,
        stderr=http_fronts.to_stderr,
        hides=lambda path: _hides(law, path),
    )
    numbers = count(1)
    callers = {} if options.stdio else config.callers
    upstreams = [
        Upstream(loop, _reach(spec, process.mask), parts, callers, numbers) for spec in config.upstreams
    ]

    def note(text: str) -> None:
        said = json.dumps({"kind": "gateway", "text": process.mask.text(text)}).encode()
        process.journal.append(RecordType.NOTE, Dir.NONE, 1, 0, said)
        process.helmed.tell("note", 0, {"kind": "gateway", "text": text})
        process.say(text)

    told: dict[str, str] = {}

    def changed(upstream: Upstream) -> None:
        process.helmed.tell("upstream", 0, upstream.about())
        health = upstream.health
        line = f"{upstream.name}: {health.word}{': ' + health.why if health.why else ''}"
        if health.word in ("failed", "ready") and health.failures and told.get(upstream.name) != line:
            told[upstream.name] = line
            process.say(line)

    for upstream in upstreams:
        upstream.changed = changed
    if law is not None and steering is not None:
        law.preparing.append(lambda policies: lambda: _obey(upstreams, steering.view))
    gateway = Gateway(loop, upstreams, options.label, config.start_seconds, note)
    process.gateway = gateway
    if options.stdio:
        return StdioFront(loop, gateway, parts, numbers, process.ended, http_fronts.keep_off_standard_streams)
    names = ", ".join(upstream.name for upstream in upstreams)
    return HttpFront(
        loop,
        gateway,
        parts,
        numbers,
        (options.host, options.port),
        lambda port: http_fronts.announce(process, port, "/mcp", names),
    )


def _reach(spec: Spec, mask: Mask) -> Reach:
    """How an upstream is reached; raises ScopeError that names it."""
    one = HttpOptions(
        db="",
        url=spec.url,
        transport=spec.transport,
        headers=list(spec.headers),
        env=list(spec.env),
        ca_file=spec.ca_file,
        insecure=spec.insecure,
    )
    try:
        env, _ = environment_of(one, dict(os.environ), mask)
        if not spec.url:
            return Reach(spec, env, Injected([], mask))
        url, transport, headers = upstream_of(one)
        mask.add(secrets_of(url))
        return Reach(spec, env, Injected(headers, mask), url, transport, tls_of(one, url))
    except ScopeError as error:
        said = error.message.replace("--header", "headers").replace("--ca-file", "ca_file")
        hint = "" if "--" in error.hint else error.hint
        raise ScopeError(
            f"the upstream {spec.name}: {said}", code=error.code, exit=error.exit, hint=hint
        ) from None


def _scopes(config: Config) -> dict[str, list[Scope]]:
    """What each policy of an upstream or a caller is about."""
    found: dict[str, list[Scope]] = defaultdict(list)
    for spec in config.upstreams:
        if spec.policy and spec.policy not in config.policies:
            found[spec.policy].append(Scope(server=spec.name))
    for caller in config.callers.values():
        if caller.policy and caller.policy not in config.policies:
            found[caller.policy].append(Scope(caller=caller.name))
    return dict(found)


def _obey(upstreams: list[Upstream], view: View) -> None:
    """The policies have been read anew: whoever listens is told to look again."""
    for upstream in upstreams:
        upstream.obey()
    view.refresh(frozenset(Surface))


def _hides(law: Law | None, path: str) -> list[str]:
    policies = law.policies if law is not None and not law.shadow else ()
    return [glob for policy in policies if policy.file == path for glob in policy.hide]


def _plain(value: Any) -> str | bool | list[str]:
    return list(value) if isinstance(value, tuple) else value
