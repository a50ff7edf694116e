"""Faults of libraries on a closed connection are told from faults of ours."""

from __future__ import annotations

import asyncio
import selectors
import struct

import pytest

from probes.net.failures import explain
from probes.reasons import Reason, Status
from probes.transport_faults import is_transport_fault

CLOSED = "unable to perform operation on <TCPTransport closed=True reading=False 0x5>; the handler is closed"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(CLOSED),
        RuntimeError("Cannot write to closing transport"),
        RuntimeError("unable to perform operation on <SSLTransport>; the transport is closed"),
        asyncio.InvalidStateError("invalid state"),
        asyncio.IncompleteReadError(b"+O", 5),
        BufferError("Existing exports of data: object cannot be re-sized"),
        struct.error("unpack requires a buffer of 4 bytes"),
        ValueError("file descriptor cannot be a negative integer (-1)"),
        ValueError("I/O operation on closed file."),
        AttributeError("'NoneType' object has no attribute 'writelines'"),
        KeyError("9 is not registered"),
    ],
    ids=repr,
)
def test_what_a_closed_connection_does_to_a_library_is_a_reset(error: Exception) -> None:
    assert is_transport_fault(error)
    assert explain(error) == (Status.DOWN, Reason.RESET, "connection reset")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Event loop is closed"),
        RuntimeError("got Future attached to a different loop"),
        RuntimeError("maximum recursion depth exceeded"),
        RuntimeError("dictionary changed size during iteration"),
        ValueError("invalid literal for int() with base 10: 'x'"),
        AttributeError("'Batch' object has no attribute 'lane'"),
        KeyError("region"),
        TypeError("unsupported operand"),
    ],
    ids=repr,
)
def test_a_fault_of_ours_is_none(error: Exception) -> None:
    assert not is_transport_fault(error)
    assert explain(error) is None


def test_the_words_are_those_of_the_library() -> None:
    with selectors.SelectSelector() as selector, pytest.raises(KeyError) as raised:
        selector.unregister(0)
    assert is_transport_fault(raised.value)
