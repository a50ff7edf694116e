"""Canaries' money on real PostgreSQL: reserved before anything is sent, settled once, and judged together."""

from __future__ import annotations

import contextlib
from functools import cache
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from probes.prober import SpecCode
from probes.reasons import Reason, Status
from probes.wire import CANARY_KIND, WIRE_VERSION, Fact, Phases, Result, encode
from tests.vigil.incidents.world import World
from vigil.accounts.teams import default_team
from vigil.canaries.core.window import WindowStanding
from vigil.canaries.core.wording import month_name
from vigil.canaries.judging import CanarySweep
from vigil.canaries.models import Canary
from vigil.canaries.reading import canary_report
from vigil.canaries.reserving import CanarySlot, reserve_slots
from vigil.canaries.settling import settle_results
from vigil.clock import database_now
from vigil.history.recording.intake import Intake, ReadPosition
from vigil.history.recording.write import Overtaken, write
from vigil.incidents.models import Incident, MonitorState
from vigil.incidents.sweep import reconcile_monitors
from vigil.monitors.changes import create_monitor, delete_monitor, monitor_warnings, set_paused, update_monitor
from vigil.monitors.models import Monitor, Region
from vigil.notices.models import StoredNotice

pytestmark = pytest.mark.django_db(transaction=True)

CONFIG = {
    "url": "https://api.openai.com/v1/chat/completions",
    "form": "openai_chat",
    "model": "gpt-5.6-luna",
    "billing_acknowledged": True,
    "monthly_budget": 0.0002,
}


@pytest.fixture
def world() -> World:
    begun_ms.cache_clear()
    return World()


def canary(world: World, **config: Any) -> Monitor:
    wanted = {"name": "luna", "kind": CANARY_KIND, "config": {**CONFIG, **config}, "regions": world.regions}
    monitor = create_monitor(default_team(), wanted)
    reconcile_monitors(world.told.append)
    return monitor


@cache
def begun_ms() -> int:
    """When the test began."""
    return round(database_now().timestamp() * 1000)


def moment(number: int) -> int:
    """The slot of this number, of about now."""
    return begun_ms() + number


def slot(monitor: Monitor, number: int, region: str = "eu-west") -> CanarySlot:
    return CanarySlot(monitor.public_id, monitor.revision, region, moment(number))


def answered(world: World, monitor: Monitor, number: int, bad: bool = False, reason: Reason = Reason.STALLED) -> None:
    """A region's turn: reserved, asked, and settled by what the provider counted."""
    region, at_ms = world.regions[number % len(world.regions)], moment(number)
    assert reserve_slots([slot(monitor, number, region.slug)]) == [True]
    status, reason = (Status.DEGRADED, reason) if bad else (Status.UP, Reason.OK)
    facts: dict[str, Fact] = {"input_tokens": 12, "output_tokens": 4}
    result = Result(
        WIRE_VERSION, monitor.public_id, at_ms, status, reason, at_ms, Phases(), f"can_{at_ms}", 0, 1, 200, "", facts,
        monitor.revision,
    )  # fmt: skip
    assert settled(region.pk, result) == 1
    # The same again, as after a crash of the recorder: nothing more.
    assert settled(region.pk, result) == 0


def settled(region: int, *results: Result) -> int:
    with transaction.atomic():
        return settle_results([(region, one) for one in results], dict(Region.objects.values_list("pk", "slug")))


def swept(world: World) -> frozenset[str]:
    return CanarySweep(world.told.append, lambda notices: None).run()


def state(monitor: Monitor) -> str:
    return MonitorState.objects.get(monitor=monitor).status


def test_two_dispatchers_reserve_a_slot_once(world: World) -> None:
    monitor = canary(world)
    assert reserve_slots([slot(monitor, 1)]) == [True]
    assert reserve_slots([slot(monitor, 1)]) == [False]
    assert len(Canary.objects.get().reserved) == 1


def test_what_changed_or_was_paused_meanwhile_is_not_asked(world: World) -> None:
    monitor = canary(world)
    stale = slot(monitor, 1)
    update_monitor(monitor, {"config": {**CONFIG, "prompt": "Say hi"}})
    assert reserve_slots([stale]) == [False]
    paused = set_paused(Monitor.objects.get(), True)
    assert reserve_slots([slot(paused, 2), CanarySlot("mon_nobody", 1, "eu-west", 3)]) == [False, False]


