"""The short way of a plain call: one request of a client on HTTP, for one upstream, that nothing can touch.

It consists of the same things as any other call (an exchange, what is asked, what is owed), which stand where
they always stand: whatever comes in between finds it there, and it goes on the usual way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.gateway.fan import Fan
from mcpscope.gateway.owed import restored
from mcpscope.protocol.message import Kind, Message

if TYPE_CHECKING:
    from mcpscope.gateway.asked import Asked
    from mcpscope.gateway.owed import Pending
    from mcpscope.session.bridge_child import ChildSession
    from mcpscope.session.bridge_post import BridgePost
    from mcpscope.session.http_log import Journal, JournalRecord

_MEMBERS = frozenset({"name", "arguments", "_meta"})


class Lane:
    """Decides which calls go the short way, before anything of them has left or was written down."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __repr__(self) -> str:
        return f"<Lane {self._journal!r}>"

    def takes(self, post: BridgePost, child: ChildSession, message: Message) -> bool:
        """Send what ``post`` asks of ``child`` on its way; False where it has to go the usual one."""
        fan = child.process
        # What must be in the journal before it goes on is looked at one by one.
        if self._journal.required or not isinstance(fan, Fan) or not _is_plain(message):
            return False
        if not child.is_plain:
            return False
        found = fan.direct(message, modern=post.modern)
        if found is None:
            return False
        link, sent = found
        line = link.line
        if line is None or not line.is_free(modern=post.modern):
            return False
        records = child.take_call(post, message)
        if not records:
            return False
        asked = fan.began(message, modern=post.modern)
        pending = fan.pend(link, asked, sent)
        line.carry(PlainCall(child, post, fan, asked, pending, self._journal, records))
        return True


class PlainCall:
    """One call on the short way, until it is answered."""

    __slots__ = ("_answered", "_asked", "_child", "_fan", "_journal", "_post", "_records", "pending")

    def __init__(
        self,
        child: ChildSession,
        post: BridgePost,
        fan: Fan,
        asked: Asked,
        pending: Pending,
        journal: Journal,
        records: tuple[JournalRecord, ...],
    ) -> None:
        self._child = child
        self._post = post
        self._fan = fan
        self._asked = asked
        self.pending = pending
        self._answered = pending.answered
        self._journal = journal
        self._records = records

    def __repr__(self) -> str:
        return f"<PlainCall {self.pending.id!r} on {self.pending.link.name}>"

    def write_down(self, records: tuple[JournalRecord, ...]) -> None:
        """Put the request into the journal, and what the upstream's side has to say of it."""
        self._journal.append_all(self._records + records, self._child.crossing.now())

    def fits(self, answer: Message) -> bool:
        """Whether ``answer`` is the whole answer to it, and everything is as it was when it left."""
        pending, post = self.pending, self._post
        id = pending.sent.id
        return (
            not answer.method
            and not answer.problems
            and answer.id == id
            and type(answer.id) is type(id)
            and pending in pending.link.owed
            and pending.answered is self._answered
            and not self._asked.over
            and not (post.over or post.streaming)
            and self._child.is_plain
        )

    def answer(self, found: Message, records: tuple[JournalRecord, ...], at: int) -> None:
        """Give the client its answer; ``records`` say how it came from the upstream ``at`` this moment."""
        fan, pending, asked = self._fan, self.pending, self._asked
        link = pending.link
        link.owed.forget(pending)
        fan.learn(link, found)
        fan.settled(asked)
        asked.pendings.clear()  # what is over is gone at once, without the collector
        self._child.answer(self._post, restored(found, pending), records, at)


_REQUEST = Kind.REQUEST  # to look it up costs more than to compare


def _is_plain(message: Message) -> bool:
    """A call that asks for nothing but its answer, and that says what it seems to say."""
    if message.kind is not _REQUEST or message.method != "tools/call" or message.problems:
        return False
    params = message.body.get("params")
    if type(params) is not dict or not params.keys() <= _MEMBERS:
        return False
    meta = params.get("_meta")
    return meta is None or (type(meta) is dict and "progressToken" not in meta)
