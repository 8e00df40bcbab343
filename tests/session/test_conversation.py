"""A message that nothing can touch is written down with the HTTP that carried it, before it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest

from mcpscope.protocol.message import Direction, Message
from mcpscope.protocol.parsing import parse
from mcpscope.session.conversation import Conversation, Helmed
from mcpscope.session.crossing import DIR
from mcpscope.session.http_facts import Facts
from mcpscope.session.http_log import NotRecorded, StreamLog
from mcpscope.store.records import RecordType
from mcpscope.transports.http_head import RequestHead
from mcpscope.transports.secret_mask import Mask
from tests.session.relay import MemoryJournal

CALL = parse(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}')
STREAM = 7


class Written:
    """A port that remembers what the journal had when a message came to it."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal
        self.before: list[RecordType] = []

    def forward(self, direction: Direction, message: Message, stream: int, of: int, *, changed: bool) -> None:
        self.before = [entry.type for entry in self._journal.entries]

    def send(self, direction: Direction, data: bytes, stream: int, answers: int) -> bool:
        return True

    def swallowed(self, direction: Direction, stream: int, of: int) -> None: ...
    def close_channel(self, direction: Direction, stream: int) -> None: ...


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def log(journal: MemoryJournal) -> StreamLog:
    mask = Mask()
    made = StreamLog(journal, Facts(mask), mask, session=1, stream=STREAM, clock=lambda: 1)
    head = RequestHead(b"POST", b"/mcp", [])
    made.opened(head, era="legacy", peer="local", caller="", kept=False, more=True)
    return made


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with closing(asyncio.new_event_loop()) as made:
        yield made


def passing(
    loop: asyncio.AbstractEventLoop, journal: MemoryJournal, log: StreamLog, *, more: bool
) -> list[RecordType]:
    """What was in the journal when the call was forwarded."""
    port = Written(journal)
    conversation = Conversation(loop, journal, Helmed(), 1, port, Mask())
    conversation.received(Direction.TO_SERVER, CALL, STREAM, beside=(log, more))
    return port.before


def test_a_message_and_the_head_before_it_are_there_when_it_goes_on(
    loop: asyncio.AbstractEventLoop, journal: MemoryJournal, log: StreamLog
) -> None:
    assert passing(loop, journal, log, more=False) == [RecordType.STREAM_OPEN, RecordType.MESSAGE]
    assert journal.entries[1].payload == CALL.raw
    assert journal.entries[1].dir == DIR[Direction.TO_SERVER]


def test_a_message_may_wait_for_what_carries_it_on(
    loop: asyncio.AbstractEventLoop, journal: MemoryJournal, log: StreamLog
) -> None:
    assert passing(loop, journal, log, more=True) == []
    log.closed("server")
    kinds = [entry.type for entry in journal.entries]
    assert kinds == [RecordType.STREAM_OPEN, RecordType.MESSAGE, RecordType.STREAM_CLOSE]


def test_where_the_record_is_demanded_nothing_waits(
    loop: asyncio.AbstractEventLoop, journal: MemoryJournal, log: StreamLog
) -> None:
    journal.required = True
    assert passing(loop, journal, log, more=True) == [RecordType.STREAM_OPEN, RecordType.MESSAGE]


def test_where_the_record_is_demanded_and_fails_nothing_goes_on(
    loop: asyncio.AbstractEventLoop, journal: MemoryJournal, log: StreamLog
) -> None:
    journal.required, journal.fault = True, "the disk is full"
    port = Written(journal)
    conversation = Conversation(loop, journal, Helmed(), 1, port, Mask())
    with pytest.raises(NotRecorded, match="the disk is full"):
        conversation.received(Direction.TO_SERVER, CALL, STREAM, beside=(log, True))
    assert port.before == []
