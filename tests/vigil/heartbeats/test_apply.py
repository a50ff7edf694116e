"""Pings become history, states and incidents: once each, in their order, in one transaction."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.reasons import Status
from tests.vigil.heartbeats.jobs import ago, call, job, listening, logged, nobody
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import enqueue
from vigil.heartbeats.apply import apply_entries
from vigil.heartbeats.changes import set_paused, team_pings
from vigil.heartbeats.core.pings.wire import Address, Ping, PingKind, encode
from vigil.heartbeats.models import Heartbeat, Reception, ReceptionGap, SpooledEntry, StoredPing
from vigil.heartbeats.stored_pings import KEPT
from vigil.heartbeats.sweep import sweep
from vigil.incidents.models import Incident, MonitorState, Transition

pytestmark = pytest.mark.django_db


def test_a_ping_is_kept_and_its_heartbeat_is_up() -> None:
    row = job()
    at = ago(minutes=1)

    applied = apply_entries([logged(call(row, at, body=b'{"items": 7, "model": "m"}', rid="r1"))], nobody)

    row.refresh_from_db()
    kept = StoredPing.objects.get()
    assert (applied.pings, applied.unknown) == (1, 0)
    assert (row.status, row.pings, row.last_success_at) == ("up", 1, at)
    assert (row.expected_at, row.due_at) == (at + timedelta(hours=1), at + timedelta(hours=1))
    assert (kept.n, kept.kind, kept.rid, kept.facts) == (1, "success", "r1", {"items": 7, "model": "m"})
    assert MonitorState.objects.get(monitor=row.monitor).status == Status.UP


def test_a_batch_that_is_applied_again_changes_nothing() -> None:
    row = job()
    batch = [logged(call(row, ago(minutes=3), PingKind.FAIL)), logged(call(row, ago(minutes=1)))]
    told: list[Transition] = []
    for _ in range(3):
        apply_entries(batch, told.append)

    row.refresh_from_db()
    assert (row.status, row.pings, StoredPing.objects.count()) == ("up", 2, 2)
    assert [step.reason for step in told] == ["job_failed", "job_well"]


def test_the_same_ping_by_redis_and_by_the_spool_counts_once() -> None:
    row = job()
    entry = logged(call(row, ago(minutes=1)))
    SpooledEntry.objects.create(entry=encode(entry.entry))

    assert apply_entries([entry], nobody).pings == 1
    assert not SpooledEntry.objects.exists()
    SpooledEntry.objects.create(entry=encode(entry.entry))
    assert apply_entries([], nobody).pings == 0
    assert StoredPing.objects.count() == 1


def test_what_came_by_both_ways_is_applied_in_the_order_in_which_it_came() -> None:
    row = job()
    first, second, third = (call(row, ago(minutes=minutes), rid=rid) for minutes, rid in ((3, "1"), (2, "2"), (1, "3")))
    SpooledEntry.objects.create(entry=encode(logged(second).entry))

    apply_entries([logged(first), logged(third)], nobody)

    assert list(StoredPing.objects.order_by("n").values_list("rid", flat=True)) == ["1", "2", "3"]


def test_nothing_is_written_when_telling_fails() -> None:
    row = job()
    SpooledEntry.objects.create(entry=encode(logged(call(row, ago(minutes=1), PingKind.FAIL)).entry))

    def fail(step: Transition) -> None:
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        apply_entries([], fail)

    row.refresh_from_db()
    assert (row.status, row.pings) == ("new", 0)
    assert SpooledEntry.objects.count() == 1
    assert not Incident.objects.exists()
    assert not StoredPing.objects.exists()


def test_a_failed_job_opens_one_incident_with_its_last_words_and_a_success_ends_it() -> None:
    Channel.objects.create(team=default_team(), name="hook", kind="webhook", config={"url": "http://127.0.0.1:9/"})
    row = job("embed documents")
    start, end = ago(minutes=9), ago(minutes=5)
    words = b"Loading model...\nCUDA out of memory\n"
    failing = [call(row, start, PingKind.START), call(row, end, PingKind.FAIL, exit_code=3, body=words)]

    apply_entries([logged(*failing, call(row, ago(minutes=4), PingKind.FAIL))], enqueue)
    apply_entries([logged(call(row, ago(minutes=1)))], enqueue)

    incident = Incident.objects.get()
    opened, resolved = incident.transitions.order_by("seq")
    assert (incident.kind, incident.title) == ("heartbeat", "embed documents failed")
    assert opened.text.endswith("UTC with exit code 3 after 4 min. It wrote: Loading model... CUDA out of memory")
    assert opened.evidence["heartbeat"]["exit_code"] == 3
    assert (opened.reason, resolved.reason) == ("job_failed", "job_well")
    assert list(Delivery.objects.order_by("id").values_list("event", flat=True)) == ["trigger", "resolve"]


def test_a_run_outside_its_budget_opens_a_degraded_incident_with_numbers() -> None:
    row = job(budget={"min_items": 100, "max_cost": 2})
    apply_entries([logged(call(row, ago(minutes=9), body=b'{"items": 0, "cost": 14.5}'))], nobody)
    incident = Incident.objects.get()
    assert (incident.kind, incident.title) == ("degraded", "nightly is over budget")
    text = "The last run: 0 items, at least 100 expected; cost 14.5, at most 2 allowed."
    assert incident.transitions.get().text == text
    assert incident.transitions.get().evidence["heartbeat"]["breaches"] == [
        {"rule": "min_items", "value": 0, "limit": 100},
        {"rule": "max_cost", "value": 14.5, "limit": 2},
    ]
    assert MonitorState.objects.get(monitor=row.monitor).status == Status.DEGRADED

    apply_entries([logged(call(row, ago(minutes=8), PingKind.FAIL))], nobody)
    apply_entries([logged(call(row, ago(minutes=7), body=b'{"items": 5}'))], nobody)
    apply_entries([logged(call(row, ago(minutes=6), body=b'{"items": 500}'))], nobody)

    incident.refresh_from_db()
    steps = list(incident.transitions.order_by("seq").values_list("step", "reason"))
    assert steps == [
        ("opened", "budget_exceeded"),
        ("changed", "job_failed"),
        ("changed", "budget_exceeded"),
        ("resolved", "budget_kept"),
    ]
    assert Incident.objects.count() == 1


def test_a_looping_run_is_told_of_while_it_loops() -> None:
    row = job(budget={"max_logs": 50})
    logs = [call(row, ago(minutes=8, seconds=-number), PingKind.LOG) for number in range(60)]
    apply_entries([logged(call(row, ago(minutes=9), PingKind.START), *logs)], nobody)
    assert Incident.objects.get().title == "nightly may be looping"
    assert "51 log messages in one run, at most 50 allowed" in Transition.objects.get().text


def test_keyword_rules_decide_what_a_mail_or_a_body_means() -> None:
    row = job(keywords={"fail": ["FAILED"], "success": ["done"], "otherwise": "ignored"})
    for minutes, body in ((3, b"nothing yet"), (2, b"FAILED"), (1, b"done")):
        apply_entries([logged(call(row, ago(minutes=minutes), body=body))], nobody)
    assert list(StoredPing.objects.order_by("n").values_list("kind", flat=True)) == ["ignored", "fail", "success"]
    assert Incident.objects.get().resolved_at is not None


def test_a_ping_for_nobody_changes_nothing() -> None:
    row = job()
    stranger = call(row, ago(minutes=1))
    apply_entries([logged(Ping(stranger.id, stranger.at_us, Address("0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d")))], nobody)
    assert not StoredPing.objects.exists()


def by_slug(key: str, slug: str, create: bool = False) -> Ping:
    sent = call(Heartbeat(), ago(minutes=1))
    return Ping(sent.id, sent.at_us, Address("", key, slug, create))


def test_a_team_s_jobs_call_by_key_and_slug() -> None:
    row, pings = job("Nightly batch"), team_pings(default_team())
    assert row.slug == "nightly-batch"
    assert apply_entries([logged(by_slug(pings.key, "nightly-batch"))], nobody).pings == 1
    assert apply_entries([logged(by_slug("x" * 22, "nightly-batch"))], nobody).unknown == 1


def test_a_job_makes_its_heartbeat_only_where_the_team_and_the_address_say_so() -> None:
    pings = team_pings(default_team())
    apply_entries([logged(by_slug(pings.key, "made", create=True))], nobody)
    assert not Heartbeat.objects.exists()
    pings.creates = True
    pings.save()
    apply_entries([logged(by_slug(pings.key, "not-asked"))], nobody)
    assert not Heartbeat.objects.exists()

    apply_entries([logged(by_slug(pings.key, "made", create=True)), logged(by_slug(pings.key, "made", True))], nobody)

    made = Heartbeat.objects.get()
    assert (made.slug, made.monitor.name, made.status, made.pings) == ("made", "made", "up", 2)


def test_a_body_is_kept_up_to_its_limit_with_its_true_size() -> None:
    row = job()
    sent = call(row, ago(minutes=1), body=b"x" * 100_000)
    big = Ping(sent.id, sent.at_us, sent.address, body=sent.body, body_size=250_000)
    apply_entries([logged(big)], nobody)
    kept = StoredPing.objects.get()
    assert (len(kept.body), kept.body_size) == (100_000, 250_000)


def test_only_the_newest_thousand_pings_are_kept() -> None:
    row = job()
    start = ago(minutes=50)
    pings = [call(row, start + timedelta(seconds=number)) for number in range(1_250)]
    for first in range(0, 1_250, 250):
        apply_entries([logged(*pings[first : first + 250])], nobody)
    row.refresh_from_db()
    kept = StoredPing.objects.order_by("n").values_list("n", flat=True)
    assert row.pings == 1_250
    assert kept[0] == 1_200 - KEPT + 1
    assert len(kept) == KEPT + 50


def test_a_receiver_whose_clock_is_ahead_puts_no_deadline_off() -> None:
    row = job()
    apply_entries([logged(call(row, ago(hours=-5)))], nobody)
    row.refresh_from_db()
    assert row.expected_at is not None
    assert row.expected_at <= ago(hours=-1)


def test_a_paused_heartbeat_keeps_pings_and_wakes_by_the_one_it_waits_for() -> None:
    row = set_paused(job(), True)
    apply_entries([logged(call(row, ago(minutes=2)))], nobody)
    row.refresh_from_db()
    assert (row.status, row.pings, row.monitor.paused) == ("paused", 1, True)

    set_paused(row, True, until_ping=True)
    apply_entries([logged(call(row, ago(minutes=1)))], nobody)
    row = Heartbeat.objects.select_related("monitor").get()
    assert (row.status, row.monitor.paused) == ("up", False)


def test_silence_of_all_receivers_is_a_gap_and_their_words_move_the_horizon() -> None:
    begun = ago(minutes=10)
    beats = [begun, begun + timedelta(seconds=1), begun + timedelta(seconds=2), begun + timedelta(minutes=4)]
    for beat in beats:
        apply_entries([logged(beat=beat)], nobody)
    apply_entries([logged(beat=beats[1])], nobody)
    gap = ReceptionGap.objects.get()
    assert (gap.begin, gap.end) == (beats[2], beats[3])
    assert Reception.objects.get().heard_at == beats[3]


def test_in_whatever_pieces_a_history_is_applied_the_end_is_the_same() -> None:
    kinds = [PingKind.SUCCESS, PingKind.FAIL, PingKind.START, PingKind.LOG]
    chance = random.Random(7)
    names = [f"job {number}" for number in range(3)]
    outcomes = set()
    story = [(chance.choice(names), minutes, chance.choice(kinds)) for minutes in range(40, 0, -1)]
    for pieces in (1, 3, 40):
        Heartbeat.objects.all().delete()
        jobs = {name: job(f"{name} in {pieces}") for name in names}
        now = ago()
        pings = [call(jobs[name], now - timedelta(minutes=minutes), kind) for name, minutes, kind in story]
        size = -(-len(pings) // pieces)
        for first in range(0, len(pings), size):
            apply_entries([logged(*pings[first : first + size])], nobody)
        incidents = Incident.objects.filter(monitor__name__endswith=f"in {pieces}")
        steps = Transition.objects.filter(incident__in=incidents).order_by("id").values_list("step", "reason")
        states = Heartbeat.objects.order_by("pk").values_list("status", "pings", "trouble", "logs")
        outcomes.add((tuple(states), tuple(steps)))
    assert len(outcomes) == 1


def test_a_ping_that_came_in_time_and_is_still_on_its_way_is_waited_for() -> None:
    row = job()
    last = ago(minutes=90)
    apply_entries([logged(call(row, last))], nobody)
    # The receivers' words have been applied up to just before the deadline, so the clock stands there.
    listening(last + timedelta(minutes=79))
    sweep(nobody)
    row.refresh_from_db()
    assert row.status == "late"

    apply_entries([logged(call(row, last + timedelta(minutes=79, seconds=30)))], nobody)
    listening()
    sweep(nobody)
    row.refresh_from_db()
    assert row.status == "up"
    assert not Incident.objects.exists()


_odd_text = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["\0", "\ud83d", "\udfff\ud800", "\ufffe", "\u202e", "\x1b[31m", "x" * 400, "\U0010ffff"]
)
_odd_number = st.integers(-(10**400), 10**400) | st.floats() | st.sampled_from([2**63, 10**15 + 1, 1e308])
_odd = st.recursive(
    _odd_text | _odd_number | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_odd_text, inner, max_size=3),
    max_leaves=8,
)
_told = st.dictionaries(st.sampled_from(["items", "tokens", "cost", "model", "error"]), _odd)


def _as_sent(told: dict[str, object], escaped: bool) -> bytes:
    return json.dumps(told, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


_bodies = st.binary(max_size=200) | st.builds(_as_sent, _told, st.booleans())


@pytest.mark.parametrize("kind", [PingKind.SUCCESS, PingKind.FAIL])
def test_s4_whatever_a_body_holds_it_is_stored_and_the_next_ping_too(kind: PingKind) -> None:
    row = job(keywords={"fail": ["ERROR"]})

    @settings(max_examples=60, deadline=None)
    @given(st.lists(_bodies, min_size=1, max_size=4))
    def holds(bodies: list[bytes]) -> None:
        with transaction.atomic():
            pings = [call(row, ago(seconds=1), kind, body=body, agent="\x80\xff", rid="r") for body in bodies]
            assert apply_entries([logged(*pings)], nobody).pings == len(bodies)
            assert StoredPing.objects.filter(pk__in=[ping.id for ping in pings]).count() == len(bodies)
            transaction.set_rollback(True)

    holds()
