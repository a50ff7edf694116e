"""Author of a change: who is acting in this context, for what is written to say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and by what means: `API`, `MCP`, `web`, `command line`; empty for Vigil itself."""

    name: str
    via: str = ""


VIGIL = Author("Vigil")
#: Header of a request by which a client says its means, and the names of those that it may say. Who sends it is known
#: by the token, whatever stands there.
VIA_HEADER = "X-Vigil-Via"
_MEANS = {"mcp": "MCP"}


def means_of(header: str | None, otherwise: str) -> str:
    """The means that a client says it acts by; `otherwise` where it says none that is known."""
    return _MEANS.get(header or "", otherwise)


#: Asked when something is written: a request learns who its caller is only on the way there.
_present: ContextVar[Callable[[], Author]] = ContextVar("author", default=lambda: VIGIL)


@contextmanager
def acting(author: Callable[[], Author]) -> Iterator[None]:
    """Within it, changes are of this author."""
    token = _present.set(author)
    try:
        yield
    finally:
        _present.reset(token)


def present_author() -> Author:
    """The author of what is written now."""
    return _present.get()()
