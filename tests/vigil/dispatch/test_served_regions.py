"""Regions that dispatch serves: those in quarantine are known, since no canary is to pay for their answers."""

from __future__ import annotations

import redis

from consensus.verdicts import Quarantine
from consensus.vocabulary import Exclusion
from probes import keys
from probes.queue.sender import RegionQueues
from tests import signed
from vigil.dispatch.bus import Bus
from vigil.dispatch.served_regions import ServedRegions


def test_quarantines_are_read_and_those_that_cannot_be_are_the_last_ones(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        bus = Bus(client, RegionQueues(redis_url, signed.control_signer()))
        bus.clock.measure()
        regions = ServedRegions(bus)
        now_ms = bus.clock.now_ms()
        found = []
        for quarantines in ([Quarantine(1, "eu-west", now_ms, Exclusion.SICK)], None, []):
            if quarantines is None:
                client.delete(keys.QUARANTINED)
            else:
                signed.hold_quarantines(client, *quarantines)
            regions.read([], now_ms)
            found.append(set(regions.quarantined))
        assert found == [{"eu-west"}, {"eu-west"}, set()]