def test_the_budget_of_a_month_stops_it_and_its_state_says_so(world: World) -> None:
    monitor = canary(world)
    for at_ms in (1, 2, 3):
        answered(world, monitor, at_ms)
    assert swept(world) == {monitor.public_id}
    assert state(monitor) == Status.UP
    at_ms = 4
    while reserve_slots([slot(monitor, at_ms)]) == [True]:
        Canary.objects.update(spent=Canary.objects.get().spent + 50_000, reserved={})
        at_ms += 1
    row = Canary.objects.get()
    assert row.spent <= 200_000
    assert row.stopped == row.month
    assert swept(world) == {monitor.public_id}
    assert state(monitor) == Status.UNKNOWN
    swept(world)
    [notice] = StoredNotice.objects.all()
    assert notice.title == f"luna stopped: budget of $0.0002 for {month_name(row.month)} spent"
    report = canary_report(monitor, database_now())
    assert report is not None
    assert (report.standing, report.stopped) == (WindowStanding.STOPPED, notice.title.removeprefix("luna "))
    update_monitor(monitor, {"config": {**CONFIG, "monthly_budget": 1.0}})
    # It says so at once, not with its next turn.
    raised = canary_report(Monitor.objects.get(), database_now())
    assert raised is not None
    assert (raised.stopped, raised.standing) == ("", WindowStanding.UNDECIDED)
    assert reserve_slots([slot(Monitor.objects.get(), at_ms + 1)]) == [True]
    assert Canary.objects.get().stopped == ""
    Canary.objects.update(spent=1_000_000_000)
    assert reserve_slots([slot(Monitor.objects.get(), at_ms + 2)]) == [False]
    for _ in range(2):
        swept(world)
    assert [one.title.split(" for ")[0] for one in StoredNotice.objects.order_by("pk")] == [
        "luna stopped: budget of $0.0002",
        "luna stopped: budget of $1.00",
    ]


def test_three_bad_answers_of_five_open_one_incident_and_good_ones_resolve_it(world: World) -> None:
    monitor = canary(world, monthly_budget=1.0)
    for number in (1, 2, 3):
        answered(world, monitor, number)
    assert swept(world) == {monitor.public_id}
    for number in (4, 5):
        answered(world, monitor, number, bad=True)
    assert swept(world) == frozenset()
    assert state(monitor) == Status.UP
    answered(world, monitor, 6, bad=True)
    assert swept(world) == {monitor.public_id}
    assert swept(world) == frozenset()
    incident = Incident.objects.get()
    assert (incident.kind, incident.failure, state(monitor)) == ("degraded", "stalled", Status.DEGRADED)
    assert "3 of the last 5 answers were bad" in world.told[-1].text
    for at_ms in (7, 8, 9):
        answered(world, monitor, at_ms)
    swept(world)
    assert Incident.objects.get().resolved_at is not None
    assert state(monitor) == Status.UP
    assert {transition.incident.kind for transition in world.told} == {"degraded"}


@pytest.mark.parametrize(
    ("reason", "joint"), [(Reason.STALLED, 1), (Reason.BODY_MISMATCH, 0), (Reason.VALUE_MISMATCH, 0)]
)
def test_what_an_answer_says_is_no_incident_of_its_provider(world: World, reason: Reason, joint: int) -> None:
    for name in ("luna", "terra"):
        monitor = create_monitor(
            default_team(),
            {"name": name, "kind": CANARY_KIND, "config": {**CONFIG, "monthly_budget": 1.0}, "regions": world.regions},
        )
        reconcile_monitors(world.told.append)
        for number in (1, 2, 3):
            answered(world, monitor, number, bad=True, reason=reason)
    swept(world)
    own = Incident.objects.exclude(monitor=None)
    assert {one.provider for one in own} == ({"openai"} if joint else {""})
    assert (own.count(), Incident.objects.filter(monitor=None).count()) == (2, joint)


def test_the_answers_before_a_stop_open_no_incident_when_the_next_month_begins(world: World) -> None:
    monitor = canary(world)
    for number in (1, 2, 3):
        answered(world, monitor, number, bad=True)
    Canary.objects.update(spent=200_000)
    assert reserve_slots([slot(monitor, 4)]) == [False]
    swept(world)
    # As another month has it: the account is of one that is over.
    Canary.objects.update(month="2000-01", stopped="2000-01")
    swept(world)
    assert (Incident.objects.count(), state(monitor)) == (0, Status.UNKNOWN)
    report = canary_report(monitor, database_now())
    assert report is not None
    assert (len(report.answers), len(report.window)) == (3, 0)


def test_an_answer_of_a_newer_release_stops_neither_the_recorder_nor_a_page(world: World) -> None:
    monitor = canary(world)
    answered(world, monitor, 1)
    kept = Canary.objects.get().answers
    Canary.objects.update(answers=[[*kept[0][:4], "of_the_future", *kept[0][5:]], *kept])
    answered(world, monitor, 2)
    report = canary_report(monitor, database_now())
    assert report is not None
    assert (len(report.window), report.silent_since) == (2, None)


@pytest.mark.parametrize("away_ms", [-3_600_000, 3_600_000, 10**11])
def test_a_slot_of_a_clock_gone_wrong_is_not_asked_and_stops_no_later_one(world: World, away_ms: int) -> None:
    monitor = canary(world)
    assert reserve_slots([slot(monitor, away_ms), slot(monitor, 1)]) == [False, True]


def test_one_that_takes_the_name_of_a_deleted_one_goes_on_with_its_money(world: World) -> None:
    first = canary(world)
    answered(world, first, 1)
    Canary.objects.update(spent=190_000)
    delete_monitor(first)
    again = canary(world)
    assert reserve_slots([slot(again, 2)]) == [False]
    report = canary_report(again, database_now())
    assert report is not None
    assert report.stopped
    delete_monitor(again)
    Canary.objects.update(month="2000-01")
    assert reserve_slots([slot(canary(world), 3)]) == [True]


