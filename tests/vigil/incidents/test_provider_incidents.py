"""Monitors of one provider that fail together are one incident, told once, that ends with the last of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from consensus.review.evidence import from_evidence, is_verdict
from tests.vigil.incidents.world import World
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, Route
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.holds import holds_on
from vigil.feeds.models import Feed
from vigil.incidents.models import Incident, Transition
from vigil.incidents.provider_incidents import settle_providers
from vigil.monitors.core.providers import provider_of, provider_of_host
from vigil.monitors.models import Monitor
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "api.openai.com"


@pytest.fixture
def world() -> World:
    return World()


def channel(name: str) -> Channel:
    return Channel.objects.create(team=default_team(), name=name, kind="webhook", config={"url": "https://x.test/"})


def whole() -> Incident:
    return Incident.objects.get(cause_key__startswith="provider:")


def told(incident: Incident) -> list[tuple[str, str, str]]:
    rows = Delivery.objects.filter(incident=incident).order_by("pk")
    return [(row.channel.name, row.event, row.state) for row in rows]


def of(monitor: Monitor) -> Incident:
    return Incident.objects.get(monitor=monitor)


def steps(incident: Incident) -> list[tuple[str, str]]:
    return list(incident.transitions.order_by("seq").values_list("step", "reason"))


def see(world: World, monitor: Monitor, *saw: str) -> None:
    world.see(monitor, *saw, enqueue=enqueue)


def test_two_that_fail_together_are_one_incident_with_both_named(world: World) -> None:
    channel("pager")
    first, second = world.monitor("chat", HOST), world.monitor("embeddings", HOST)
    see(world, first, "fail")
    assert not Incident.objects.filter(cause_key__startswith="provider:").exists()
    see(world, second, "fail")

    joint = whole()
    assert (joint.title, joint.kind, joint.provider) == ("OpenAI: 2 monitors fail together", "outage", "openai")
    opened = joint.transitions.get()
    assert opened.text == "Failing together: chat (refused), embeddings (refused)."
    assert [one["name"] for one in opened.evidence["joined"]] == ["chat", "embeddings"]
    assert told(joint) == [("pager", "trigger", "pending")]
    # The first was told before it was known that it was not alone; the second is told by the whole.
    assert told(of(first)) == [("pager", "trigger", "pending")]
    assert told(of(second)) == [("pager", "trigger", "held")]
    assert "OpenAI: 2 monitors fail together" in Delivery.objects.get(incident=of(second)).held_by


def test_later_failures_join_and_the_last_recovery_resolves_it(world: World) -> None:
    channel("pager")
    monitors = [world.monitor(name, HOST) for name in ("chat", "embeddings", "files")]
    for monitor in monitors:
        see(world, monitor, "fail")
    assert whole().title == "OpenAI: 3 monitors fail together"
    assert steps(whole())[1:] == [("note", "also_failing")]
    for monitor in monitors[:2]:
        see(world, monitor, "pass", "pass")
    assert whole().resolved_at is None
    see(world, monitors[2], "pass", "pass")

    last = whole().transitions.order_by("seq").last()
    assert last is not None and whole().resolved_at is not None
    assert last.text == "All 3 are over: chat, embeddings, files."
    assert told(whole()) == [("pager", "trigger", "pending"), ("pager", "resolve", "pending")]
    assert told(of(monitors[2])) == [("pager", "trigger", "withheld")]
    assert Delivery.objects.filter(state="held").count() == 0


def test_a_group_alert_reaches_everyone_whom_its_monitors_alerts_would(world: World) -> None:
    pager, chat = channel("pager"), channel("chat")
    for tag, to in (("prod", pager), ("test", chat)):
        Route.objects.create(team=default_team(), name=tag, tags=[tag]).channels.set([to])
    for name, tag in (("a", "prod"), ("b", "prod"), ("c", "test"), ("d", "none")):
        see(world, world.monitor(name, HOST, tags=[tag]), "fail")

    assert told(whole()) == [("pager", "trigger", "pending"), ("chat", "trigger", "pending")]
    assert told(Incident.objects.get(monitor__name="c")) == [("chat", "trigger", "held")]
    assert told(Incident.objects.get(monitor__name="d")) == []


def test_a_silence_is_not_got_round_and_ends_with_an_alert(world: World) -> None:
    channel("pager")
    first, second = world.monitor("chat", HOST), world.monitor("embeddings", HOST)
    now = Monitor.objects.values_list(Now(), flat=True)[0]
    wanted = {"name": "works", "starts_at": now, "ends_at": now + timedelta(hours=1), "mutes": True}
    silence = create_silence(Silence(team=default_team()), wanted, [first, second])
    see(world, first, "fail")
    see(world, second, "fail")

    assert told(whole()) == []
    silence.delete()
    assert holds_on(of(second), now) == (), "no channel was told of the whole, so it stands in for nothing"


def test_a_refused_key_is_no_trouble_of_the_provider(world: World) -> None:
    for name in ("a", "b"):
        see(world, world.monitor(name, HOST), "auth")
    assert not Incident.objects.filter(cause_key__startswith="provider:").exists()


def test_what_began_long_before_and_what_is_another_providers_stays_apart(world: World) -> None:
    old, other, new = world.monitor("old", HOST), world.monitor("other", "api.cohere.com"), world.monitor("new", HOST)
    see(world, old, "fail")
    Incident.objects.update(started_at=F("started_at") - timedelta(minutes=20))
    see(world, other, "fail")
    see(world, new, "fail")
    assert not Incident.objects.exclude(part_of=None).exists()


def test_another_teams_monitors_stay_apart(world: World) -> None:
    see(world, world.monitor("ours", HOST), "fail")
    theirs = world.monitor("theirs", HOST)
    Monitor.objects.filter(pk=theirs.pk).update(team=Team.objects.create(name="Other", slug="other"))
    see(world, theirs, "fail")
    assert not Incident.objects.exclude(part_of=None).exists()


def test_slow_together_and_then_down_is_told_as_worse(world: World) -> None:
    channel("pager")
    first, second = world.monitor("a", HOST), world.monitor("b", HOST)
    for monitor in (first, second):
        see(world, monitor, "slow")
    assert whole().kind == "degraded"
    see(world, second, "fail")
    assert whole().kind == "outage"
    assert steps(whole())[-1] == ("changed", "worsened")
    assert whole().transitions.order_by("seq").last().text == "Worse now: b (refused)."  # type: ignore[union-attr]


def test_nothing_of_it_is_there_when_the_transaction_fails(world: World) -> None:
    first, second = world.monitor("a", HOST), world.monitor("b", HOST)
    see(world, first, "fail")

    def killed(step: Transition) -> None:
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        world.see(second, "fail", enqueue=killed)
    assert Incident.objects.get().part_of is None


def test_a_whole_without_members_is_settled_once(world: World) -> None:
    first, second = world.monitor("a", HOST), world.monitor("b", HOST)
    see(world, first, "fail")
    see(world, second, "fail")
    assert settle_providers(enqueue) == 0
    Incident.objects.exclude(monitor=None).update(resolved_at=Now())
    assert settle_providers(enqueue) == 1
    assert settle_providers(enqueue) == 0


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("eu.api.openai.com", "openai"),
        ("API.OpenAI.com.", "openai"),
        ("api.openai.com.evil.test", ""),
        ("notapi.openai.com", ""),
        ("mine.openai.azure.com", "azure"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "aws-bedrock"),
        ("s3.eu-west-1.amazonaws.com", ""),
        ("localhost", ""),
        ("", ""),
    ],
)
def test_a_provider_is_known_by_its_host(host: str, provider: str) -> None:
    assert provider_of_host(host) == provider


@pytest.mark.parametrize("config", [None, [], {}, {"url": "http://[bad"}, {"url": 7}])
def test_any_configuration_has_a_provider_or_none(config: object) -> None:
    assert provider_of(config) == ""


def test_the_votes_of_an_incident_can_be_read_beside_what_a_page_said(world: World) -> None:
    Feed.objects.create(provider="openai", enabled=True)
    see(world, world.monitor("chat", HOST), "fail")
    opened = Transition.objects.get()
    assert opened.evidence["witness"] == "OpenAI's status page cannot be read now."
    assert is_verdict(opened.evidence) and len(from_evidence(opened.evidence).votes) == 5
