"""Recorders in shards: a region is recorded by one of them, and each result once while their number changes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from consensus.process.shard_lease import SharedMap
from consensus.shards import MAP_VERSION, WHOLE, Shard, ShardMap, shard_of, shards_of
from probes import keys
from tests.signed import macs
from tests.vigil.history.stage import Stage
from tests.waiting import until
from vigil.history.core.packing import HOUR_MS
from vigil.history.models import Gap, Position
from vigil.history.reading.read import checks
from vigil.history.recording.service import RecorderTimings
from vigil.monitors.models import Region

#: Several recorders take turns on a machine that does much besides.
PATIENCE_S = 60.0
UNPACKED = RecorderTimings(write_s=0.0, housekeeping_s=0.0)
FIRST, SECOND = shards_of(2)


@contextlib.contextmanager
def recording(stage: Stage, shard: Shard) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        try:
            stage.recorder(UNPACKED, shard).run(stop)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
        assert thread.is_alive(), "it has ended"
    finally:
        stop.set()
        thread.join(PATIENCE_S)


def commit(stage: Stage, shards: int) -> None:
    """Publish the map as ingest does."""
    SharedMap(stage.client, macs(), stage.now_ms).publish(ShardMap(MAP_VERSION, shards, shards))


def recorded(stage: Stage) -> dict[str, list[int]]:
    """The slots of all that is recorded of each region."""
    places = {region.pk: slug for slug, region in stage.regions.items()}
    found = checks(stage.monitor.pk, list(places), 0, stage.now_ms() + HOUR_MS)
    return {places[place]: [check.at_ms for check in seen] for place, seen in found.items() if seen}


def report(stage: Stage, *minutes: int) -> list[int]:
    """Every region sees the monitor at these minutes of the last hour; returns the slots."""
    results = [stage.result(stage.last_hour * HOUR_MS + minute * 60_000) for minute in minutes]
    for region in stage.regions:
        stage.report(region, *results)
    return [one.at_ms for one in results]


def await_recorded(stage: Stage, slots: list[int], *regions: str) -> None:
    until(lambda: recorded(stage) == dict.fromkeys(regions, slots), "each result, once", PATIENCE_S)


@pytest.fixture(autouse=True)
def _a_region_in_each_shard(stage: Stage) -> None:
    stage.regions = {"eu": stage.regions["eu"], "ap": Region.objects.create(slug="ap", domain="ap")}
    stage.monitor.regions.set(stage.regions.values())
    assert {slug: shard_of(slug, 2) for slug in stage.regions} == {"eu": 0, "ap": 1}


def test_a_region_is_recorded_by_its_own_shard_alone(stage: Stage) -> None:
    commit(stage, 2)
    slots = report(stage, 1, 2, 3)
    with recording(stage, FIRST):
        await_recorded(stage, slots, "eu")
        with recording(stage, SECOND):
            await_recorded(stage, slots, "eu", "ap")
    assert set(Position.objects.values_list("region__slug", flat=True)) == {"eu", "ap"}


def test_while_their_number_changes_each_result_is_recorded_once(stage: Stage) -> None:
    commit(stage, 1)
    slots = report(stage, 1, 2)
    with recording(stage, WHOLE):
        await_recorded(stage, slots, "eu", "ap")
        commit(stage, 2)
        with recording(stage, FIRST):
            slots += report(stage, 3, 4)
            await_recorded(stage, slots, "eu", "ap")
            with recording(stage, SECOND):
                slots += report(stage, 5, 6)
                await_recorded(stage, slots, "eu", "ap")
                until(lambda: not stage.client.exists(keys.lease("record")), "the old one to stand back", PATIENCE_S)
                slots += report(stage, 7)
                await_recorded(stage, slots, "eu", "ap")
    assert not Gap.objects.exists()
