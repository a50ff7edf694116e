"""The recorder on real PostgreSQL and Redis: everything once, whatever is killed; what is missing is said."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from typing import cast

import psycopg
import pytest
from django.db import connection
from msgspec.structs import replace

from consensus.process.stream import Keep, Streams
from probes import keys
from probes.process.published_keys import PublishedRegionKeys
from probes.reasons import Reason, Status
from probes.wire import Phases, decode_results
from tests.planting import plant, plant_poison
from tests.signed import macs, results_entry
from tests.streams import add, entries
from tests.vigil.history.stage import AT_ONCE, Stage
from tests.waiting import until
from vigil.deadletters.actions import waiting
from vigil.history.core.packing import HOUR_MS
from vigil.history.models import Chunk, Gap, GapReason, PackedHour, Position, Progress, RecordedHour
from vigil.history.reading.read import checks
from vigil.history.recording import intake, isolated, service
from vigil.history.recording.service import RecorderTimings
from vigil.history.storage import packer, partitions
from vigil.monitors.changes import monitor_warnings, set_paused

PATIENCE_S = 15.0


def recorded(stage: Stage, region: str = "eu") -> list[int]:
    """The slots of everything that is recorded of the monitor in a region."""
    found = checks(stage.monitor.pk, [stage.regions[region].pk], 0, stage.now_ms() + HOUR_MS)
    return [check.at_ms for check in found[stage.regions[region].pk]]


@contextlib.contextmanager
def two_recording(stage: Stage, pace: RecorderTimings) -> Iterator[None]:
    """A leader and its standby."""
    with recording(stage, pace), recording(stage, pace):
        yield


@contextlib.contextmanager
def recording(stage: Stage, pace: RecorderTimings = AT_ONCE) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        try:
            stage.recorder(pace).run(stop)
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


def is_leader(stage: Stage, pid: bytes) -> bool:
    return pid in (stage.client.get(keys.lease("record")) or b"")


def test_results_are_recorded_packed_and_read_the_same_before_and_after(stage: Stage) -> None:
    hour = stage.last_hour
    results = stage.hour_of_results(hour)
    stage.report("eu", *results)
    stage.report("us", *results[:5])
    unpacked = RecorderTimings(write_s=0.0, housekeeping_s=0.0)
    with recording(stage, unpacked):
        until(lambda: Chunk.objects.count() == 2, "chunks")
    before = recorded(stage)
    assert before == [one.at_ms for one in results]
    stage.pack(hour)
    assert recorded(stage) == before
    assert PackedHour.objects.count() == 2
    assert RecordedHour.objects.get(hour=hour).state == Progress.DONE
    assert hour not in partitions.starts(partitions.CHUNKS), "the chunks are dropped with their partition"


def test_the_recorder_packs_an_hour_that_is_over_by_itself(stage: Stage) -> None:
    results = stage.hour_of_results(stage.last_hour)
    with recording(stage):
        stage.report("eu", *results)
        until(lambda: RecordedHour.objects.filter(state=Progress.DONE).exists(), "a packed hour")
    assert recorded(stage) == [one.at_ms for one in results]


def test_a_replayed_stream_is_written_once(stage: Stage) -> None:
    results = stage.hour_of_results(stage.last_hour)
    stage.report("eu", *results)
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(Chunk.objects.exists, "chunks")
    # The same results again, as after two dispatchers or a publisher that was not sure; and late ones.
    stage.pack(stage.last_hour)
    stage.report("eu", *results[10:20])
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(Chunk.objects.exists, "late chunks")
    assert recorded(stage) == [one.at_ms for one in results], "read while they are in both places"
    stage.pack(stage.last_hour)
    assert recorded(stage) == [one.at_ms for one in results]
    assert PackedHour.objects.count() == 1


def test_late_results_join_an_hour_that_is_packed(stage: Stage) -> None:
    results = stage.hour_of_results(stage.last_hour)
    stage.report("eu", *results[::2])
    with recording(stage):
        until(lambda: RecordedHour.objects.filter(state=Progress.DONE).exists(), "a packed hour")
        stage.report("eu", *results[1::2])
        until(lambda: len(recorded(stage)) == len(results), "the late half")
        until(lambda: RecordedHour.objects.filter(state=Progress.DONE, again=True).exists(), "packing again")
    assert recorded(stage) == [one.at_ms for one in results]


def test_killed_while_it_leads_it_loses_nothing_and_writes_nothing_twice(stage: Stage) -> None:
    environment = {**os.environ, "VIGIL_HEALTH_PORT": "0", "VIGIL_DATABASE_URL": _test_database()}
    sent: list[int] = []
    for ending in (signal.SIGKILL, signal.SIGTERM):
        process = subprocess.Popen(
            [sys.executable, "-m", "vigil.cli", "run", "record"], env=environment, stderr=subprocess.DEVNULL
        )
        pid = f":{process.pid}:".encode()
        until(partial(is_leader, stage, pid), "it to lead")
        for place in range(40):
            sent.append(stage.now_ms() - 60_000 + place)
            stage.report("eu", stage.result(sent[-1]))
        process.send_signal(ending)
        process.wait(PATIENCE_S)
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(lambda: len(recorded(stage)) >= len(set(sent)), "everything")
    assert recorded(stage) == sorted(set(sent))


def test_two_recorders_record_everything_once(stage: Stage) -> None:
    results = stage.hour_of_results(stage.last_hour)
    with recording(stage), recording(stage):
        for one in results:
            stage.report("eu", one)
        until(lambda: len(recorded(stage)) == len(results), "everything")
    assert recorded(stage) == [one.at_ms for one in results]


def test_a_recorder_that_was_overtaken_writes_nothing_of_what_it_holds(stage: Stage) -> None:
    from vigil.history.recording.intake import Intake, ReadPosition
    from vigil.history.recording.write import Overtaken, write

    region = stage.regions["eu"].pk
    Position.objects.create(region_id=region, entry_id="7-0", updated_at="2030-01-01T00:00:00Z")
    intake = Intake({stage.monitor.public_id: stage.monitor.pk})
    from probes.wire import encode

    intake.take(region, "8-0", encode([stage.result(8)]), 8)
    with pytest.raises(Overtaken):
        write(intake, {region: ReadPosition("6-0", "8-0")})
    assert not Chunk.objects.exists() and Position.objects.get().entry_id == "7-0"


def test_what_was_trimmed_unread_is_a_gap_and_what_was_read_is_none(stage: Stage) -> None:
    now_ms = stage.now_ms()
    stage.report("eu", stage.result(now_ms - 3_000))
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(Position.objects.exists, "a position")
    lost_from = int(Position.objects.get().entry_id.split("-")[0])
    stage.report("eu", stage.result(now_ms - 2_000))
    stage.client.delete(keys.results("eu"))
    after = stage.report("eu", stage.result(now_ms - 1_000))
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(lambda: Position.objects.get().entry_id == after, "the position")
    gap = Gap.objects.get()
    assert gap.reason == GapReason.TRIMMED and gap.results is None
    assert round(gap.from_at.timestamp() * 1000) == lost_from
    assert round(gap.to_at.timestamp() * 1000) == int(after.split("-")[0])


def test_consensus_trims_behind_the_recorder_and_no_further_than_the_bound(stage: Stage) -> None:
    def at(ms: int) -> str:
        return stage.report("eu", stage.result(ms), entry=f"{ms}-0")

    def left() -> list[str]:
        return [entry.decode() for entry, _ in entries(stage.client, keys.results("eu"))]

    now_ms = stage.now_ms()
    old, read, unread, fresh = at(now_ms - 400_000), at(now_ms - 300_000), at(now_ms - 200_000), at(now_ms - 1_000)
    streams = Streams(stage.client, PublishedRegionKeys(stage.client, macs()), 60_000)
    streams.follow_region("eu", 0)
    stage.client.hset(keys.READERS, "eu", read)

    streams.trim(now_ms, Keep(replay_ms=180_000, most_ms=600_000))
    assert left() == [read, unread, fresh] or left() == [old, read, unread, fresh]
    # Streams are trimmed by the node of many entries; a node each shows what is meant.
    stage.client.config_set("stream-node-max-entries", 1)
    try:
        stage.client.delete(keys.results("eu"))
        for entry in (old, read, unread, fresh):
            at(int(entry.split("-")[0]))
        streams.trim(now_ms, Keep(replay_ms=180_000, most_ms=600_000))
        assert left() == [read, unread, fresh], "the recorder's own position stays"
        streams.trim(now_ms, Keep(replay_ms=60_000, most_ms=100_000))
        assert left() == [fresh], "beyond the bound no region is waited for"
        stage.client.hset(keys.READERS, "eu", fresh)
        streams.trim(now_ms + 3_600_000, Keep(replay_ms=60_000, most_ms=100_000))
        assert left() == [fresh], "a quiet region's position stays, however old"
    finally:
        stage.client.config_set("stream-node-max-entries", 100)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xc1junk", GapReason.UNREADABLE),
        ("other monitor", GapReason.UNKNOWN_MONITOR),
        ("the week before last", GapReason.IMPLAUSIBLE),
    ],
)
def test_what_cannot_be_recorded_is_said_with_its_number(stage: Stage, payload: object, reason: GapReason) -> None:
    now_ms = stage.now_ms()
    for _ in range(2):
        if payload == "other monitor":
            stage.report("eu", stage.result(now_ms, monitor="mon_nobody"))
        elif payload == "the week before last":
            stage.report("eu", stage.result(now_ms - 8 * 24 * HOUR_MS))
        else:
            add(stage.client, keys.results("eu"), results_entry("eu", cast(bytes, payload)))
    stage.report("eu", stage.result(now_ms))
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(Gap.objects.exists, "a gap")
    assert [(gap.reason, gap.results) for gap in Gap.objects.all()] == [(reason.value, 2)]
    assert recorded(stage) == [now_ms]


def test_a_region_that_writes_anything_it_likes_stops_nobody(stage: Stage) -> None:
    """A stolen region forges its own results, and no more: the recorder lives, and the others are recorded."""
    now_ms = stage.now_ms()
    one = stage.result(now_ms)
    far = Phases(total_us=2**63 - 1, first_byte_us=-(2**62))
    for forged in (
        replace(one, look=-7, round="r"),
        replace(one, look=2**40, round="r"),
        replace(one, phases=far, status=Status.DOWN, facts={"x": "y" * 100_000}, detail="z" * 100_000),
        replace(one, monitor="mon_\x00"),
        replace(one, monitor="x" * 10_000),
        replace(one, at_ms=2**62),
        replace(one, at_ms=-(2**62)),
        replace(one, started_ms=-(2**63), code=2**63, attempts=2**63, revision=2**63),
    ):
        stage.report("us", forged)
    stage.report("us", one, entry=f"{2**64 - 1}-7")
    stage.report("us", one, entry=f"{2**64 - 1}-{2**64 - 1}")
    stage.report("eu", one)
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(lambda: Position.objects.count() == 2, "both positions")
        stage.client.delete(keys.results("us"))
        late = stage.report("us", stage.result(now_ms + 1))
        until(lambda: Position.objects.filter(entry_id=late).exists(), "a stream that was begun anew")
        stage.report("eu", stage.result(now_ms + 1))
        until(lambda: len(recorded(stage)) == 2, "what the other region saw")
    reasons = set(Gap.objects.values_list("reason", flat=True))
    assert {GapReason.UNKNOWN_MONITOR, GapReason.IMPLAUSIBLE} <= reasons
    hour = now_ms // HOUR_MS
    RecordedHour.objects.update(touched_at="2020-01-01T00:00:00Z")
    stage.pack(hour)
    assert len(recorded(stage)) == 2 and now_ms + 1 in recorded(stage, "us")


def test_a_monitor_made_while_it_runs_is_recorded(stage: Stage) -> None:
    from vigil.monitors.changes import create_monitor

    with recording(stage, RecorderTimings(write_s=0.0)):
        stage.report("eu", stage.result(stage.now_ms()))
        until(Position.objects.exists, "a position")
        fields = {"name": "new", "kind": "http", "config": {"url": "https://example.com/2"}}
        late = create_monitor(stage.monitor.team, {**fields, "regions": list(stage.regions.values())})
        at_ms = stage.now_ms()
        stage.report("eu", stage.result(at_ms, monitor=late.public_id))
        region = stage.regions["eu"].pk
        until(lambda: checks(late.pk, [region], 0, at_ms + 1)[region], "the new monitor's check")


def test_failures_keep_their_full_result(stage: Stage) -> None:
    from vigil.history.reading.read import failures

    hour = stage.last_hour
    refused = stage.result(hour * HOUR_MS + 7_000, Status.DOWN, Reason.REFUSED)
    stage.report("eu", refused, stage.result(hour * HOUR_MS + 67_000))
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(Chunk.objects.exists, "chunks")
    region = stage.regions["eu"].pk
    assert failures(stage.monitor.pk, [region], 0, stage.now_ms()) == {region: [refused]}
    stage.pack(hour)
    assert failures(stage.monitor.pk, [region], 0, stage.now_ms()) == {region: [refused]}


def test_packing_is_all_or_nothing_for_each_shard(stage: Stage) -> None:
    """Ended in the middle of an hour, packing goes on with the next shard, and the chunks stay until all are done."""
    hour = stage.last_hour
    results = stage.hour_of_results(hour)
    stage.report("eu", *results)
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(Chunk.objects.exists, "chunks")
    assert packer.pack_some(hour)
    assert packer.drop_packed_chunks() == 0 and Chunk.objects.exists()
    assert recorded(stage) == [one.at_ms for one in results]
    assert not packer.pack_some(hour)
    assert packer.drop_packed_chunks() == 1


def _test_database() -> str:
    """The address of this test's own database."""
    settings = connection.settings_dict
    with psycopg.connect(os.environ["VIGIL_DATABASE_URL"]) as other:
        info = other.info
        password = settings["PASSWORD"]
        return f"postgresql://{info.user}:{password}@{info.host}:{info.port}/{settings['NAME']}"


