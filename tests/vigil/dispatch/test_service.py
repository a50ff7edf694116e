"""The dispatcher on real PostgreSQL and Redis: what is due is sent, what changes is seen, calls become rounds."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import cast

import pytest
import redis
from django.db import connection
from django.db.backends.utils import CursorWrapper

from consensus.verdicts import Call, Round, decode_round, encode
from consensus.vocabulary import Cause
from probes import keys, wire
from probes.process.health import Health
from probes.queue.app import region_app
from probes.queue.sender import RegionQueues
from probes.signing.control_macs import MAC_BYTES
from probes.wire import Batch, Lane
from tests.signed import control_entry, control_signer, say_alive
from tests.streams import entries
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.canaries.models import Canary
from vigil.clock import database_now
from vigil.database.session_lock import MissingOwners, SessionLock, living_owners
from vigil.dispatch import lease
from vigil.dispatch.bus import Bus
from vigil.dispatch.core.shedding import WAITING_BATCHES
from vigil.dispatch.service import Dispatcher
from vigil.dispatch.watch import LEASE_NAME, Watch
from vigil.monitors.changes import create_monitor, delete_monitor, set_paused, update_monitor
from vigil.monitors.models import Monitor, Region
from vigil.silences.changes import create_silence, end_now
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 15.0
REGIONS = {"eu-west": "aws", "us-west": "hetzner"}


class Floor:
    """What a test sees from the regions' side."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url)
        self._apps = {region: region_app(region, url) for region in REGIONS}

    def now_ms(self) -> int:
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def live(self) -> None:
        for region in REGIONS:
            status = wire.RegionStatus(1, self.now_ms(), 0, 0, 0, self.now_ms(), "boot", "0.1.0")
            say_alive(self.client, region, status)

    def batches(self, region: str, lane: Lane) -> list[Batch]:
        """Every batch that waits in a region's queue, taken out of it."""
        found: list[Batch] = []
        with (
            self._apps[region].connection_for_read() as link,
            link.SimpleQueue(keys.queue(region, lane), accept=["vigil"]) as waiting,
        ):
            while True:
                try:
                    message = waiting.get(block=False)
                except waiting.Empty:
                    return found
                message.ack()
                (payload, _), _, _ = message.payload
                found.append(wire.decode_batch(payload))

    def rounds(self) -> list[Round]:
        return [decode_round(fields[keys.BODY]) for _, fields in entries(self.client, keys.ROUNDS)]

    def call(self, monitor: Monitor, region: str = "eu-west") -> int:
        """Call for a round; returns when it was written, on the clock of Redis."""
        call = Call(1, monitor.public_id, region, Cause.FAILURE, self.now_ms())
        return keys.entry_id(cast(bytes, self.client.xadd(keys.CALLS, control_entry(keys.CALLS, encode(call)))))[0]


@pytest.fixture
def monitor() -> Monitor:
    regions = [Region.objects.create(slug=slug, domain=domain) for slug, domain in REGIONS.items()]
    return create_monitor(
        default_team(),
        {
            "name": "checkout",
            "kind": "http",
            "config": {"url": "http://example.test/"},
            "interval_s": 5,
            "timeout_ms": 1000,
            "regions": regions,
        },
    )


@pytest.fixture
def floor(redis_url: str) -> Iterator[Floor]:
    floor = Floor(redis_url)
    floor.live()
    yield floor
    floor.client.close()


@pytest.fixture
def dispatcher(floor: Floor, monitor: Monitor) -> Iterator[Watch]:
    with dispatching() as watch:
        yield watch


@contextlib.contextmanager
def dispatching(leads: bool = True, keep_alive: Callable[[], object] = lambda: None) -> Iterator[Watch]:
    """A dispatcher in a thread, once it leads, or stands by; it may not have ended meanwhile."""
    url = os.environ["VIGIL_REDIS_URL"]
    watch, stop, health = Watch(), threading.Event(), Health("dispatch", 15)
    bus = Bus(redis.Redis.from_url(url), RegionQueues(url, control_signer()))
    service = Dispatcher(bus, watch, health, keep_alive)
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        until(lambda: watch.leading is leads and (not leads or health.report()[0]), "the lease and the monitors")
        yield watch
        assert thread.is_alive(), "it has ended"
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.usefixtures("dispatcher")
def test_every_region_gets_its_check_once_per_interval(floor: Floor, monitor: Monitor) -> None:
    checks: dict[str, list[int]] = {region: [] for region in REGIONS}

    def collect() -> bool:
        for region in REGIONS:
            for batch in floor.batches(region, Lane.SCHEDULED):
                checks[region] += [check.at_ms for check in batch.checks if check.monitor == monitor.public_id]
        return all(len(slots) >= 2 for slots in checks.values())

    until(collect, "two checks in each region")
    for slots in checks.values():
        assert slots[1] - slots[0] == 5_000
    apart_ms = (checks["eu-west"][0] - checks["us-west"][0]) % 5_000
    assert apart_ms == 2_500


