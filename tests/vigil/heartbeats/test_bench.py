"""The benchmark of pings counts what it is told to count: its generator against a real receiver."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis

from probes import keys
from tests.streams import entries
from tests.vigil.heartbeats.conftest import Listening
from tests.vigil.heartbeats.jobs import job
from tests.waiting import until
from vigil.bench.ping.load import LoadPlan, call
from vigil.heartbeats.core.pings.wire import decode
from vigil.heartbeats.models import SpooledEntry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("rate", "burst"), [(0, 0), (50, 40)])
def test_what_the_generator_calls_acknowledged_is_on_the_log(
    tmp_path: Path, test_database_url: str, redis_url: str, rate: int, burst: int
) -> None:
    receiver = Listening(test_database_url, redis_url)
    receiver.wait_settled()
    codes = {str(job(f"job {number}").code) for number in range(20)}
    # Pings to addresses that the receiver has not read yet are limited, and answered all the same.
    until(lambda: codes <= (receiver.at_work.known.names or set()), "the addresses")
    (tmp_path / "codes").write_text("\n".join(codes))
    told = asyncio.run(call(LoadPlan(receiver.port, tmp_path, 1, rate, burst, connections=8, run="test")))
    receiver.close()
    acked = (tmp_path / "acked").read_text().split()
    client = redis.Redis.from_url(redis_url)
    # A busy machine may take Redis for away: what it does not take in time is on the log's table.
    payloads = [fields[keys.BODY] for _, fields in entries(client, keys.PINGS)]
    payloads += [bytes(entry) for entry in SpooledEntry.objects.values_list("entry", flat=True)]
    logged = {ping.rid for payload in payloads for ping in decode(payload).pings}
    assert told["acknowledged"] == len(acked) > 40
    assert set(acked) <= logged
    assert told["never_sent"] == told["broken"] == 0
    if rate:
        assert told["called"] >= 45 + burst
