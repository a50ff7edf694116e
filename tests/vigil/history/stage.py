"""A stage for history: a monitor watched from two regions, results on real streams, hours that are over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import redis

from consensus.shards import WHOLE, Shard
from probes.process.health import Health
from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from tests.signed import report as tell
from vigil.history.core.packing import HOUR_MS
from vigil.history.recording.service import Recorder, RecorderTimings
from vigil.history.storage import daily_rollup, packer
from vigil.monitors.models import Monitor, Region

#: Writes at every turn; packs as soon as an hour is over.
AT_ONCE = RecorderTimings(write_s=0.0, settled_after=timedelta(0), housekeeping_s=0.0)


@dataclass
class Stage:
    """What a test does in the place of the regions, and the recorder one turn at a time."""

    client: redis.Redis
    monitor: Monitor
    regions: dict[str, Region]

    def now_ms(self) -> int:
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    @property
    def last_hour(self) -> int:
        return self.now_ms() // HOUR_MS - 1

    def result(
        self,
        at_ms: int,
        status: Status = Status.UP,
        reason: Reason = Reason.OK,
        total_us: int = 80_000,
        monitor: str = "",
    ) -> Result:
        name = monitor or self.monitor.public_id
        return Result(
            1, name, at_ms, status, reason, at_ms + 40, Phases(total_us=total_us, first_byte_us=total_us // 2)
        )

    def report(self, region: str, *results: Result, entry: str = "*") -> str:
        return tell(self.client, region, *results, entry_id=entry)

    def hour_of_results(self, hour: int, region: str = "eu", every_ms: int = 60_000) -> list[Result]:
        return [self.result(hour * HOUR_MS + at) for at in range(7_000, HOUR_MS, every_ms)]

    def recorder(self, pace: RecorderTimings = AT_ONCE, shard: Shard = WHOLE) -> Recorder:
        return Recorder(self.client, Health("record", stale_after_s=60), pace, shard=shard)

    def pack(self, hour: int) -> None:
        while packer.pack_some(hour):
            pass
        packer.drop_packed_chunks()

    def close(self, day: int) -> None:
        while daily_rollup.close_some(day):
            pass
