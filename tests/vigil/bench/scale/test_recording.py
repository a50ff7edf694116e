"""Recorded results are what workers would write in the window ahead, and are played at their moments."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
import redis
import redis.asyncio

from probes import keys
from probes.reasons import Reason, Refusal, Status
from probes.signing.control_macs import ControlMacs
from probes.signing.region_keyring import RegionKeyring
from probes.wire import WIRE_VERSION, Phases, Result
from vigil.bench.region_keys import simulated_list
from vigil.bench.scale.playback import play
from vigil.bench.scale.recording import BATCH_MOST, AheadRecorder, RecordedLoad, entries
from vigil.cli.errors import CommandError

AGE_MOST_MS = 420_000
MACS = ControlMacs([bytes(32)])


def load(monitors: int = 40, *, sick: frozenset[str] = frozenset()) -> RecordedLoad:
    names = [(f"mon_{place:04d}", 3) for place in range(monitors)]
    return RecordedLoad(names, ["east", "west"], interval_ms=1_000, window_ms=2_000, sick=sick, sick_from_ms=1_000)


def ended(at_ms: int, status: Status = Status.UP) -> tuple[int, Result]:
    return at_ms, Result(WIRE_VERSION, "mon_1", at_ms, status, Reason.OK, at_ms, Phases())


def test_passes_wait_for_others_and_a_failure_for_none() -> None:
    found = list(entries([ended(0), ended(100), ended(300), ended(310, Status.DOWN), *[ended(900)] * BATCH_MOST]))

    assert [(at_ms, len(batch)) for at_ms, batch in found] == [(220, 2), (330, 2), (920, BATCH_MOST)]


def test_an_entry_counts_at_its_moment_and_not_long_before(tmp_path: Path, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    start_ms = AheadRecorder(tmp_path).record(load(sick=frozenset({"mon_0007"})))
    late_ms: list[int] = []
    asyncio.run(_played(redis_url, tmp_path, late_ms))

    keyring = RegionKeyring(MACS)
    keyring.learn(simulated_list(MACS, ["east", "west"], start_ms), start_ms)
    results: list[Result] = []
    for region in ("east", "west"):
        for _, fields in cast(list[tuple[bytes, Any]], client.xrange(keys.results(region))):
            early = keyring.admit_results(region, fields, start_ms - 3_600_000, AGE_MOST_MS)
            assert early.refused == {Refusal.PREMATURE: 1}
            admitted = keyring.admit_results(region, fields, start_ms + 2_000, AGE_MOST_MS)
            assert not admitted.refused
            results += admitted.results

    assert len(results) == load().results == 160
    assert {one.monitor for one in results if one.status is Status.DOWN} >= {"mon_0007"}
    assert all(start_ms <= one.at_ms < start_ms + 2_000 for one in results)
    assert client.hlen(keys.latest("east")) == 40
    assert len(late_ms) == len(results)


async def _played(url: str, folder: Path, late_ms: list[int]) -> None:
    client = redis.asyncio.Redis.from_url(url)
    await play(client, folder, lambda late, results: late_ms.extend([late] * results))
    await client.aclose()


def test_a_recording_that_no_disk_should_hold_is_refused(tmp_path: Path) -> None:
    too_many = RecordedLoad([("mon_1", 1)] * 100_000, ["east"], 1_000, 1_000_000, frozenset(), 0)
    with pytest.raises(CommandError, match="20,000,000 results"):
        AheadRecorder(tmp_path).record(too_many)
