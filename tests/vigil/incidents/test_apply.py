"""Verdicts become incidents exactly once, with their deliveries in the same transaction."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from django.db.models.functions import Now

from consensus.outcome import verdict_of
from consensus.quorum import decide
from consensus.review.evidence import from_evidence
from consensus.verdicts import Quarantine, Verdict
from consensus.vocabulary import Exclusion
from probes.reasons import Refusal, Status
from probes.wire import RegionStatus
from tests.consensus.examples import FIVE_REGIONS, make_round, make_vote
from vigil.accounts.teams import default_team
from vigil.incidents.apply import VerdictEntry, apply_verdicts
from vigil.incidents.core.model import StepReason
from vigil.incidents.installation.quarantines import note_quarantines
from vigil.incidents.models import Incident, IngestPosition, MonitorState, Transition
from vigil.incidents.sweep import note_dark_regions, reconcile_monitors
from vigil.monitors.changes import create_monitor, delete_monitor, set_paused, update_monitor
from vigil.monitors.live.workers import Workers
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db(transaction=True)

T0 = 1_700_000_000_000


@pytest.fixture
def monitor() -> Monitor:
    regions = [Region.objects.create(slug=slug, domain=domain) for slug, domain in FIVE_REGIONS.items()]
    return create_monitor(
        default_team(),
        {"name": "checkout", "kind": "http", "config": {"url": "https://example.test/"}, "regions": regions},
    )


def verdict(monitor: Monitor, at_ms: int, saw: str, epoch: int = 1) -> Verdict:
    votes = [make_vote(region, saw) for region in FIVE_REGIONS]
    round = make_round(opened_ms=at_ms)
    decision = decide(round, votes, 1)
    assert decision is not None
    decided = verdict_of(round, decision, votes, at_ms + 500)
    return msgspec.structs.replace(
        decided, monitor=monitor.public_id, revision=monitor.revision, epoch=epoch, round=f"rnd_{at_ms}"
    )


def entries(*verdicts: Verdict) -> list[VerdictEntry]:
    return [VerdictEntry(f"{one.decided_ms}-{number}", one) for number, one in enumerate(verdicts)]


def test_an_outage_is_written_with_its_evidence_and_told(monitor: Monitor) -> None:
    told: list[Transition] = []
    down = verdict(monitor, T0, "fail")

    applied = apply_verdicts(entries(down), told.append)

    incident = Incident.objects.get()
    step = incident.transitions.get()
    assert applied.changed == {monitor.public_id}
    assert (incident.kind, incident.title, incident.failure) == ("outage", "checkout is down", "refused")
    assert round(incident.started_at.timestamp() * 1000) == down.suspected_ms
    assert (step.seq, step.step, step.text) == (1, "opened", down.explanation)
    assert from_evidence(step.evidence) == down
    assert told == [step]
    assert MonitorState.objects.get().status == Status.DOWN


def test_applying_a_batch_again_changes_nothing(monitor: Monitor) -> None:
    batch = entries(verdict(monitor, T0, "fail"), verdict(monitor, T0 + 100_000, "pass"))
    told: list[Transition] = []
    for _ in range(3):
        apply_verdicts(batch, told.append)

    assert (Incident.objects.count(), len(told)) == (1, 1)
    assert MonitorState.objects.get().passed_rounds == 1


def test_the_same_verdict_on_another_entry_changes_nothing(monitor: Monitor) -> None:
    down = verdict(monitor, T0, "fail")
    apply_verdicts([VerdictEntry("1-0", down)], lambda step: None)

    applied = apply_verdicts([VerdictEntry("2-0", down)], lambda step: None)

    assert applied.reasons == (StepReason.OLD_ROUND,)
    assert Transition.objects.count() == 1


def test_a_decider_with_an_older_epoch_commits_nothing(monitor: Monitor) -> None:
    apply_verdicts(entries(verdict(monitor, T0, "pass", epoch=7)), lambda step: None)

    applied = apply_verdicts(entries(verdict(monitor, T0 + 60_000, "fail", epoch=6)), lambda step: None)

    assert (applied.changed, applied.reasons) == (frozenset(), (StepReason.OLD_EPOCH,))
    assert not Incident.objects.exists()


def test_nothing_is_written_when_telling_fails(monitor: Monitor) -> None:
    def fail(step: Transition) -> None:
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        apply_verdicts(entries(verdict(monitor, T0, "fail")), fail)

    assert not Incident.objects.exists()
    assert not IngestPosition.objects.exists()
    assert not MonitorState.objects.exists()


def test_an_incident_lives_from_failure_to_resolution_with_gapless_steps(monitor: Monitor) -> None:
    history = [verdict(monitor, T0, "slow"), verdict(monitor, T0 + 20_000, "fail")]
    history += [verdict(monitor, T0 + 90_000, "pass"), verdict(monitor, T0 + 110_000, "pass")]

    apply_verdicts(entries(*history), lambda step: None)

    incident = Incident.objects.get()
    steps = list(incident.transitions.values_list("seq", "step", "reason"))
    assert steps == [(1, "opened", "confirmed"), (2, "changed", "worsened"), (3, "resolved", "recovered")]
    assert incident.resolved_at is not None
    assert MonitorState.objects.get().status == Status.UP


def test_a_verdict_about_a_monitor_that_is_gone_or_changed_has_no_effect(monitor: Monitor) -> None:
    down = verdict(monitor, T0, "fail")
    update_monitor(monitor, {"name": "renamed"})
    assert apply_verdicts([VerdictEntry("1-0", down)], lambda step: None).changed == frozenset()

    delete_monitor(monitor)
    assert apply_verdicts([VerdictEntry("2-0", down)], lambda step: None).reasons == ()
    assert not Incident.objects.exists()


def test_pausing_a_monitor_resolves_its_incident(monitor: Monitor) -> None:
    apply_verdicts(entries(verdict(monitor, T0, "fail")), lambda step: None)
    set_paused(monitor, True)

    changed = reconcile_monitors(lambda step: None)

    assert changed == {monitor.public_id}
    (last,) = Incident.objects.get().transitions.order_by("-pk")[:1]
    assert last.reason == StepReason.MONITOR_PAUSED
    assert reconcile_monitors(lambda step: None) == frozenset()


def blind_twice(monitor: Monitor, other: Monitor, told: list[Transition]) -> None:
    for at_ms in (T0, T0 + 30_000):
        batch = entries(verdict(monitor, at_ms, "missed"), verdict(other, at_ms + 1, "missed"))
        apply_verdicts(batch, told.append)


def test_blindness_of_another_cause_is_told_as_well(monitor: Monitor) -> None:
    wanted = {"name": "inside", "kind": "http", "config": {"url": "https://example.test/"}}
    other = create_monitor(default_team(), {**wanted, "regions": list(monitor.regions.all())})
    told: list[Transition] = []
    blind_twice(monitor, other, told)
    for at_ms in (T0 + 40_000, T0 + 70_000):
        apply_verdicts(entries(verdict(other, at_ms, "pass"), verdict(other, at_ms + 10_000, "blocked")), told.append)
    apply_verdicts(entries(verdict(other, T0 + 90_000, "blocked")), told.append)

    assert [(step.step, step.incident.cause_key) for step in told] == [
        ("opened", "too-few-votes (missed)"),
        ("opened", "too-few-votes (blocked)"),
    ]
    assert "(blocked)" in told[1].incident.title


def test_a_monitor_that_is_deleted_while_blind_leaves_no_incident_open(monitor: Monitor) -> None:
    told: list[Transition] = []
    for at_ms in (T0, T0 + 30_000):
        apply_verdicts(entries(verdict(monitor, at_ms, "missed")), told.append)
    delete_monitor(monitor)
    reconcile_monitors(told.append)

    assert [step.step for step in told] == ["opened", "resolved"]


def test_a_region_in_quarantine_is_told_once_and_when_it_votes_again() -> None:
    told: list[Transition] = []
    sick = Quarantine(1, "eu-west", T0, Exclusion.SICK, "Region eu-west fails alone.")
    for _ in range(3):
        note_quarantines([sick], told.append)
    assert [(step.incident.kind, step.text) for step in told] == [("blind", "Region eu-west fails alone.")]
    assert told[0].incident.title == "Region eu-west is in quarantine: its votes do not count"

    note_quarantines([], told.append)
    assert [(step.step, step.reason) for step in told] == [("opened", "region_sick"), ("resolved", "region_well")]


def test_monitors_of_one_host_that_fail_together_share_a_cause(monitor: Monitor) -> None:
    regions = list(monitor.regions.all())
    names = {"login": "https://example.test/login", "elsewhere": "https://other.test/"}
    login, elsewhere = (
        create_monitor(default_team(), {"name": name, "kind": "http", "config": {"url": url}, "regions": regions})
        for name, url in names.items()
    )
    causes: list[str] = []
    batch = [verdict(one, T0 + at, "fail") for at, one in enumerate((monitor, elsewhere, login))]

    apply_verdicts(entries(*batch), lambda step: causes.append(step.incident.cause_key))

    assert causes == ["", "", "host:example.test"]
    grouped = Incident.objects.filter(cause_key="host:example.test").values_list("monitor__name", flat=True)
    assert sorted(grouped) == ["checkout", "login"]


def test_a_third_of_all_monitors_at_once_is_one_event(monitor: Monitor) -> None:
    regions = list(monitor.regions.all())
    others = [
        create_monitor(
            default_team(),
            {"name": f"m{at}", "kind": "http", "config": {"url": f"https://m{at}.test/"}, "regions": regions},
        )
        for at in range(12)
    ]
    for at, one in enumerate(others):
        apply_verdicts(entries(verdict(one, T0 + at, "fail")), lambda step: None)

    first = Incident.objects.order_by("pk").first()
    assert first is not None
    assert set(Incident.objects.values_list("cause_key", flat=True)) == {f"mass:{first.public_id}"}
    last = Transition.objects.order_by("pk").last()
    assert last is not None
    # They were all made for this test, just now: that is what there is to look at first.
    assert last.text.endswith(
        "12 monitors failed within a minute. Check Vigil itself first: "
        "12 of 12 of these monitors were changed within ten minutes."
    )


def test_a_mass_event_after_a_deployment_says_so_and_one_without_says_that_nothing_speaks_for_it(
    monitor: Monitor,
) -> None:
    regions = list(monitor.regions.all())
    for at in range(12):
        config = {"url": f"https://m{at}.test/"}
        create_monitor(default_team(), {"name": f"m{at}", "kind": "http", "config": config, "regions": regions})
    Monitor.objects.update(updated_at=Now() - timedelta(hours=1))
    *others, before, after = Monitor.objects.filter(name__startswith="m").order_by("pk")
    for at, one in enumerate([*others, before]):
        apply_verdicts(entries(verdict(one, T0 + at, "fail")), lambda step: None)
    workers = Workers()
    workers.hear({"eu-west": RegionStatus(1, 5, 0, 0, 0, 0, "0" * 32, "r"), "eu-north": Refusal.UNREADABLE})
    apply_verdicts(entries(verdict(after, T0 + 20, "fail")), lambda step: None)
    texts = [step.text for step in Transition.objects.order_by("pk")]
    assert texts[-2].endswith("11 monitors failed within a minute; there is no sign of a fault in Vigil itself.")
    assert texts[-1].endswith(
        "12 monitors failed within a minute. Check Vigil itself first: "
        "the worker of eu-west started within ten minutes (a deployment?)."
    )
    assert "mass" not in texts[0]


def test_blindness_is_told_once_for_all_monitors(monitor: Monitor) -> None:
    other = create_monitor(
        default_team(),
        {
            "name": "search",
            "kind": "http",
            "config": {"url": "https://example.test/"},
            "regions": list(monitor.regions.all()),
        },
    )
    told: list[Transition] = []
    blind_twice(monitor, other, told)
    assert [(step.step, step.incident.cause_key) for step in told] == [("opened", "too-few-votes (missed)")]

    apply_verdicts(entries(verdict(monitor, T0 + 50_000, "pass")), told.append)
    assert len(told) == 1
    apply_verdicts(entries(verdict(other, T0 + 60_000, "pass")), told.append)
    assert [step.step for step in told] == ["opened", "resolved"]


def test_blindness_ends_when_all_see_again_in_one_batch(monitor: Monitor) -> None:
    regions = list(monitor.regions.all())
    config = {"url": "https://example.test/"}
    wanted = {"name": "search", "kind": "http", "config": config, "regions": regions}
    other = create_monitor(default_team(), wanted)
    told: list[Transition] = []
    blind_twice(monitor, other, told)

    apply_verdicts(entries(verdict(monitor, T0 + 50_000, "pass"), verdict(other, T0 + 50_001, "pass")), told.append)

    assert [step.step for step in told] == ["opened", "resolved"]


def test_a_dark_region_is_told_once_and_when_it_is_back() -> None:
    told: list[Transition] = []
    for _ in range(3):
        note_dark_regions({"eu-west"}, {"eu-west"}, told.append)
    assert [(step.incident.kind, step.incident.title) for step in told] == [("blind", "Region eu-west is dark")]

    note_dark_regions(set(), {"eu-west"}, told.append)
    assert len(told) == 1
    note_dark_regions(set(), set(), told.append)
    assert [step.step for step in told] == ["opened", "resolved"]


def test_monitors_behind_one_address_that_fail_together_share_a_cause(monitor: Monitor) -> None:
    wanted = {"name": "other", "kind": "http", "config": {"url": "https://other.test/"}}
    other = create_monitor(default_team(), {**wanted, "regions": list(monitor.regions.all())})

    def behind(one: Monitor, at_ms: int) -> Verdict:
        down = verdict(one, at_ms, "fail")
        votes = [msgspec.structs.replace(vote, address="192.0.2.7") for vote in down.votes]
        return msgspec.structs.replace(down, votes=votes)

    apply_verdicts(entries(behind(monitor, T0), behind(other, T0 + 1)), lambda step: None)

    assert list(Incident.objects.values_list("cause_key", flat=True)) == ["address:192.0.2.7"] * 2
