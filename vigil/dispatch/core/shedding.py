"""Load shedding of scheduled checks, when a region cannot keep up. Pure.

The share of checks falls fast under strain and rises slowly (AIMD, as in TCP). Shedding is fair: every monitor keeps
the same part of its slots, evenly spaced. Confirming checks, heartbeats and alerts are never shed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

#: A region is strained if its oldest waiting check is older than this (ms).
OLD_MS = 5_000
#: A region is strained if this many batches wait in its queue.
WAITING_BATCHES = 20
#: Under strain the share is multiplied by CUT; at rest it gains GAIN a second.
CUT, GAIN = 0.8, 0.02
#: Every monitor keeps some checks.
LEAST_SHARE = 0.05


class RegionLoad(StrEnum):
    """Load state of a region."""

    AT_REST = "at_rest"
    OLD_CHECKS = "old_checks"
    FULL_QUEUE = "full_queue"


@dataclass(frozen=True, slots=True)
class Strain:
    """Load measures of a region. `waiting` counts batches in its queue; `status_ms` dates `queue_age_ms`."""

    waiting: int = 0
    queue_age_ms: int = 0
    status_ms: int = 0


class Shares:
    """Share of scheduled checks sent to each region, 1.0 for all."""

    def __init__(self) -> None:
        self._shares: dict[str, float] = {}
        self._judged_ms: dict[str, int] = {}

    def of(self, region: str) -> float:
        return self._shares.get(region, 1.0)

    def strained(self) -> Mapping[str, float]:
        """Regions with a share below 1."""
        return dict(self._shares)

    def judge(self, region: str, strain: Strain) -> RegionLoad:
        """Judge a region, about once a second; each status counts once."""
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
        """Drop regions without monitors."""
        for gone in (self._shares.keys() | self._judged_ms.keys()) - set(regions):
            self._shares.pop(gone, None)
            self._judged_ms.pop(gone, None)


def is_kept(monitor: str, slot: int, share: float) -> bool:
    """Whether a monitor's slot (intervals since the epoch) is sent at this share: evenly spaced, in turns."""
    turn = blake2b(monitor.encode(), digest_size=4).digest()
    start = int.from_bytes(turn) / 2**32
    return int((slot + 1) * share + start) > int(slot * share + start)
