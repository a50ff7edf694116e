"""What is read once for a batch of writes in one transaction: configuration that does not change from row to row."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_memory: ContextVar[dict[Hashable, Any] | None] = ContextVar("batch", default=None)


@contextlib.contextmanager
def batch() -> Iterator[None]:
    """Within it, `read_once` remembers. Keep it as short as the transaction it belongs to."""
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def read_once(key: Hashable, read: Callable[[], T]) -> T:
    """What `read` gives; in a batch, what it gave for this key the first time."""
    memory = _memory.get()
    if memory is None:
        return read()
    if key not in memory:
        memory[key] = read()
    found: T = memory[key]
    return found
