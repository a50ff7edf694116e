"""Regions that dispatch serves: their last statuses, and the share of the checks that each of them can take."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from probes.wire import RegionStatus
from vigil.dispatch.bus import Bus
from vigil.dispatch.core.shedding import RegionLoad, Shares, Strain, is_kept

log = structlog.get_logger()

#: A region is served this long after its last status, even if Redis has lost the key.
ALIVE_MS = 45_000


class ServedRegions:
    """Every region with a recent status. Methods raise `redis.RedisError` when Redis is away."""

    def __init__(self, bus: Bus) -> None:
        self.statuses: dict[str, RegionStatus] = {}
        #: Those whose answers would not count.
        self.quarantined: frozenset[str] = frozenset()
        self._bus = bus
        self._shares = Shares()

    def read(self, regions: Collection[str], now_ms: int) -> None:
        """Read the statuses; one that is missing now counts until it is old."""
        alive = {region: status for region, status in self.statuses.items() if now_ms - status.at_ms < ALIVE_MS}
        self.statuses = {**alive, **self._bus.statuses(regions)}
        quarantined = self._bus.quarantined()
        self.quarantined = self.quarantined if quarantined is None else quarantined

    def shed(self) -> None:
        """Shed load of regions that cannot keep up, and publish that."""
        before = self._shares.strained()
        for region, waiting in self._bus.waiting_batches(self.statuses).items():
            status = self.statuses[region]
            load = self._shares.judge(region, Strain(waiting, status.queue_age_ms, status.at_ms))
            if load is not RegionLoad.AT_REST:
                log.warning("region.shedding", region=region, why=load, share=round(self._shares.of(region), 3))
        self._shares.forget_all_but(self.statuses)
        if before or self._shares.strained():
            self._bus.publish_shares(self._shares.strained())

    def takes(self, region: str, monitor: str, turn: int) -> bool:
        """Whether a region that is alive takes this check of a monitor, the `turn`th since the epoch."""
        if region not in self.statuses:
            return False
        share = self._shares.of(region)
        return share >= 1.0 or is_kept(monitor, turn, share)
