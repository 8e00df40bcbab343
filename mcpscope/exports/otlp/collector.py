"""A collector on OTLP/HTTP: where it is, what it was told, and what it said to that."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

import httpx

from mcpscope.errors import Exit, ScopeError

TRACES = "/v1/traces"
TIMEOUT_SECONDS = 10.0
_LATER = frozenset({429, 502, 503, 504})
_LONGEST_WAIT_SECONDS = 60.0
_SAID = 200  # characters of what a collector says that are passed on


class Answer(StrEnum):
    """What became of a request."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """``why`` is empty for what was taken whole; ``wait`` is how many seconds the collector asks for."""

    answer: Answer
    why: str = ""
    wait: float = 0.0


def endpoint(text: str) -> str:
    """The address spans are posted to: ``text`` is where the collector is, with or without the usual path.

    Raises ScopeError for what is no URL.
    """
    plain = text.isascii() and text.isprintable() and " " not in text
    try:
        parts = urlsplit(text)
        port = parts.port  # may be none, and must be one
        known = plain and parts.scheme in ("http", "https") and bool(httpx.URL(text).host) and port != 0
    except (ValueError, httpx.InvalidURL):
        known = False
    if not known:
        raise ScopeError(
            f"--otlp takes the URL of a collector, such as http://127.0.0.1:4318, not {text!r}",
            code="usage",
            exit=Exit.USAGE,
        )
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(TRACES) else path + TRACES).geturl()


class Collector:
    """One collector, with the environment's headers and certificates; ScopeError where they are no use."""

    def __init__(self, url: str) -> None:
        self.url = endpoint(url)
        certificates = os.environ.get("OTEL_EXPORTER_OTLP_CERTIFICATE")
        try:
            verify = ssl.create_default_context(cafile=certificates) if certificates else True
            headers = {"Content-Type": "application/json", **_headers_of_environment()}
            self._client = httpx.Client(
                timeout=TIMEOUT_SECONDS, headers=headers, verify=verify, trust_env=False
            )
        except (OSError, ValueError) as error:
            raise ScopeError(
                f"the environment has no usable settings for the collector: {error}",
                code="usage",
                exit=Exit.USAGE,
                hint="see OTEL_EXPORTER_OTLP_HEADERS and OTEL_EXPORTER_OTLP_CERTIFICATE",
            ) from error

    def __repr__(self) -> str:
        return f"<Collector {self.url}>"

    def close(self) -> None:
        self._client.close()

    def send(self, body: bytes) -> Reply:
        """Post one request."""
        try:
            response = self._client.post(self.url, content=body)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # the last of a name for no host
            return Reply(Answer.LATER, str(error) or type(error).__name__)
        if response.is_success:
            return Reply(Answer.TAKEN, _rejected(response))
        said = response.text[:_SAID].strip()
        why = f"HTTP {response.status_code}" + (f": {said}" if said else "")
        if response.status_code in _LATER:
            return Reply(Answer.LATER, why, _asked_to_wait(response))
        return Reply(Answer.REFUSED, why)


def _headers_of_environment() -> dict[str, str]:
    pairs = os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(",")
    named = (pair.partition("=") for pair in pairs if "=" in pair)
    return {name.strip(): unquote(value.strip()) for name, _, value in named}


def _rejected(response: httpx.Response) -> str:
    """What a collector that takes a part says of the rest."""
    try:
        said = response.json().get("partialSuccess") or {}
        count, message = int(said.get("rejectedSpans") or 0), str(said.get("errorMessage") or "")
    except (ValueError, AttributeError, TypeError):
        return ""
    return f"{count} spans were not taken: {message[:_SAID]}" if count else message[:_SAID]


def _asked_to_wait(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("retry-after", "")), 0.0), _LONGEST_WAIT_SECONDS)
    except ValueError:
        return 0.0