@pytest.mark.usefixtures("dispatcher")
def test_a_call_becomes_a_round_on_the_confirming_lane_of_every_region(floor: Floor, monitor: Monitor) -> None:
    floor.call(monitor)
    until(floor.rounds, "a round")
    (round,) = floor.rounds()
    assert {elector.region for elector in round.electorate} == set(REGIONS)

    looks: list[tuple[str, int]] = []

    def collect() -> bool:
        for region in REGIONS:
            for batch in floor.batches(region, Lane.CONFIRM):
                looks.extend((region, check.look) for check in batch.checks if check.round == round.id)
        return len(looks) >= 4

    until(collect, "both looks in both regions")
    assert sorted(looks) == [("eu-west", 1), ("eu-west", 2), ("us-west", 1), ("us-west", 2)]


@pytest.mark.usefixtures("dispatcher")
def test_a_region_that_takes_nothing_is_sent_less_and_is_still_asked_to_confirm(floor: Floor, monitor: Monitor) -> None:
    queue = keys.celery_prefix("eu-west") + keys.queue("eu-west", Lane.SCHEDULED)
    floor.client.lpush(queue, *["{}"] * WAITING_BATCHES)

    until(lambda: floor.client.hget(keys.SHARES, "eu-west"), "the region to be sent less")
    assert not floor.client.hexists(keys.SHARES, "us-west")
    floor.call(monitor)
    until(lambda: floor.batches("eu-west", Lane.CONFIRM), "a look in the strained region")

    floor.client.delete(queue)

    def share() -> float:
        held = cast(bytes | None, floor.client.hget(keys.SHARES, "eu-west"))
        return float(held[MAC_BYTES:] if held else 1)

    before = share()
    until(lambda: share() > before, "it to be sent more again")


@pytest.mark.usefixtures("dispatcher")
def test_calls_during_a_round_and_from_strange_regions_open_nothing(floor: Floor, monitor: Monitor) -> None:
    floor.call(monitor, region="ap-south")
    for _ in range(5):
        floor.call(monitor)
    until(floor.rounds, "a round")
    before = floor.client.xinfo_stream(keys.CALLS)["length"]
    assert before == 6
    assert [round.caller for round in floor.rounds()] == ["eu-west"]


@pytest.mark.usefixtures("dispatcher")
def test_changes_are_seen_within_two_seconds(floor: Floor, monitor: Monitor) -> None:
    started = time.monotonic()
    update_monitor(monitor, {"interval_s": 6})
    until(floor.rounds, "a round that looks at the new configuration")
    assert time.monotonic() - started < 2
    assert [(round.cause, round.revision) for round in floor.rounds()] == [(Cause.FIRST_LOOK, 2)]


def luna() -> Monitor:
    """A canary in both regions."""
    config = {
        "url": "https://api.openai.com/v1/chat/completions",
        "form": "openai_chat",
        "model": "gpt-5.6-luna",
        "billing_acknowledged": True,
        "monthly_budget": 1.0,
    }
    wanted = {"name": "luna", "kind": "canary", "config": config, "regions": list(Region.objects.all())}
    return create_monitor(default_team(), wanted)


@pytest.mark.usefixtures("dispatcher", "monitor")
def test_the_regions_of_a_canary_take_turns_and_each_turn_is_paid_for_first(floor: Floor) -> None:
    canary = luna()
    # Below what a form would save, so that the test is short.
    Monitor.objects.filter(pk=canary.pk).update(interval_s=5, timeout_ms=1000, revision=2)
    orders: list[tuple[int, str]] = []

    def collect() -> bool:
        for region in REGIONS:
            for batch in floor.batches(region, Lane.SCHEDULED):
                found = [check for check in batch.checks if check.monitor == canary.public_id]
                orders.extend((check.at_ms, region) for check in found)
        return len(orders) >= 3

    until(collect, "three turns")
    orders.sort()
    for (at_ms, region), (next_ms, next_region) in pairwise(orders):
        turns, rest = divmod(next_ms - at_ms, 5_000)
        # A busy machine may leave a turn out; the one after it has its own region all the same.
        assert rest == 0 and turns > 0
        assert (region != next_region) is (turns % 2 == 1)
    reserved = Canary.objects.get().reserved
    assert [(at_ms, reserved[str(at_ms)][0]) for at_ms, _ in orders] == orders


