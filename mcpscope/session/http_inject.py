"""Header fields the proxy adds to every request upstream, whose values may be secrets."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Sequence

from mcpscope.errors import Exit, ScopeError
from mcpscope.transports.http_head import Headers
from mcpscope.transports.secret_mask import Mask
from mcpscope.transports.secrets import Template

MIN_VALUE_CHARS = 8  # a shorter value that is written out is a word, not a secret
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)


class Injected:
    """``headers`` to add; ``names`` are those (lower case) whose lines of the client's they replace."""

    def __init__(self, specs: Sequence[str], mask: Mask) -> None:
        """``specs`` are ``Name: value`` as given to ``--header``. Raises ScopeError for a bad one."""
        self._mask = mask
        self._templates = [_split(spec) for spec in specs]
        self.names = frozenset(name.lower().encode() for name, _ in self._templates)
        self.refreshable = any(template.has_references for _, template in self._templates)
        self.headers: Headers = self._resolve()

    def __repr__(self) -> str:
        return f"<Injected {sorted(self.names)}>"

    async def refresh(self, run: Callable[[Callable[[], Headers]], Awaitable[Headers]]) -> bool:
        """Resolve again (after a 401); True where a value is another now. A failure leaves what was.

        ``run`` calls a blocking function off the loop.
        """
        try:
            found = await run(self._resolve)
        except ScopeError:
            return False
        changed = found != self.headers
        self.headers = found
        return changed

    def _resolve(self) -> Headers:
        headers: Headers = []
        for name, template in self._templates:
            value, secrets = template.resolve()
            try:
                data = value.encode("utf-8")
            except UnicodeEncodeError as error:
                raise _bad(name, template, "is not text") from error
            if any((byte < 0x20 and byte != 9) or byte == 0x7F for byte in data):
                raise _bad(name, template, "holds a control character, which no header can carry")
            whole = value.strip()
            self._mask.add([*secrets, *_spelled_out(whole)])
            headers.append((name.encode(), data.strip()))
        return headers


def _spelled_out(value: str) -> list[str]:
    """What of a header's value is a secret: all of it, what follows a scheme, and what Basic hides."""
    last = value.rpartition(" ")[2]
    found = [value, last]
    if value[:6].lower() == "basic ":
        try:
            user = base64.b64decode(last, validate=True).decode()
        except ValueError:
            return found
        found += [user, user.partition(":")[2]]
    return [text for text in found if len(text) >= MIN_VALUE_CHARS]


def _split(spec: str) -> tuple[str, Template]:
    name, colon, value = spec.partition(":")
    name = name.strip()
    if not colon or not _TOKEN.fullmatch(name):
        raise ScopeError(
            "--header needs the form 'Name: value'",
            code="usage",
            exit=Exit.USAGE,
            hint="for example --header 'Authorization: Bearer ${env:TOKEN}'",
        )
    if name.lower() in _NOT_OURS:
        raise ScopeError(f"--header cannot set {name}", code="usage", exit=Exit.USAGE)
    return name, Template(value.strip())


def _bad(name: str, template: Template, why: str) -> ScopeError:
    shown = template.shown if template.has_references else "the value"
    return ScopeError(f"--header {name}: {shown} {why}", code="secret", exit=Exit.USAGE)
