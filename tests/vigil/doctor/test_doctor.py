"""Doctor: each thing that can be wrong is found and named, with what to do; a well installation has no problem."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from django.db.models.functions import Now
from redis.backoff import NoBackoff
from redis.retry import Retry

from probes import keys, wire
from tests.signed import say_alive
from tests.vigil.status.subscribing import incident_of, mail_server, page_of, subscriber
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, DeliveryState, Event
from vigil.clock import database_now
from vigil.dispatch.models import Lease
from vigil.doctor.examination import CHECKS, examine, worst
from vigil.doctor.findings import ExaminationContext, Level, ago, size
from vigil.history.models import Gap, GapReason, RecordedHour, Report, SizeSample
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Region
from vigil.status.models import StatusPage
from vigil.status.subscriber_models import LetterCount, SubscriberLetter

pytestmark = pytest.mark.django_db


class Patient:
    """An installation that is well, until a test makes it ill."""

    def __init__(self, url: str) -> None:
        self.redis = redis.Redis.from_url(url)
        self.around = ExaminationContext(self.redis, database_now(), disk_free_bytes=10**11)
        started = self.around.now
        regions = [Region.objects.create(slug=slug, domain=slug, worker_since=started) for slug in ("eu", "us", "ap")]
        for region in regions:
            self.beat(region.slug)
        for lease in ("consensus", "record"):
            self.redis.set(keys.lease(lease), "somebody")
        Lease.objects.create(name="dispatch", holder="somebody", expires_at=self.around.now + timedelta(seconds=10))
        self.team = default_team()
        fields = {"name": "shop", "kind": "http", "config": {"url": "https://example.com/"}, "regions": regions}
        self.monitor = create_monitor(self.team, fields)
        self.channel = self.add_channel("first")
        self.add_channel("second", fallback=True)

    def beat(
        self,
        region: str,
        offset_ms: int = 0,
        queue_ms: int = 0,
        *,
        alone: bool = False,
        kept: int = 0,
        egress: str = "public",
    ) -> None:
        now_ms = self.around.now_ms
        beat = wire.RegionStatus(
            1, now_ms, offset_ms, queue_ms, 0, now_ms, "b", "r", alone=alone, kept=kept, egress=egress
        )
        say_alive(self.redis, region, beat)

    def add_channel(self, name: str, fallback: bool = False, kind: str = "webhook") -> Channel:
        return Channel.objects.create(team=self.team, name=name, kind=kind, fallback=fallback)

    def deliver(self, state: str, age: timedelta, error: str = "") -> None:
        at = self.around.now - age
        incident = Incident.objects.create(
            team=self.team, cause_key=state + error, kind=IncidentKind.BLIND, title="t", started_at=at, opened_at=at
        )
        step = Transition.objects.create(incident=incident, seq=1, step=Step.OPENED, reason=StepReason.CONFIRMED, at=at)
        Delivery.objects.create(
            team=self.team, incident=incident, transition=step, channel=self.channel, event=Event.TRIGGER,
            state=state, created_at=at, due_at=at, last_error=error,
        )  # fmt: skip

    def found(self, check: str) -> list[tuple[Level, str]]:
        assert check in CHECKS
        return [(one.finding.level, one.finding.text) for one in examine(self.around) if one.check == check]


@pytest.fixture
def patient(redis_url: str) -> Patient:
    return Patient(redis_url)


def test_an_installation_that_is_well_has_no_problem(patient: Patient) -> None:
    assert [one for one in examine(patient.around) if one.finding.level is Level.PROBLEM] == []


def letter(patient: Patient, kind: str, state: str, **more: object) -> None:
    """A letter to a subscriber of this kind, of seven minutes ago."""
    page = StatusPage.objects.first() or page_of()
    row, at = subscriber(page, f"https://{kind}.example.test/", kind=kind), patient.around.now - timedelta(minutes=7)
    update = incident_of(page).updates.get()
    wanted = {"subscriber": row, "update": update, "kind": kind, "purpose": "update", "state": state, **more}
    SubscriberLetter.objects.create(created_at=at, due_at=at, **wanted)


ILLS: dict[str, tuple[str, Level, str, Callable[[Patient], object]]] = {
    "dispatch gone": ("leaders", Level.PROBLEM, "No dispatch process leads", lambda p: Lease.objects.all().delete()),
    "consensus gone": (
        "leaders", Level.PROBLEM, "No consensus process", lambda p: p.redis.delete(keys.lease("consensus")),
    ),
    "record gone": ("leaders", Level.PROBLEM, "No record process", lambda p: p.redis.delete(keys.lease("record"))),
    "a region dark": ("regions", Level.PROBLEM, "Region us is dark", lambda p: p.redis.delete(keys.status("us"))),
    "n10 a region not started": (
        "regions", Level.WARNING, "Region new waits for its worker",
        lambda p: Region.objects.create(slug="new", domain="new"),
    ),
    "n20 a receiver that does not answer": (
        "channels", Level.PROBLEM, "Channel first has accepted no alert for 7 min: the name could not be resolved",
        lambda p: p.deliver(DeliveryState.PENDING, timedelta(minutes=7), "the name could not be resolved"),
    ),
    "n34 a region with another egress": (
        "regions", Level.WARNING, "Region us is known as public, and its worker runs as private",
        lambda p: p.beat("us", egress="private"),
    ),
    "a region unreadable": (
        "regions", Level.PROBLEM, "cannot be read", lambda p: p.redis.set(keys.status("us"), b"junk"),
    ),
    "a clock off": ("regions", Level.WARNING, "clock of us is wrong by 4 s", lambda p: p.beat("us", offset_ms=-4_000)),
    "a region behind": ("regions", Level.WARNING, "us is behind by 40 s", lambda p: p.beat("us", queue_ms=40_000)),
    "a region alone": ("regions", Level.WARNING, "us has no dispatcher", lambda p: p.beat("us", alone=True)),
    "a region that was cut": (
        "regions", Level.NOTE, "us was cut off and still has 70 results to send", lambda p: p.beat("us", kept=70),
    ),
    "one domain": ("domains", Level.NOTE, "in one domain", lambda p: Region.objects.update(domain="aws")),
    "a channel that loses": (
        "channels", Level.PROBLEM, "Channel first (default) lost 1 alerts in 24 h: it answered 403",
        lambda p: p.deliver(DeliveryState.DEAD, timedelta(hours=1), "it answered 403"),
    ),
    "an alert overdue": (
        "deliver", Level.PROBLEM, "An alert has been due for 5 min",
        lambda p: p.deliver(DeliveryState.PENDING, timedelta(minutes=5)),
    ),
    "no channel": ("channels", Level.PROBLEM, "and no channel", lambda p: Channel.objects.update(enabled=False)),
    "no fallback": ("fallback", Level.WARNING, "no fallback channel", lambda p: Channel.objects.update(fallback=False)),
    "mail without a server": ("mail", Level.PROBLEM, "no mail server", lambda p: p.add_channel("m", kind="email")),
    "a report not sent": (
        "reports", Level.WARNING, "The weekly report of default was not sent: it answered 550",
        lambda p: Report.objects.create(team=p.team, frequency="weekly", last_error="it answered 550"),
    ),
    "nobody looks": (
        "monitors", Level.PROBLEM, "shop: no region checks it", lambda p: p.monitor.regions.clear(),
    ),
    "one region looks": (
        "monitors", Level.NOTE, "shop: only one region checks it",
        lambda p: Region.objects.exclude(slug="eu").update(enabled=False),
    ),
    "blind": (
        "monitors", Level.WARNING, "too few regions can vote",
        lambda p: MonitorState.objects.create(monitor=p.monitor, blind=True),
    ),
    "a gap": (
        "gaps", Level.WARNING, "History of eu lacks 7 results",
        lambda p: Gap.objects.create(
            region=Region.objects.get(slug="eu"), reason=GapReason.UNREADABLE, results=7,
            from_at=p.around.now - timedelta(minutes=9), to_at=p.around.now - timedelta(minutes=8),
        ),
    ),
    "hours not packed": (
        "rollups", Level.WARNING, "1 hours are not packed",
        lambda p: RecordedHour.objects.create(hour=100, touched_at=Now()),
    ),
    "a verdict that waits": (
        "ingest", Level.PROBLEM, "waits for ingest since 2 min",
        lambda p: p.redis.xadd(keys.VERDICTS, {"b": b""}, id=f"{p.around.now_ms - 130_000}-0"),
    ),
    "letters that nobody sends": (
        "letters", Level.PROBLEM, "1 letters to subscribers (slack) wait for 7 min, and no sender takes them",
        lambda p: letter(p, "slack", "pending"),
    ),
    "letters without a mail server": (
        "letters", Level.PROBLEM, "there is no mail server", lambda p: letter(p, "email", "sent"),
    ),
    "letters that were given up": (
        "letters", Level.NOTE, "acme: 1 letters (webhook) were not delivered in 24 h: it answered 500",
        lambda p: letter(p, "webhook", "dead", attempts=9, last_error="it answered 500"),
    ),
    "results that wait": (
        "recording", Level.WARNING, "Results of eu wait since 2 min",
        lambda p: p.redis.xadd(keys.results("eu"), {"b": b""}, id=f"{p.around.now_ms - 130_000}-0"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("ill", ILLS)
def test_what_is_wrong_is_found(patient: Patient, ill: str) -> None:
    check, level, text, fall_ill = ILLS[ill]
    fall_ill(patient)
    assert any(found == level and text in line for found, line in patient.found(check)), patient.found(check)


def test_a_mail_server_that_accepts_no_letter_is_named_and_one_that_does_is_not(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(monkeypatch):
        letter(patient, "email", "pending", last_error="the mail server answered 535")
        [(level, said)] = patient.found("letters")
        assert level is Level.PROBLEM
        assert "no letter to subscribers for 7 min, and 1 wait: the mail server answered" in said
        LetterCount.objects.create(kind="email", sent=4, sent_at=patient.around.now)
        assert patient.found("letters") == [(Level.WELL, "No letter to a subscriber is overdue.")]


def grow(patient: Patient, bytes_per_day: int) -> None:
    day = patient.around.now_ms // 86_400_000
    for age in range(5):
        SizeSample.objects.create(day=day - age, database_bytes=10**12 - age * bytes_per_day, history_bytes=0)


@pytest.mark.parametrize(
    ("bytes_per_day", "level"), [(10**10, Level.PROBLEM), (3 * 10**9, Level.WARNING), (10**7, Level.WELL)]
)
def test_it_says_when_the_disk_will_be_full(patient: Patient, bytes_per_day: int, level: Level) -> None:
    grow(patient, bytes_per_day)
    days = 10**11 // bytes_per_day
    full = [(found, line) for found, line in patient.found("disk") if "disk is full" in line]
    assert [found for found, _ in full] == [level]
    assert f"in {days:,} days" in full[0][1]
    if days < 3650:
        assert f"{patient.around.now + timedelta(days=days):%d %B %Y}" in full[0][1]


def test_a_disk_that_cannot_be_seen_is_asked_about(patient: Patient) -> None:
    grow(patient, 10**9)
    patient.around = replace(patient.around, disk_free_bytes=None)
    assert any("Free disk space is unknown" in line for _, line in patient.found("disk"))


def test_redis_away_is_a_finding_and_the_other_checks_run(patient: Patient) -> None:
    nobody = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))
    examined = examine(replace(patient.around, redis=nobody))
    assert worst(examined) is Level.PROBLEM
    assert any("Redis does not answer" in one.finding.text for one in examined if one.check == "regions")
    assert any(one.check == "disk" for one in examined)


def test_every_finding_that_is_no_good_news_says_what_to_do(patient: Patient) -> None:
    for _, _, _, fall_ill in ILLS.values():
        fall_ill(patient)
    for one in examine(patient.around):
        assert one.finding.advice or one.finding.level in (Level.WELL, Level.NOTE)


def test_lengths_and_sizes_read_as_people_say_them() -> None:
    assert [ago(seconds) for seconds in (0, 90, 150, 7_300, 200_000)] == ["0 s", "90 s", "2 min", "2 h", "2 days"]
    assert [size(count) for count in (900, 5e6, 2.5e9, 3e12)] == ["1 kB", "5.0 MB", "2.5 GB", "3.0 TB"]


@pytest.mark.django_db(transaction=True)
def test_the_command_speaks_json_and_exits_by_the_worst(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    from vigil.cli import main

    assert main(["doctor", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["worst"] == "problem" and {one["check"] for one in said["findings"]} <= set(CHECKS)
    assert main(["doctor", "--disk-free-gb", "5"]) == 1
    assert "No region exists" in capsys.readouterr().out


def test_n20_an_alert_that_its_receiver_refuses_is_not_blamed_on_deliver(patient: Patient) -> None:
    patient.deliver(DeliveryState.PENDING, timedelta(minutes=7), "the name could not be resolved")
    assert [level for level, _ in patient.found("deliver")] == [Level.WELL]


@pytest.mark.parametrize(
    ("told", "level", "text"),
    [
        ({}, Level.NOTE, "Redis does not tell its maxmemory-policy."),
        ({"maxmemory_policy": "noeviction"}, Level.WELL, "holds 0 kB."),
    ],
)
def test_a_hosted_redis_that_tells_little_of_itself_is_examined(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], level: Level, text: str
) -> None:
    monkeypatch.setattr(patient.redis, "info", lambda section: told)
    [(found, words)] = patient.found("redis")
    assert found is level and words.endswith(text)