def test_a_price_that_is_known_no_more_stops_it_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = canary(world)
    assert reserve_slots([slot(monitor, 1)]) == [True]
    monkeypatch.setattr("probes.ai.prices._BY_HOST", {})
    assert reserve_slots([slot(monitor, 2)]) == [False]
    report = canary_report(monitor, database_now())
    assert report is not None
    assert "input_price" in report.stopped
    for _ in range(2):
        swept(world)
    [notice] = StoredNotice.objects.all()
    assert (notice.kind, "is not known any more" in notice.title) == ("canary_stopped", True)


def test_an_answer_that_was_asked_at_another_price_is_not_settled_by_the_new_one(world: World) -> None:
    monitor = canary(world)
    region = world.regions[0]
    assert reserve_slots([slot(monitor, 1, region.slug)]) == [True]
    most = Canary.objects.get().reserved[str(moment(1))][1]
    update_monitor(monitor, {"config": {**CONFIG, "input_price": 0.0, "output_price": 0.0}})
    facts: dict[str, Fact] = {"input_tokens": 12, "output_tokens": 4}
    came = Result(
        WIRE_VERSION, monitor.public_id, moment(1), Status.UP, Reason.OK, moment(1), Phases(), f"can_{moment(1)}", 0, 1,
        200, "", facts, monitor.revision,
    )  # fmt: skip
    assert settled(region.pk, came) == 1
    assert Canary.objects.get().spent == most > 0


def test_a_region_cannot_make_up_answers(world: World) -> None:
    monitor = canary(world)
    assert reserve_slots([slot(monitor, 1, "eu-west")]) == [True]
    other = next(region for region in world.regions if region.slug != "eu-west")
    made_up = [
        Result(WIRE_VERSION, monitor.public_id, at_ms, Status.DEGRADED, Reason.STALLED, at_ms, Phases(), f"can_{at_ms}")
        for at_ms in map(moment, (1, 2, 3))
    ]
    assert settled(other.pk, *made_up) == 0
    assert settled(0, made_up[0]) == 0
    assert Canary.objects.get().answers == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"model": "gpt-unheard-of"}, "input_price"),
        ({"monthly_budget": 0.0000001}, "monthly_budget"),
        ({"billing_acknowledged": False}, "billing_acknowledged"),
    ],
)
def test_money_that_does_not_add_up_is_refused_at_its_field(world: World, change: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationError) as refused:
        canary(world, **change)
    [problem] = refused.value.error_dict["config"]
    assert path in str(problem)
    assert problem.code == SpecCode.REQUIRED or path == "monthly_budget"


@pytest.mark.parametrize(("price", "is_below"), [(0.0, True), (0.1, True), (5.0, False), (None, False)])
def test_a_price_below_the_known_one_is_said(world: World, price: float | None, is_below: bool) -> None:
    monitor = canary(world, input_price=price, output_price=price, monthly_budget=1.0)
    assert ("which are below those of 2026" in " ".join(monitor_warnings(monitor))) is is_below


def test_a_budget_is_the_amount_that_was_given(world: World) -> None:
    report = canary_report(canary(world, monthly_budget=0.00013, prompt="Hi", max_tokens=1), database_now())
    assert report is not None
    assert report.budget == 130_000


def test_a_canary_says_what_it_costs_and_an_interval_below_a_minute_is_refused(world: World) -> None:
    monitor = canary(world)
    assert "a month" in " ".join(monitor_warnings(monitor))
    with pytest.raises(ValidationError, match="every answer costs money"):
        update_monitor(monitor, {"interval_s": 30})


def test_an_answer_is_settled_with_the_position_of_its_stream_and_so_once(world: World) -> None:
    monitor, region = canary(world), world.regions[0]
    now_ms = round(database_now().timestamp() * 1000)
    assert reserve_slots([CanarySlot(monitor.public_id, monitor.revision, region.slug, now_ms)]) == [True]
    facts: dict[str, Fact] = {"input_tokens": 12, "output_tokens": 4}
    result = Result(
        WIRE_VERSION, monitor.public_id, now_ms, Status.UP, Reason.OK, now_ms, Phases(), f"can_{now_ms}", 0, 1, 200, "",
        facts, monitor.revision,
    )  # fmt: skip
    for known, fails in ((None, False), (None, True)):
        # The second is a recorder that was cut off after it had read, and before it knew that it had written.
        intake = Intake({monitor.public_id: monitor.pk})
        intake.take(region.pk, f"{now_ms}-0", encode([result]), now_ms)
        with pytest.raises(Overtaken) if fails else contextlib.nullcontext():
            write(intake, {region.pk: ReadPosition(known, f"{now_ms}-0")})
    row = Canary.objects.get()
    assert (row.spent, row.reserved, len(row.answers)) == (7_200, {}, 1)