def test_a_stream_that_a_region_made_into_something_else_is_begun_anew(stage: Stage) -> None:
    stage.client.set(keys.results("eu"), "mine")
    with recording(stage, RecorderTimings(write_s=0.0)):
        until(lambda: not stage.client.exists(keys.results("eu")), "its end")
        stage.report("eu", stage.result(stage.now_ms()))
        until(lambda: Position.objects.filter(region__slug="eu").exists(), "the results that follow")


@pytest.mark.parametrize(
    ("place", "step", "times"),
    [
        (service, "write", 3),
        (isolated, "write", 1),
        (service.Recorder, "_resume", 3),
        (service.Recorder, "_read", 2),
        (service.Recorder, "_keep_house", None),
        (service.Recorder, "_pack_or_close", 2),
        (service.objectives, "evaluate", None),
        (service.MonitorKeys, "learn", 3),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_s05_a_fault_at_a_step_ends_no_recorder(
    stage: Stage, place: object, step: str, times: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place is isolated:
        plant(monkeypatch, service, step, 1)
    fault = plant(monkeypatch, place, step, times)
    results = stage.hour_of_results(stage.last_hour)
    with two_recording(stage, RecorderTimings(write_s=0.0, housekeeping_s=0.0)):
        if step == "learn":
            # All of its faults come before the results: what fails alone twice would be a dead letter.
            until(lambda: fault.raised == times, "the faults")
        elif step not in ("write", "evaluate"):
            until(lambda: fault.raised > 0, "the fault")
        stage.report("eu", *results)
        until(lambda: recorded(stage) == [one.at_ms for one in results], "the results", within_s=5)


def test_s05_an_entry_that_cannot_be_recorded_costs_itself(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    results = stage.hour_of_results(stage.last_hour)
    for one in results:
        stage.report("eu", one)
    stage.report("us", *results[:3])
    bad = results[2].at_ms

    def is_poison(_: object, region: int, entry_id: str, payload: bytes, now_ms: int) -> bool:
        return region == stage.regions["eu"].pk and decode_results(payload)[0].at_ms == bad

    plant_poison(monkeypatch, intake.Intake, "take", is_poison, OverflowError)
    with two_recording(stage, RecorderTimings(write_s=0.0, housekeeping_s=60.0)):
        until(lambda: len(recorded(stage)) == len(results) - 1, "the other entries", within_s=5)
        until(lambda: len(recorded(stage, "us")) == 3, "the other region")
    letter = waiting().get()
    assert (letter.source, letter.origin, letter.stream) == ("record", "eu", keys.results("eu"))
    assert Gap.objects.get().reason == GapReason.UNREADABLE


@pytest.mark.parametrize(
    ("config", "region", "paused"),
    [
        pytest.param({"url": "http://gw:4000/health"}, "eu", True, id="F6 the billed page"),
        pytest.param({"url": "http://gw/llm/HEALTH/?x=1"}, "eu", True, id="F6 below a path"),
        pytest.param({"url": "http://gw/health", "billing_acknowledged": True}, "eu", False, id="acknowledged"),
        pytest.param({"url": "http://gw/status"}, "eu", False, id="no such page: a region that lies"),
        pytest.param({"url": "http://gw/health"}, "us", False, id="a region that does not check it"),
    ],
)
def test_a_monitor_whose_checks_cost_money_is_paused_and_says_why(
    stage: Stage, config: dict[str, object], region: str, paused: bool
) -> None:
    stage.monitor.kind, stage.monitor.config = "http", config
    stage.monitor.save()
    stage.monitor.regions.set([stage.regions["eu"]])
    revision = stage.monitor.revision
    found_out = replace(stage.result(stage.now_ms()), facts={"pause": "<b>words of a region</b>"})
    stage.report(region, found_out)
    with recording(stage):
        until(lambda: Position.objects.filter(region=stage.regions[region]).exists(), within_s=PATIENCE_S)
    stage.monitor.refresh_from_db()
    assert (stage.monitor.paused, stage.monitor.revision - revision) == (paused, int(paused))
    warnings = " ".join(monitor_warnings(stage.monitor))
    assert ("Paused by Vigil: this is LiteLLM's /health" in warnings) is paused
    assert "words of a region" not in warnings
    resumed = set_paused(stage.monitor, False)
    assert resumed.paused_why == ""
