"""Faults of libraries on a connection that was closed under them: a client takes the server to be away. Pure.

A connection that a reset or a deadline closes while a library writes to it, reads from it or closes it makes the
library fail in its own code, with an exception of its own and not with one of the network.
"""

from __future__ import annotations

import asyncio
import struct

#: Whatever their text: a protocol's state or buffer that is gone, or bytes cut off in the middle.
_ALWAYS = (asyncio.InvalidStateError, BufferError, EOFError, struct.error)
#: Of exceptions that may say anything: what these say of a transport or a descriptor that is gone.
_SAYING: tuple[tuple[type[Exception], tuple[str, ...]], ...] = (
    (RuntimeError, ("handler is closed", "closing transport", "transport is closed", "transport closed",
                    "not connected", "is closing", "already closed", "closed=True", "socket is closed",
                    "connection is closed")),
    (ValueError, ("file descriptor cannot be a negative integer", "Invalid file descriptor", "Invalid file object",
                  "closed file", "read of closed")),
    (AttributeError, ("'NoneType' object has no attribute",)),
    (KeyError, ("is not registered",)),
)  # fmt: skip
#: The process itself is ending, or has mixed up its loops.
_OURS = ("Event loop is closed", "different loop", "no running event loop")


def is_transport_fault(error: BaseException) -> bool:
    """Whether a library failed because the connection under it was closed. OSError has its own tables."""
    if isinstance(error, _ALWAYS):
        return True
    text = str(error)
    if any(word in text for word in _OURS):
        return False
    return any(isinstance(error, kind) and any(word in text for word in words) for kind, words in _SAYING)
