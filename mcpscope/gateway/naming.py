"""Under which names clients see what upstreams offer, and whose each name is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcpscope.gateway.upstream import Upstream

URIS_LEARNED = 4096
AMBIGUOUS = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """One kind of list: the member of its result, and the member of an item that names it."""

    member: str
    key: str
    prefixed: bool
    capability: str


LISTINGS = {
    "tools/list": Listing("tools", "name", True, "tools"),
    "prompts/list": Listing("prompts", "name", True, "prompts"),
    "resources/list": Listing("resources", "uri", False, "resources"),
    "resources/templates/list": Listing("resourceTemplates", "uriTemplate", False, "resources"),
    "tasks/list": Listing("tasks", "taskId", False, "tasks"),
}
NAMED = {"tools/call": "tools", "prompts/get": "prompts"}


@dataclass(frozen=True, slots=True)
class OwnName:
    """What a tool is called ``here`` and at the upstream whose it is (``who``).

    ``spelled`` is how nearly everybody writes it behind the beginning of a call's params, b"" where its name
    may be spelled otherwise; ``instead`` what stands there for the upstream.
    """

    who: str
    here: str
    own: str
    spelled: bytes = b""
    instead: bytes = b""


class Names:
    """What one client has been shown: whose each name and URI is. A name that two claim is nobody's.

    ``dropped`` are those, each with the upstreams that claim it.
    """

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self._prefixes = {upstream.name: upstream.spec.prefix for upstream in upstreams}
        self._unprefixed = [who for who, prefix in self._prefixes.items() if not prefix]
        self._owners: dict[tuple[str, str], str] = {}
        self._learned: dict[str, str] = {}
        self.dropped: dict[tuple[str, str], set[str]] = {}
        self.known: set[str] = set()
        """Members whose lists have been asked for."""
        self.ways: dict[str, OwnName] = {}
        """Whose a tool is, by its name here, while nothing above changes."""

    def __repr__(self) -> str:
        return f"<Names {len(self._owners)} dropped={len(self.dropped)}>"

    @property
    def changes(self) -> bool:
        """Whether names are other than the upstreams' own."""
        return any(self._prefixes.values())

    def prefix(self, upstream: str) -> str:
        return self._prefixes[upstream]

    def forget(self, member: str) -> None:
        """The list begins anew."""
        self.known.add(member)
        self.ways.clear()
        for key in [key for key in self._owners if key[0] == member]:
            del self._owners[key]
        for key in [key for key in self.dropped if key[0] == member]:
            del self.dropped[key]

    def outdated(self, members: Sequence[str]) -> None:
        """These lists may be others now."""
        self.known.difference_update(members)
        self.ways.clear()

    def claim(self, member: str, name: str, upstream: str) -> bool:
        """``upstream`` offers what clients see as ``name``; False where another does so, too."""
        self.ways.clear()
        owner = self._owners.setdefault((member, name), upstream)
        if owner == upstream:
            return True
        self._owners[(member, name)] = AMBIGUOUS
        self.dropped.setdefault((member, name), {owner} - {AMBIGUOUS}).add(upstream)
        return False

    def owner(self, member: str, name: str) -> str | None:
        """Whose it is by the lists: None for one that none shows, AMBIGUOUS for one of several."""
        return self._owners.get((member, name))

    def by_prefix(self, name: str) -> list[str]:
        """The upstreams whose names begin as ``name`` does; the longest beginning first."""
        found = [who for who, prefix in self._prefixes.items() if prefix and name.startswith(prefix)]
        return found if len(found) < 2 else sorted(found, key=lambda who: -len(self._prefixes[who]))

    def unprefixed(self) -> list[str]:
        return self._unprefixed

    def learn(self, uri: str, upstream: str) -> None:
        """``upstream`` named this resource in an answer."""
        if len(self._learned) >= URIS_LEARNED:
            del self._learned[next(iter(self._learned))]
        self._learned.setdefault(uri, upstream)

    def owner_of_uri(self, uri: str) -> str | None:
        """Whose a resource is, by the lists, a template, an answer or its beginning; None for nobody's."""
        for member in ("resources", "resourceTemplates"):
            found = self._owners.get((member, uri))
            if found is not None:
                return found
        if uri in self._learned:
            return self._learned[uri]
        fitting = {who for (member, text), who in self._owners.items() if _fits(member, text, uri)}
        if len(fitting) == 1:
            return fitting.pop()
        return self._near(uri, _place) or self._near(uri, _scheme)

    def _near(self, uri: str, part: Callable[[str], str]) -> str | None:
        """The one upstream whose resources begin as ``uri`` does."""
        near = {
            who
            for (member, text), who in self._owners.items()
            if member in ("resources", "resourceTemplates") and part(text) == part(uri)
        }
        return near.pop() if len(near) == 1 else None


def _fits(member: str, template: str, uri: str) -> bool:
    """Whether a URI template (RFC 6570, simple expansions) may have given ``uri``."""
    if member != "resourceTemplates":
        return False
    at = 0
    for part in _literals(template):
        found = uri.find(part, at)
        if found < 0 or (at == 0 and found):
            return False
        at = found + len(part)
    return template.endswith("}") or at == len(uri)


def _literals(template: str) -> list[str]:
    parts = [part.rpartition("}")[2] for part in template.split("{")]
    return [part for part in parts if part]


def _scheme(uri: str) -> str:
    return uri.partition(":")[0]


def _place(uri: str) -> str:
    """Scheme and authority."""
    scheme, colon, rest = uri.partition(":")
    if not colon:
        return uri
    return f"{scheme}:{rest[2:].partition('/')[0]}" if rest.startswith("//") else scheme
