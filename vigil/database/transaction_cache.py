"""Transaction cache: configuration read once per batch of writes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_memory: ContextVar[dict[Hashable, Any] | None] = ContextVar("batch", default=None)


@contextlib.contextmanager
def batch() -> Iterator[None]:
    """Scope in which `read_once` caches. Keep it as short as its transaction."""
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def read_once(key: Hashable, read: Callable[[], T]) -> T:
    """Result of `read`; within a batch, the cached one of this key."""
    memory = _memory.get()
    if memory is None:
        return read()
    if key not in memory:
        memory[key] = read()
    found: T = memory[key]
    return found