@pytest.mark.usefixtures("dispatcher")
def test_a_canary_has_no_rounds_whoever_calls(floor: Floor, monitor: Monitor) -> None:
    canary = luna()
    update_monitor(monitor, {"interval_s": 6})
    until(floor.rounds, "a round of the other monitor, which was changed later")
    floor.call(canary)
    update_monitor(monitor, {"interval_s": 7})
    until(lambda: len(floor.rounds()) == 2, "a round that was called later")
    assert {round.monitor for round in floor.rounds()} == {monitor.public_id}


def test_paused_deleted_and_disabled_are_not_watched(dispatcher: Watch, floor: Floor, monitor: Monitor) -> None:
    def added(name: str) -> Monitor:
        config = {"url": "http://example.test/"}
        wanted = {"name": name, "kind": "http", "config": config, "regions": list(Region.objects.all())}
        return create_monitor(default_team(), wanted)

    other = added("b")
    until(lambda: len(floor.rounds()) == 1, "the new monitor's first look")

    set_paused(monitor, True)
    delete_monitor(other)
    third = added("c")
    until(lambda: any(round.monitor == third.public_id for round in floor.rounds()), "a later change")
    floor.call(monitor)
    floor.call(other)
    fourth = added("d")
    until(lambda: any(round.monitor == fourth.public_id for round in floor.rounds()), "a change after the calls")
    assert {round.monitor for round in floor.rounds()} == {each.public_id for each in (other, third, fourth)}

    Region.objects.filter(slug="us-west").update(enabled=False)
    added("e")
    until(lambda: floor.rounds()[-1].assigned == 1, "a round without the disabled region")


def test_only_one_of_two_dispatchers_leads() -> None:
    assert lease.renew(LEASE_NAME, "first") == 1
    assert lease.renew(LEASE_NAME, "second") == 0
    assert lease.renew(LEASE_NAME, "first") == 1

    lease.release(LEASE_NAME, "first")
    assert lease.renew(LEASE_NAME, "second") == 2


@pytest.mark.django_db(transaction=True)
def test_3_the_lease_of_a_dispatcher_that_has_died_is_free_long_before_it_expires() -> None:
    leader, missing, held, over = SessionLock(), MissingOwners(lease.DEAD_AFTER_S), threading.Event(), threading.Event()

    def lead() -> None:
        leader.hold()
        lease.renew(LEASE_NAME, lease.holder_of(leader))
        held.set()
        over.wait(20)
        connection.close()

    dispatcher = threading.Thread(target=lead)
    dispatcher.start()
    assert held.wait(20)
    other = lease.holder_of(SessionLock())
    # It lives, or hangs: only the time frees the lease.
    looks = [lease.release_of_dead(LEASE_NAME, missing, at_s) for at_s in (0.0, 5.0)]
    assert looks == [False, False] and lease.renew(LEASE_NAME, other) == 0
    over.set()
    dispatcher.join(20)
    until(lambda: leader.key not in living_owners())
    looks = [lease.release_of_dead(LEASE_NAME, missing, at_s) for at_s in (10.0, 11.9, 12.0)]
    assert looks == [False, False, True] and lease.renew(LEASE_NAME, other) == 2
    # A holder of an older release has no owner: its lease expires.
    lease.release(LEASE_NAME, other)
    lease.renew(LEASE_NAME, "host:7:0a1b2c3d")
    assert not any(lease.release_of_dead(LEASE_NAME, missing, at_s) for at_s in (20.0, 30.0))


def test_it_goes_on_after_postgresql_closed_its_connection(dispatcher: Watch, floor: Floor, monitor: Monitor) -> None:
    with connection.cursor() as cursor:
        cut_off(cursor)
    update_monitor(monitor, {"interval_s": 7})

    until(lambda: any(round.revision == 2 for round in floor.rounds()), "the change, after reconnecting")
    assert dispatcher.restarts == 0


