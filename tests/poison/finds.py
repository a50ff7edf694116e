"""Finds of the poison suite: a message that broke its reader, made small, in a file that makes it again.

A find that was mended stays a test: its file moves to `corpus/`.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.poison.boundaries import BOUNDARIES, message_of

CORPUS = Path(__file__).parent / "corpus"
#: How long a message is made smaller (s).
SHRINK_S = 30.0


@dataclass(frozen=True, slots=True)
class Find:
    """A case that failed. `message` is what its reader broke at, where it is text or bytes; else the case makes it."""

    boundary: str
    seed: int
    case: int
    error: str
    message: Any = None

    def read(self) -> None:
        """Read it again; raises what it raised while it is not mended."""
        message = message_of(self.boundary, self.seed, self.case) if self.message is None else _out(self.message)
        BOUNDARIES[self.boundary].read(message)

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        words = re.sub(r"[^a-z0-9]+", "-", self.boundary.lower()).strip("-")
        path = folder / f"{words}-{self.seed}-{self.case}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return path


def find_of(name: str, seed: int, case: int, error: BaseException) -> Find:
    """The find of a case that raised this, with the smallest message that raises the same."""
    small = smallest(message_of(name, seed, case), lambda message: _raises(name, message, type(error)))
    return Find(name, seed, case, f"{type(error).__name__}: {error}"[:500], _in(small))


def read_find(path: Path) -> Find:
    return Find(**json.loads(path.read_text()))


def smallest(message: Any, breaks: Callable[[Any], bool], within_s: float = SHRINK_S) -> Any:
    """The message with parts taken away while it still breaks its reader; of a tuple the last part is made smaller."""
    if isinstance(message, tuple):
        *before, last = message
        return (*before, smallest(last, lambda one: breaks((*before, one)), within_s))
    if not isinstance(message, str | bytes):
        return message
    join = message[:0].join
    found: Any = message
    ends_s, size = time.monotonic() + within_s, max(1, len(found) // 2)
    while size:
        at, before = 0, found
        while at < len(found) and time.monotonic() < ends_s:
            shorter = join((found[:at], found[at + size :]))
            if breaks(shorter):
                found = shorter
            else:
                at += size
        size = size if size == 1 and found != before else size // 2
    return found


def _raises(name: str, message: Any, kind: type[BaseException]) -> bool:
    try:
        BOUNDARIES[name].read(message)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is compared
        return type(error) is kind
    return False


def _in(message: Any) -> Any:
    """A message as JSON holds it; None for what is neither text nor bytes nor a tuple of them."""
    if isinstance(message, bytes):
        return {"bytes": b64encode(message).decode()}
    if isinstance(message, str):
        return {"text": b64encode(message.encode("utf-8", "surrogatepass")).decode()}
    if isinstance(message, tuple):
        parts = [_in(one) for one in message]
        return None if None in parts else {"parts": parts}
    return None


def _out(kept: Any) -> Any:
    if "parts" in kept:
        return tuple(_out(one) for one in kept["parts"])
    if "bytes" in kept:
        return b64decode(kept["bytes"])
    return b64decode(kept["text"]).decode("utf-8", "surrogatepass")
