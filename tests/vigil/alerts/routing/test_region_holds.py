"""A silence of a region holds the alerts that this region alone causes, and never those of an outage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models.functions import Now

from tests.consensus.examples import FIVE_REGIONS
from tests.vigil.incidents.world import World
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, Route
from vigil.alerts.oncall.timers import run_due
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.changes import save_route
from vigil.alerts.routing.holds import look_again_in
from vigil.clock import database_now
from vigil.incidents.apply import apply_verdicts
from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor, Region
from vigil.silences.changes import change_silence, create_silence, delete_silence
from vigil.silences.covering import muted_by
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db
FIRST, SECOND, THIRD = list(FIVE_REGIONS)[:3]


@pytest.fixture
def world(redis_url: str) -> World:
    channel = Channel.objects.create(team=default_team(), name="ops", kind="webhook", config={"url": "https://o.test/"})
    kinds = ["regional", "outage"]
    save_route(Route(team=default_team()), {"name": "all", "kinds": kinds, "channels": [channel]})
    return World()


def silence(monitor: Monitor, *regions: str, **wanted: Any) -> Silence:
    fields = {"name": "transit", "regions": list(regions), "duration_s": 3600, **wanted}
    return create_silence(Silence(team=default_team()), fields, [monitor])


def fails_in(world: World, monitor: Monitor, *regions: str) -> None:
    """Two rounds in which only these regions fail."""
    but = dict.fromkeys(regions, "fail")
    apply_verdicts([world.entry(monitor, "pass", but) for _ in range(2)], enqueue)


def told(kind: str) -> list[tuple[str, str]]:
    return list(Delivery.objects.filter(incident__kind=kind, event="trigger").values_list("state", "held_by"))


def test_a_regional_incident_of_a_silenced_region_is_held_by_name(world: World) -> None:
    chat = world.monitor("chat")
    world.see(chat, "pass")
    silence(chat, FIRST)
    fails_in(world, chat, FIRST)
    assert told("regional") == [("held", f"transit: {FIRST}")]


def test_an_outage_that_a_quorum_confirmed_is_told_whatever_region_is_silenced(world: World) -> None:
    chat = world.monitor("chat")
    world.see(chat, "pass")
    silence(chat, *FIVE_REGIONS)
    fails_in(world, chat, FIRST)
    apply_verdicts([world.entry(chat, "fail") for _ in range(2)], enqueue)
    assert told("outage") == [("pending", "")]
    # It took the place of the regional one, whose alert is never sent.
    assert Incident.objects.get(kind="regional").resolved_at is not None
    assert [state for state, _ in told("regional")] == ["withheld"]


def test_another_region_or_another_monitor_is_told(world: World) -> None:
    chat, shop = world.monitor("chat"), world.monitor("shop")
    for each in (chat, shop):
        world.see(each, "pass")
    silence(chat, FIRST)
    fails_in(world, chat, SECOND)
    fails_in(world, shop, FIRST)
    assert told("regional") == [("pending", ""), ("pending", "")]


def test_a_second_region_that_fails_later_ends_the_hold_within_half_a_minute(world: World) -> None:
    chat = world.monitor("chat")
    world.see(chat, "pass")
    silence(chat, FIRST)
    fails_in(world, chat, FIRST)
    held = Delivery.objects.get()
    assert held.recheck_at is not None and held.recheck_at - held.created_at <= timedelta(seconds=31)
    fails_in(world, chat, FIRST, SECOND)
    Delivery.objects.update(recheck_at=Now())
    assert (run_due(), told("regional")[0][0]) == (1, "pending")


def test_one_failure_more_in_another_region_ends_no_hold(world: World) -> None:
    chat = world.monitor("chat")
    world.see(chat, "pass")
    silence(chat, FIRST)
    fails_in(world, chat, FIRST)
    apply_verdicts([world.entry(chat, "pass", {FIRST: "fail", THIRD: "fail"})], enqueue)
    Delivery.objects.update(recheck_at=Now())
    run_due()
    assert told("regional") == [("held", f"transit: {FIRST}")]


def test_a_silence_that_is_deleted_lets_its_alerts_go(world: World) -> None:
    chat = world.monitor("chat")
    world.see(chat, "pass")
    made = silence(chat, FIRST)
    fails_in(world, chat, FIRST)
    delete_silence(made)
    look_again_in(default_team().pk)
    assert (run_due(), told("regional")[0][0]) == (1, "pending")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"pauses": True}, "only mutes"),
        ({"excludes": True}, "only mutes"),
        ({"mutes": False, "excludes": True}, "only mutes"),
        ({"regions": ["atlantis"]}, "no region 'atlantis'"),
        ({"regions": [7]}, "list of regions"),
        ({"regions": [f"r{number}" for number in range(51)]}, "At most 50"),
    ],
)
def test_a_silence_of_regions_only_mutes_and_names_regions_that_are(
    world: World, wanted: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        silence(world.monitor("chat"), FIRST, **wanted)
    assert list(refused.value.message_dict) == ["regions"]


def test_a_silence_of_a_region_that_was_deleted_is_still_changed(world: World) -> None:
    made = silence(world.monitor("chat"), FIRST, SECOND)
    Region.objects.filter(slug=FIRST).delete()
    changed = change_silence(made, {"name": "longer", "regions": [FIRST, SECOND]})
    assert (changed.name, changed.regions) == ("longer", [FIRST, SECOND])
    with pytest.raises(ValidationError, match="no region 'atlantis'"):
        change_silence(changed, {"regions": ["atlantis"]})


def test_a_silence_of_a_region_is_none_of_the_monitor(world: World) -> None:
    chat = world.monitor("chat")
    silence(chat, FIRST)
    assert muted_by(chat, database_now()) == []
