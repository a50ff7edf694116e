"""Shards: parts of all monitors, each with its own leader, and the law by which a change of their number is settled.

A monitor belongs to one shard, by a hash of its name. The number of shards is committed with an epoch (the shard map).
Processes of two maps may run beside each other while the number changes: rounds are the same for both, and a round is
applied once, so that both may decide. Those of the map that is gone stand back once every shard of the present one is
led, and lead again when one of them is not. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from zlib import crc32

import msgspec
from msgspec import Meta

from probes.message_decoder import Count, MessageDecoder, Revision

#: More shards than this are a mistake: each reads all entries.
SHARDS_MOST = 64
MAP_VERSION = 1


class ShardStanding(StrEnum):
    """Whether a process may lead its shard, and why."""

    PRESENT = "present"
    NO_MAP = "no_map"
    NOT_SUCCEEDED = "not_succeeded"
    SUCCEEDED = "succeeded"

    @property
    def may_lead(self) -> bool:
        return self is not ShardStanding.SUCCEEDED


class ShardMap(msgspec.Struct, frozen=True, array_like=True):
    """How many shards there are; `epoch` grows with each change."""

    v: Count
    shards: Annotated[int, Meta(ge=1, le=SHARDS_MOST)]
    epoch: Revision


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shards, from 0."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.count <= SHARDS_MOST and 0 <= self.index < self.count):
            raise ValueError(f"a shard is 0 to {self.count - 1} of {self.count}, and there are at most {SHARDS_MOST}")

    @property
    def is_whole(self) -> bool:
        """Whether it has all monitors."""
        return self.count == 1

    @property
    def is_first(self) -> bool:
        """Whether it does what is done once for all shards."""
        return self.index == 0

    @property
    def name(self) -> str:
        """Its name in messages and logs; "" for the whole."""
        return "" if self.is_whole else f"{self.index}of{self.count}"

    def owns(self, monitor: str) -> bool:
        return self.count == 1 or shard_of(monitor, self.count) == self.index

    def named(self, word: str) -> str:
        """The name of what each shard has for itself, such as a lease: the word alone for the whole."""
        return word if self.is_whole else f"{word}/{self.name}"


WHOLE = Shard()


def shard_of(monitor: str, shards: int) -> int:
    """The shard that a monitor, or a region, belongs to: from 0, the same in every process and release."""
    return crc32(monitor.encode()) % shards


def shards_of(count: int) -> list[Shard]:
    """All shards of a map."""
    return [Shard(index, count) for index in range(count)]


def latest(known: ShardMap | None, heard: ShardMap | None) -> ShardMap | None:
    """The map that counts: epochs never go back, and a map that is not heard of any more stays."""
    if known is None or (heard is not None and heard.epoch > known.epoch):
        return heard
    return known


def standing(shard: Shard, present: ShardMap | None, led: Collection[str]) -> ShardStanding:
    """Whether a process of this shard may lead. `led` names the shards that are led now."""
    if present is None:
        return ShardStanding.NO_MAP
    if present.shards == shard.count:
        return ShardStanding.PRESENT
    succeeded = all(one.name in led for one in shards_of(present.shards))
    return ShardStanding.SUCCEEDED if succeeded else ShardStanding.NOT_SUCCEEDED


_encoder = msgspec.msgpack.Encoder()
decode_map: MessageDecoder[ShardMap] = MessageDecoder(ShardMap, 1_000)


def encode_map(shards: ShardMap) -> bytes:
    return _encoder.encode(shards)
