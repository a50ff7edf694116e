"""Dispatch with a fault planted at each step, and with monitors that cannot be dispatched: leader and standby go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

import vigil.dispatch.bus
import vigil.dispatch.catalogue
import vigil.dispatch.service
import vigil.dispatch.slots.due
import vigil.dispatch.watch
from probes import keys
from probes.wire import Lane
from tests.planting import NoException, plant, plant_poison
from tests.streams import entries
from tests.vigil.dispatch.test_service import Floor, dispatching, floor, monitor
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.deadletters.actions import replay, waiting
from vigil.deadletters.record import move_from_redis
from vigil.dispatch import lease
from vigil.dispatch.bus import Bus
from vigil.dispatch.watch import Watch
from vigil.monitors.changes import create_monitor, update_monitor
from vigil.monitors.models import Monitor

__all__ = ["floor", "monitor"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
#: What a fault may cost a call (s).
DELAY_S = 5.0

STEPS = [
    (vigil.dispatch.bus, "admit_call", 1),
    (vigil.dispatch.bus, "read_streams", 3),
    (vigil.dispatch.service, "open_round", 1),
    (vigil.dispatch.slots.due, "scheduled_check", 3),
    (vigil.dispatch.service, "look_orders", 1),
    (vigil.dispatch.watch, "notified", 2),
    (lease, "renew", 2),
    (vigil.dispatch.watch, "load_pauses", 2),
    (vigil.dispatch.watch, "load_regions", 2),
    (Bus, "statuses", 3),
    (Bus, "waiting_batches", None),
    (Bus, "undecided_rounds", 3),
    (Bus, "announce", 1),
]


@pytest.fixture
def pair(floor: Floor, monitor: Monitor) -> Iterator[Watch]:
    """What watches for the leader of two dispatchers, neither of which may have ended."""
    with dispatching() as leading, dispatching(leads=False):
        yield leading


def another(monitor: Monitor, url: str = "http://example.test/") -> Monitor:
    """A second monitor, in the same regions."""
    fields = {"name": "bad", "kind": "http", "config": {"url": url}, "interval_s": 5, "timeout_ms": 1000}
    return create_monitor(default_team(), {**fields, "regions": list(monitor.regions.all())})


def look_after_s(floor: Floor, monitor: Monitor) -> float:
    """Call once; how long until its round is opened, on the clock of Redis."""
    called_ms = floor.call(monitor)

    def opened() -> list[int]:
        floor.live()
        found = [
            keys.entry_id(entry)[0]
            for entry, fields in entries(floor.client, keys.ROUNDS)
            if monitor.public_id.encode() in fields[keys.BODY]
        ]
        return [opened_ms for opened_ms in found if opened_ms >= called_ms]

    until(opened, "its round")
    return (min(opened()) - called_ms) / 1000


@pytest.mark.parametrize(("place", "step", "times"), STEPS, ids=[step for _, step, _ in STEPS])
def test_s05_a_fault_at_a_step_ends_no_dispatcher(
    floor: Floor,
    monitor: Monitor,
    place: object,
    step: str,
    times: int | None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    fault = plant(monkeypatch, place, step, times)
    request.getfixturevalue("pair")
    if step == "statuses":
        # Until a region is heard of, no region can be asked.
        until(lambda: fault.raised == times, "the faults", within_s=DELAY_S)
        until(lambda: any(floor.batches("us-west", Lane.SCHEDULED)), "a scheduled check")
    assert look_after_s(floor, monitor) < DELAY_S
    # A round asks the regions that were heard of when it was opened, which may still have been one alone.
    until(lambda: any(any(floor.batches(one, Lane.CONFIRM)) for one in ("eu-west", "us-west")), "its look")
    until(lambda: any(floor.batches("us-west", Lane.SCHEDULED)), "a scheduled check")
    assert fault.raised > 0


@pytest.mark.parametrize("place", [(vigil.dispatch.watch, "notified"), (lease, "renew")], ids=lambda place: place[1])
def test_s05_what_ends_the_thread_that_watches_ends_no_dispatcher(
    floor: Floor,
    monitor: Monitor,
    place: tuple[object, str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    leading = request.getfixturevalue("pair")
    fault = plant(monkeypatch, *place, times=2, fault=NoException)
    until(lambda: fault.raised == 2 and leading.restarts > 0, "its end")
    update_monitor(monitor, {"interval_s": 7})
    until(lambda: any(round.revision == 2 for round in floor.rounds()), "the change, by the thread that followed")
    assert look_after_s(floor, another(monitor)) < DELAY_S


@pytest.mark.parametrize(
    "place",
    [
        (vigil.dispatch.service, "open_round"),
        (vigil.dispatch.slots.due, "scheduled_check"),
        (vigil.dispatch.service, "look_orders"),
    ],
    ids=lambda place: place[1],
)
def test_s05_a_monitor_that_cannot_be_dispatched_stops_no_other(
    floor: Floor,
    monitor: Monitor,
    place: tuple[object, str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    bad = another(monitor)
    fault = plant_poison(monkeypatch, *place, lambda plan, *_: plan.monitor == bad.public_id)
    request.getfixturevalue("pair")
    seen: set[tuple[str, str]] = set()
    floor.call(bad)
    assert look_after_s(floor, monitor) < DELAY_S

    def is_looked_at() -> bool:
        for lane in Lane:
            for batch in floor.batches("eu-west", lane):
                seen.update((lane, check.monitor) for check in batch.checks)
        return {(lane, monitor.public_id) for lane in Lane} <= seen and fault.raised > 0

    until(is_looked_at, "the other monitor on both lanes")
    until(lambda: floor.client.xlen(keys.DEAD_LETTERS), "the letter")


def test_s05_a_call_that_could_not_be_dispatched_is_replayed_after_the_fix(
    floor: Floor, monitor: Monitor, redis_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    place = vigil.dispatch.service
    plant_poison(monkeypatch, place, "open_round", lambda plan, *_: plan.monitor == monitor.public_id)
    request.getfixturevalue("pair")
    for _ in range(3):
        floor.call(monitor)
    with redis.Redis.from_url(redis_url) as client:

        def is_kept() -> bool:
            # Among letters that say that a step works again.
            move_from_redis(client)
            return waiting().filter(step="call").exists()

        until(is_kept, "the letter")
        monkeypatch.undo()
        assert floor.rounds() == []
        begun_ms = floor.now_ms()
        assert replay(waiting().get(step="call")).startswith("adds its")
        until(floor.rounds, "the round that was asked for again")
    assert floor.rounds()[0].suspected_ms >= begun_ms


def test_s05_a_monitor_that_cannot_be_planned_stops_no_other(
    floor: Floor, monitor: Monitor, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    another(monitor, "http://bad.test/")

    def is_poison(kind: str, config: dict[str, str]) -> bool:
        return config["url"] == "http://bad.test/"

    fault = plant_poison(monkeypatch, vigil.dispatch.catalogue, "read_spec", is_poison, RecursionError)
    request.getfixturevalue("pair")
    until(lambda: any(floor.batches("eu-west", Lane.SCHEDULED)), "the other monitor's check")
    assert fault.raised
