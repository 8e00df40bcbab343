"""What a filter looks at: one exchange with its messages and the facts of its session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from mcpscope.protocol.message import Message


class Subject(Protocol):
    """An exchange, recorded or live.

    Cheap members first; ``request``, ``answer`` and what follows may have to be loaded and are asked last. A
    live message that is being judged is an exchange in that moment: on the way of a request ``answer`` is
    None and ``kinds`` is ``("request",)``; on the way of its answer ``kinds`` is ``("response",)``. A
    recorded exchange that was answered has both. Names are empty where there is none, numbers None.
    """

    @property
    def seq(self) -> int: ...
    @property
    def kinds(self) -> Sequence[str]: ...
    @property
    def dir(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def tool(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uri(self) -> str: ...
    @property
    def rpc_id(self) -> str:
        """In JSON's spelling: ``1``, ``"1"``, ``1.0``."""
        ...

    @property
    def status(self) -> str: ...
    @property
    def code(self) -> int | None: ...
    @property
    def flags(self) -> Sequence[str]: ...
    @property
    def opened_at(self) -> int:
        """Unix ns."""
        ...

    @property
    def dur_ns(self) -> int | None:
        """From request to answer; None while it is open."""
        ...

    @property
    def wait_ns(self) -> int | None:
        """How long its messages were held."""
        ...

    @property
    def req_bytes(self) -> int | None: ...
    @property
    def res_bytes(self) -> int | None: ...
    @property
    def session_names(self) -> Sequence[str]:
        """The session's number, name, label and uid."""
        ...

    @property
    def client_names(self) -> Sequence[str]: ...
    @property
    def server_names(self) -> Sequence[str]:
        """What the server calls itself, and its label."""
        ...

    @property
    def rules(self) -> Sequence[str]:
        """Names of the rules that acted on its messages."""
        ...

    @property
    def request(self) -> Message | None: ...
    @property
    def answer(self) -> Message | None: ...
    @property
    def bodies(self) -> Iterable[bytes]:
        """The bytes of each of its messages."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """The text of its notes; a stderr line or note is its own."""
        ...
