"""The UI in a browser: textual-serve on loopback, behind a token and checks of Host and Origin of our own."""

from __future__ import annotations

import hmac
import secrets
import shlex
import socket

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

COOKIE = "mcpscope"
HOST = "127.0.0.1"
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Lets a request through that names this host, comes from no other page and brings the token."""

    def __init__(self, port: int, token: str) -> None:
        self.token = token
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    def refusal(self, request: web.Request) -> str:
        """Why a request is refused; empty where it is not."""
        if request.headers.getall("Host", []) not in [[host] for host in self._hosts]:
            return "this is not the host you asked for"
        origins = request.headers.getall("Origin", [])
        if origins and origins not in [[f"http://{host}"] for host in self._hosts]:
            return "a page of another origin may not come in"
        if not self._knows(request.cookies.get(COOKIE, "")) and not self._knows(
            request.query.get("token", "")
        ):
            return "open the address that mcpscope ui --web printed"
        return ""

    def _knows(self, word: str) -> bool:
        return hmac.compare_digest(word.encode(), self.token.encode())

    @property
    def middleware(self) -> Middleware:
        """The checks in front of every route, WebSocket included."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            reason = self.refusal(request)
            if reason:
                return web.Response(status=403, text=reason + "\n", headers=_HEADERS)
            if "token" in request.query:
                found = web.HTTPFound("/", headers=_HEADERS)
                found.set_cookie(COOKIE, self.token, httponly=True, samesite="Strict", path="/")
                return found
            response = await handler(request)
            if not response.prepared:
                response.headers.update(_HEADERS)
            return response

        return check


class GuardedServer(Server):
    """textual-serve with the guard, and without its banner."""

    def __init__(self, command: list[str], port: int, token: str) -> None:
        super().__init__(
            shlex.join(command), host=HOST, port=port, title="mcpscope", public_url=f"http://{HOST}:{port}"
        )
        self.guard = Guard(port, token)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.port}/?token={self.guard.token}"

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        app.middlewares.append(self.guard.middleware)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """textual-serve prints here; what is printed is the business of the command."""

    def initialize_logging(self) -> None:
        """Nothing is logged: an access log would hold the token."""


def free_port() -> int:
    """A port that is free on loopback now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def new_token() -> str:
    return secrets.token_urlsafe(24)
