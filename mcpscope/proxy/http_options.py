"""What the command line said about a proxy that has HTTP on a side, checked before anything starts."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from mcpscope.errors import Exit, ScopeError
from mcpscope.proxy.facts import default_label
from mcpscope.proxy.helm import Orders
from mcpscope.transports.listen.http_guard import Guard, is_loopback
from mcpscope.transports.secret_mask import Mask
from mcpscope.transports.secrets import Template

if TYPE_CHECKING:
    from ssl import SSLContext

    from mcpscope.engine.policy.load import Policy

DEFAULT_PORT = 7717
MIN_TOKEN_CHARS = 8
HTTP = "http"
SSE = "sse"
STDIO = "stdio"


@dataclass(slots=True)
class HttpOptions:
    """One proxy: ``url`` or ``command`` is its upstream, ``stdio`` puts the client on our own streams."""

    db: str
    url: str = ""
    command: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    cwd: str | None = None
    label: str = ""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    stdio: bool = False
    transport: str = ""
    headers: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    client_token: str = ""
    callers: dict[str, str] = field(default_factory=dict)
    """Further names of callers with the references of their tokens."""
    allow_remote: bool = False
    ca_file: str = ""
    insecure: bool = False
    rewrite_oauth: bool = False
    record: bool = True
    record_name: str | None = None
    record_mode: str = "best-effort"
    durable: bool = False
    max_body: int = 0
    otlp: str = ""
    orders: Orders = field(default_factory=Orders)


def upstream_of(options: HttpOptions) -> tuple[SplitResult, str, list[str]]:
    """The upstream URL without its user, its transport (``http`` or ``sse``), and the headers to add.

    Raises ScopeError (``usage``) where the URL cannot be one, or does not tell its transport.
    """
    try:
        url = urlsplit(options.url)
        _ = url.port
    except ValueError as error:
        raise _usage(f"{options.url!r} is not a URL ({error})") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise _usage(f"{options.url!r} is not an http or https URL")
    transport = options.transport
    if not transport:
        path = url.path.rstrip("/")
        transport = SSE if path.endswith("/sse") else HTTP if path.endswith("/mcp") else ""
    if transport not in (HTTP, SSE):
        raise _usage(
            f"the path of {options.url} ends in neither /mcp nor /sse",
            "say how it is spoken to: --transport http, or --transport sse (2024-11-05)",
        )
    headers = list(options.headers)
    if url.username is not None:
        user = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers.append(f"Authorization: Basic {base64.b64encode(user.encode()).decode()}")
        url = url._replace(netloc=url.netloc.rpartition("@")[2])
    return url._replace(fragment=""), transport, headers


def secrets_of(url: SplitResult) -> list[str]:
    """What the query of an upstream's URL hands it: keys, for all we know."""
    return [value for _, value in parse_qsl(url.query) if len(value) >= MIN_TOKEN_CHARS]


def _callers(options: HttpOptions, policies: Sequence[Policy]) -> dict[str, str]:
    """Who may come in: the client of the command line and the callers of the policy, with references."""
    found = {"client": options.client_token} if options.client_token else {}
    found.update(options.callers)
    for policy in policies:
        found.update(policy.callers)
    return found


def _token(name: str, reference: str, mask: Mask) -> tuple[str, bytes]:
    token, _ = Template(reference).resolve()
    if len(token) < MIN_TOKEN_CHARS:
        raise _usage(f"the token of {name} is shorter than {MIN_TOKEN_CHARS} characters")
    mask.add([token])
    return name, token.encode("utf-8", "surrogateescape")


def guard_of(options: HttpOptions, mask: Mask) -> Guard:
    """The listener's guard. Raises ScopeError for a bind beyond loopback that is not asked for twice."""
    law = options.orders.law
    callers = _callers(options, law.policies if law is not None else ())
    tokens = tuple(_token(name, reference, mask) for name, reference in callers.items())
    remote = not is_loopback(options.host)
    if remote and not options.allow_remote:
        raise _usage(
            f"--host {options.host} would let other machines in",
            "add --allow-remote and --client-token '${env:NAME}', or listen on 127.0.0.1",
        )
    if remote and not tokens:
        raise _usage("--allow-remote needs a --client-token", "for example --client-token '${env:NAME}'")
    guard = Guard(host=options.host, origins=tuple(options.origins), tokens=tokens, remote=remote)
    if law is not None:
        law.preparing.append(lambda policies: _admitting(options, policies, guard, mask))
    return guard


def _admitting(
    options: HttpOptions, policies: Sequence[Policy], guard: Guard, mask: Mask
) -> Callable[[], None]:
    """What lets in those whom changed policies name, and nobody else. Raises ScopeError."""
    callers = _callers(options, policies)
    if not callers and not is_loopback(options.host):
        raise _usage("--allow-remote needs a caller with a token", "name one under callers")
    law = options.orders.law
    if law is not None and callers == _callers(options, law.policies):
        return lambda: None
    tokens = tuple(_token(name, reference, mask) for name, reference in callers.items())
    return lambda: guard.admit(tokens)


def environment_of(
    options: HttpOptions, base: dict[str, str], mask: Mask
) -> tuple[dict[str, str], list[str]]:
    """``base`` with the pairs of ``-e``, references resolved, and the names they set."""
    env, names = dict(base), []
    for pair in options.env:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise _usage("-e needs the form KEY=VALUE")
        template = Template(value)
        env[name], secrets = template.resolve()
        mask.add(secrets)
        names.append(name)
    return env, names


def tls_of(options: HttpOptions, url: SplitResult) -> SSLContext | None:
    """How the upstream's certificate is checked; None for plain http."""
    if url.scheme != "https":
        return None
    import ssl  # 10 ms that only https needs

    try:
        context = ssl.create_default_context(cafile=options.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise _usage(f"--ca-file {options.ca_file} cannot be read as certificates ({error})") from error
    context.set_alpn_protocols(["http/1.1"])
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def label_of(options: HttpOptions, url: SplitResult | None) -> str:
    """The name given, or the upstream's host, or its command's name."""
    if options.label:
        return options.label
    if url is not None:
        return url.hostname or "http"
    return default_label(options.command)


def _usage(message: str, hint: str = "") -> ScopeError:
    return ScopeError(message, code="usage", exit=Exit.USAGE, hint=hint)
