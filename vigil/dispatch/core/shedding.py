"""What of a region's scheduled checks is sent when the region cannot keep up, and whose turn it is. Pure.

A region under strain is sent less at once and more again slowly, as TCP does it. What is left out is shared fairly:
every monitor keeps the same part of its slots, evenly spaced, whatever its place in a queue. Confirming checks,
heartbeats and alerts are never shed: they do not pass here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

#: A region whose oldest waiting check is older than this (ms) has too much to do.
OLD_MS = 5_000
#: So many batches nobody has taken from the region's queue: its worker cannot even read its orders.
WAITING_BATCHES = 20
#: Of its share, a region under strain keeps this part each time; one at rest gains this much a second.
CUT, GAIN = 0.8, 0.02
#: No monitor is left without any check.
LEAST_SHARE = 0.05


class RegionLoad(StrEnum):
    """How a region fares with what it is sent."""

    AT_REST = "at_rest"
    OLD_CHECKS = "old_checks"
    FULL_QUEUE = "full_queue"


@dataclass(frozen=True, slots=True)
class Strain:
    """What is known of a region's load. `waiting` counts batches in its queue; `status_ms` dates `queue_age_ms`."""

    waiting: int = 0
    queue_age_ms: int = 0
    status_ms: int = 0


class Shares:
    """The part of its scheduled checks that each region is sent, 1.0 for all."""

    def __init__(self) -> None:
        self._shares: dict[str, float] = {}
        self._judged_ms: dict[str, int] = {}

    def of(self, region: str) -> float:
        return self._shares.get(region, 1.0)

    def strained(self) -> Mapping[str, float]:
        """The regions that are sent less than all."""
        return dict(self._shares)

    def judge(self, region: str, strain: Strain) -> RegionLoad:
        """Take one look at a region, about once a second; a status's age of the queue counts once."""
        load = RegionLoad.AT_REST
        if strain.waiting >= WAITING_BATCHES:
            load = RegionLoad.FULL_QUEUE
        elif strain.queue_age_ms > OLD_MS and self._judged_ms.get(region) != strain.status_ms:
            load = RegionLoad.OLD_CHECKS
        self._judged_ms[region] = strain.status_ms
        share = self.of(region)
        share = min(1.0, share + GAIN) if load is RegionLoad.AT_REST else max(LEAST_SHARE, share * CUT)
        if share < 1.0:
            self._shares[region] = share
        else:
            self._shares.pop(region, None)
        return load

    def forget_all_but(self, regions: Collection[str]) -> None:
        """Drop what is known of regions that watch nothing any more."""
        for gone in (self._shares.keys() | self._judged_ms.keys()) - set(regions):
            self._shares.pop(gone, None)
            self._judged_ms.pop(gone, None)


def is_kept(monitor: str, slot: int, share: float) -> bool:
    """Whether the check of a monitor's slot (counted in intervals since the epoch) is sent at this share.

    Of any run of slots a monitor keeps `share` of them, to within one, and monitors take turns.
    """
    turn = blake2b(monitor.encode(), digest_size=4).digest()
    start = int.from_bytes(turn) / 2**32
    return int((slot + 1) * share + start) > int(slot * share + start)