def test_a_region_that_changes_while_postgresql_is_away_is_seen(dispatcher: Watch, floor: Floor) -> None:
    with connection.cursor() as cursor:
        # In one go with the end of the connections, so that dispatch is not listening when the region tells.
        cursor.execute("UPDATE monitors_region SET enabled = false WHERE slug = 'us-west'")
        cut_off(cursor)

    until(lambda: any(round.assigned == 1 for round in floor.rounds()), "a round without the region")
    assert dispatcher.restarts == 0


def paused(monitor: Monitor) -> Silence:
    now = database_now()
    wanted = {
        "name": "upgrade", "pauses": True, "starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=1)
    }  # fmt: skip
    return create_silence(Silence(team=default_team()), wanted, [monitor])


def test_nothing_is_sent_of_a_monitor_while_a_window_pauses_it(
    floor: Floor, monitor: Monitor, dispatcher: Watch
) -> None:
    until(lambda: floor.batches("eu-west", Lane.SCHEDULED), "a check")
    silence = paused(monitor)
    until(lambda: not dispatcher.changes.qsize() and dispatcher._pauses, "the window to be known")
    # A second that was sent within the lead may still come; after one whole interval nothing does.
    horizon = floor.now_ms() + 2_000
    until(lambda: floor.now_ms() > horizon + 5_500, "an interval to pass")
    late = [check for batch in floor.batches("eu-west", Lane.SCHEDULED) for check in batch.checks]
    assert [check for check in late if check.at_ms > horizon] == []
    floor.call(monitor)
    end_now(silence)
    until(lambda: floor.batches("eu-west", Lane.SCHEDULED), "checks after the window")
    assert floor.rounds() == []


def test_a_dispatcher_that_starts_within_a_window_sends_nothing(
    floor: Floor, monitor: Monitor, request: pytest.FixtureRequest
) -> None:
    paused(monitor)
    request.getfixturevalue("dispatcher")
    start = floor.now_ms()
    until(lambda: floor.now_ms() > start + 5_500, "an interval to pass")
    assert floor.batches("eu-west", Lane.SCHEDULED) == []


def cut_off(cursor: CursorWrapper) -> None:
    cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


@pytest.mark.usefixtures("dispatcher")
def test_a_region_that_changed_unheard_is_not_forgotten_when_another_is_heard(floor: Floor, monitor: Monitor) -> None:
    with connection.cursor() as cursor:
        # No trigger fires, so dispatch is not told.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE monitors_region SET enabled = false WHERE slug = 'us-west'")
        cursor.execute("SET session_replication_role = DEFAULT")
    heard = Region.objects.create(slug="sa-east", domain="gcp")
    wanted = {"name": "there", "kind": "http", "config": {"url": "http://example.test/"}, "regions": [heard]}
    there = create_monitor(default_team(), wanted)
    Region.objects.filter(slug="sa-east").update(domain="ovh")
    until(lambda: any(places(round) == {("sa-east", "ovh")} for round in floor.rounds()), "the change that was heard")
    assert all(round.monitor == there.public_id for round in floor.rounds())

    with connection.cursor() as cursor:
        cut_off(cursor)

    until(lambda: any(places(round) == {("eu-west", "aws")} for round in floor.rounds()), "the one that was not")


def places(round: Round) -> set[tuple[str, str]]:
    return {(one.region, one.domain) for one in round.electorate} | {(one.region, one.domain) for one in round.excluded}


@pytest.mark.usefixtures("dispatcher")
def test_a_region_that_is_deleted_is_not_looked_from(floor: Floor, monitor: Monitor) -> None:
    Region.objects.get(slug="us-west").delete()

    until(lambda: any(round.assigned == 1 for round in floor.rounds()), "a round without the region")


def test_t_sec_27_forged_calls_and_verdicts_open_and_close_nothing(
    floor: Floor, monitor: Monitor, dispatcher: Watch
) -> None:
    call = Call(1, monitor.public_id, "eu-west", Cause.FAILURE, floor.now_ms())
    floor.client.xadd(keys.CALLS, {keys.BODY: encode(call)})
    floor.client.xadd(keys.CALLS, control_entry(keys.VERDICTS, encode(call)))
    until(lambda: floor.client.hget(keys.REFUSED, "calls/forged"), "a count of both")
    assert floor.client.hget(keys.REFUSED, "calls/unsigned") == b"1"
    assert not floor.client.exists(keys.ROUNDS)
