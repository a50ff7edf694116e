"""One boundary of the system for the poison suite: how a hostile message is made, and what holds when it is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from tests.poison.changes import changed, changed_bytes


@dataclass(frozen=True, slots=True)
class Boundary:
    """`made` makes a message by chance; `read` is the code that meets it, and the assertions on what it lets through.

    Whatever `read` raises fails the test: it knows the one error that its reader documents. `weight` is its part of
    the cases: less for what is slow to read.
    """

    made: Callable[[Random], Any]
    read: Callable[[Any], None]
    weight: float = 1.0


def packed(*samples: object) -> Callable[[Random], bytes]:
    """Makes MessagePack of these messages with parts and bytes of it changed."""
    trees = [msgspec.msgpack.decode(msgspec.msgpack.encode(sample)) for sample in samples]

    def made(dice: Random) -> bytes:
        return changed_bytes(msgspec.msgpack.encode(changed(dice.choice(trees), dice)), dice)

    return made


def assert_storable(value: object) -> None:
    """Every text can go into PostgreSQL and UTF-8, and every number into JSON."""
    plain = msgspec.to_builtins(value)
    json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()
    assert not any("\0" in text for text in texts_of(plain))


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a document, also the names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (*texts_of(name), *texts_of(one))
    elif isinstance(value, list):
        for one in value:
            yield from texts_of(one)
