"""Ends never block, and never change what others hold of them."""

from __future__ import annotations

import os
import socket

import pytest

from mcpscope.transports.ends import FdDrain, FdSource, PolledDrain, SocketEnd, open_drain, open_source

pytestmark = pytest.mark.timeout(30)


def fill(drain: FdDrain | PolledDrain | SocketEnd, data: bytes) -> int:
    """Write until nothing more is taken; how much was."""
    taken = 0
    with pytest.raises(BlockingIOError):
        while True:
            taken += drain.write(data)
    return taken


def test_a_pipe_in_blocking_mode_is_filled_and_never_waited_for() -> None:
    out, into = os.pipe()
    taken = fill(PolledDrain(into), b"x" * 100_000)
    assert 0 < taken <= 65536
    assert os.get_blocking(into)
    os.read(out, 8192)
    assert PolledDrain(into).write(b"y" * 100_000) >= 4096
    os.close(out)
    os.close(into)


def test_an_inherited_pipe_is_opened_once_more() -> None:
    out, into = os.pipe()
    kept_out, kept_into = os.dup(out), os.dup(into)
    source, drain = open_source(out), open_drain(into)
    assert isinstance(drain, FdDrain)
    assert fill(drain, b"x" * 4096) == 65536
    assert os.get_blocking(kept_out)
    assert os.get_blocking(kept_into)
    buffer = bytearray(1 << 20)
    assert source.read_into(buffer) == 65536
    with pytest.raises(BlockingIOError):
        source.read_into(buffer)
    drain.close()
    os.close(kept_into)
    assert source.read_into(buffer) == 0
    source.close()
    os.close(kept_out)


def test_a_socket_is_asked_call_by_call() -> None:
    ours, theirs = socket.socketpair()
    end = open_drain(ours.detach())
    assert isinstance(end, SocketEnd)
    with pytest.raises(BlockingIOError):
        end.read_into(bytearray(10))
    assert fill(end, b"x" * 65536) > 0
    theirs.sendall(b"answer")
    buffer = bytearray(10)
    assert end.read_into(buffer) == 6
    theirs.close()
    with pytest.raises(BrokenPipeError):
        end.write(b"x")
    end.close()


def test_only_a_pipe_of_our_making_grows() -> None:
    out, into = os.pipe()
    os.set_blocking(into, False)
    FdSource(out).grow(262_144)
    assert fill(FdDrain(into), b"x" * 4096) == 65536
    FdDrain(into, own=True).grow(262_144)
    assert fill(FdDrain(into), b"x" * 4096) == 262_144 - 65536
    os.close(out)
    os.close(into)
