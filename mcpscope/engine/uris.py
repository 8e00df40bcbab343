"""A URI as it is resolved in the end, however it is spelled (RFC 3986, section 6; RFC 8089)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

MAX_ESCAPES: Final = 3
"""How often an escape may be escaped again."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.S)
_CLIMBING: Final = re.compile(r"%(?:25)*(2[eEfF]|5[cC])")
_DOTS: Final = re.compile(r"(?:^|[/\\])\.\.?(?:[/\\]|$)")
_DROPPED: Final = str.maketrans("", "", "\t\r\n")


def resolved(uri: str) -> str:
    """``uri`` without escapes, dot segments, doubled slashes and differences of case in scheme and host.

    What is no URI with a scheme comes back as it is.
    """
    text = uri.strip().translate(_DROPPED)
    for _ in range(MAX_ESCAPES):
        if "%" not in text:
            break
        text = unquote(text)
    found = _SCHEME.fullmatch(text)
    if found is None:
        return uri
    scheme, rest = found[1].lower(), found[2].replace("\\", "/")
    host = ""
    if rest.startswith("//") and not (scheme == "file" and rest.startswith("///")):
        host, slash, rest = rest[2:].partition("/")
        rest = slash + rest
    elif not rest.startswith("/"):
        return f"{scheme}:{rest}"
    if scheme == "file" and host.lower() in ("localhost", "127.0.0.1"):
        host = ""
    return f"{scheme}://{host.lower()}{_without_dots(rest)}"


def local(uri: str) -> str:
    """``uri``, ``resolved``, for who looks at the path of a file and not at the host it is on."""
    found = resolved(uri)
    if not found.startswith("file://"):
        return found
    return "file:///" + found.removeprefix("file://").partition("/")[2]


def climbed(uri: str) -> str:
    """``uri`` without dot segments, however they are escaped; all else of it as it is spelled."""
    text = _CLIMBING.sub(lambda found: chr(int(found[1], 16)), uri)
    if not _DOTS.search(text):
        return uri
    scheme, colon, rest = text.replace("\\", "/").partition(":")
    if not colon:
        scheme, rest = "", scheme
    host = ""
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        host, rest = f"//{host}", slash + rest
    return f"{scheme}{colon}{host}{_without_dots(rest)}"


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    tail = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(kept) + tail if path else ""
