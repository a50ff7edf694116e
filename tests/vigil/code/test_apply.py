"""A plan is applied as a whole, once, and only to the state that it was made for."""

from __future__ import annotations

import pytest
from django.db import transaction

from tests.vigil.code.applying import VALUES, applied, changes, planned
from tests.vigil.code.core.test_document import BASE
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Route
from vigil.code.apply import PlanMoved, apply_plan
from vigil.code.core.tree import DocumentError
from vigil.code.models import ConfigurationPlan, ManagedObject
from vigil.code.ownership import adopt
from vigil.heartbeats.changes import create_heartbeat
from vigil.monitors.changes import create_monitor, set_paused, update_monitor
from vigil.monitors.models import CompositeMember, Monitor, Region

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def regions() -> None:
    for slug in ("eu", "us"):
        Region.objects.create(slug=slug, domain=slug)


def test_a_document_makes_everything_and_planning_it_again_changes_nothing() -> None:
    plan = applied(BASE)
    assert set(changes(plan).values()) == {"create"}
    api = Monitor.objects.get(name="api")
    assert (api.interval_s, api.priority, api.tags, dict(api.secrets)) == (
        120,
        "high",
        ["prod", "chat"],
        {"bearer": "key-1"},
    )
    assert sorted(region.slug for region in api.regions.all()) == ["eu", "us"]
    db = Monitor.objects.get(name="db")
    assert [needs.parent.name for needs in db.dependencies.all()] == ["api"]
    members = Monitor.objects.get(name="chat").composite.members.order_by("rank", "id")
    assert [(one.rank, one.group, one.monitor.name) for one in members] == [
        (0, "", "openai"), (1, "own", "api"), (1, "own", "db"),
    ]  # fmt: skip
    assert [route.name for route in Route.objects.order_by("position")] == ["first", "last"]
    assert not planned(BASE).changes


def test_a_plan_shows_old_and_new_of_each_field_and_what_changes_for_paging() -> None:
    applied(BASE)
    text = BASE.replace("priority: high", "priority: low").replace("port: 5432", "port: 5433")
    text = text.replace("first: {kinds: [outage], channels: [ops]}", "first: {kinds: [outage], channels: []}")
    plan = planned(text, values={**VALUES, "env:API_KEY": "rotated"})
    assert changes(plan) == {
        "monitors.api": {"priority": ("high", "low"), "secrets.bearer": ("(secret)", "(changed)")},
        "monitors.db": {"tcp.port": (5432, 5433)},
        "routes.first": {"channels": (["ops"], [])},
    }
    assert "outage of api, db, openai, chat: tells ops -> no one" in plan.paging
    assert "monitor db: is judged in another way, or looks at another place" in plan.paging
    assert "rotated" not in str(plan.changes) and "rotated" not in str(vars(plan))


def test_a_plan_is_refused_once_the_configuration_has_moved() -> None:
    applied(BASE)
    plan = planned(BASE.replace("port: 5432", "port: 5433"))
    update_monitor(Monitor.objects.get(name="openai"), {"interval_s": 300})
    with pytest.raises(PlanMoved):
        apply_plan(default_team(), plan.public_id, "ann")
    assert Monitor.objects.get(name="db").config["port"] == 5432


def test_a_second_application_finds_the_first() -> None:
    plan = planned(BASE)
    assert not apply_plan(default_team(), plan.public_id, "ann").before
    assert apply_plan(default_team(), plan.public_id, "bob").before
    row = ConfigurationPlan.objects.get()
    assert (row.applied_by, bool(row.sealed)) == ("ann", False)
    assert Monitor.objects.filter(deleted_at=None).count() == 5


def test_what_fails_half_way_leaves_nothing() -> None:
    create_heartbeat(default_team(), {"name": "by hand", "slug": "taken"})
    plan = planned(BASE.replace("grace: 20m", "grace: 20m, slug: taken"))
    with pytest.raises(DocumentError, match=r"vigil\.yaml:\d+: heartbeats\.nightly: slug"), transaction.atomic():
        apply_plan(default_team(), plan.public_id, "ann")
    assert (
        Monitor.objects.get().name == "by hand" and not Channel.objects.exists() and not ManagedObject.objects.exists()
    )
    assert ConfigurationPlan.objects.get().applied_at is None


def test_drift_is_shown_and_set_back_and_a_pause_is_left_alone() -> None:
    applied(BASE)
    db = Monitor.objects.get(name="db")
    update_monitor(db, {"interval_s": 300})
    set_paused(db, True)
    assert changes(planned(BASE)) == {"monitors.db": {"interval": ("5m", "30s")}}
    applied(BASE)
    db.refresh_from_db()
    assert (db.interval_s, db.paused) == (30, True)


def test_only_with_prune_and_only_own_objects_are_deleted() -> None:
    applied(BASE)
    mine = create_monitor(
        default_team(), {"name": "by hand", "kind": "tcp", "config": {"host": "h.example", "port": 1}}
    )
    less = BASE.replace("  nightly: {every: 1d, grace: 20m}\n", "  {}\n")
    assert changes(planned(less)) == {"heartbeats.nightly": "keep"}
    assert changes(planned(less, prune=True)) == {"heartbeats.nightly": "delete"}
    applied(less, prune=True)
    mine.refresh_from_db()
    assert mine.deleted_at is None and Monitor.objects.get(name="nightly").deleted_at is not None
    assert not planned(less, prune=True).changes


def test_a_moved_key_keeps_the_object_and_a_new_one_would_not() -> None:
    applied(BASE)
    before = Monitor.objects.get(name="db").public_id
    moved = BASE.replace("  db: {tcp", "  database: {name: db, tcp").replace("[api, db]", "[api, database]")
    assert changes(planned(moved + "moved: {db: database}\n")) == {"monitors.database": "move"}
    applied(moved + "moved: {db: database}\n")
    assert ManagedObject.objects.get(key="database").public_id == before
    assert not planned(moved + "moved: {db: database}\n", prune=True).changes


def test_an_object_made_by_hand_is_adopted_and_not_made_again() -> None:
    team = default_team()
    db = create_monitor(team, {"name": "db", "kind": "tcp", "config": {"host": "db.example", "port": 1}})
    with pytest.raises(DocumentError, match=rf"adopt monitors\.db={db.public_id}"):
        planned(BASE)
    adopt(team, "shop", ("monitors", "db"), db.public_id)
    assert "tcp.port" in changes(planned(BASE))["monitors.db"]
    applied(BASE)
    assert Monitor.objects.filter(name="db", deleted_at=None).get().pk == db.pk


def test_other_projects_and_teams_are_never_touched() -> None:
    applied(BASE)
    other = Team.objects.create(name="Other", slug="other")
    assert set(changes(applied(BASE, other)).values()) == {"create"}
    with pytest.raises(DocumentError, match="another project has a monitor of the name 'api'"):
        planned(BASE.replace("project: shop", "project: second"))
    assert planned("version: 1\nproject: second\n", prune=True).changes == []


def test_what_was_deleted_elsewhere_is_made_again() -> None:
    applied(BASE)
    Route.objects.get(name="last").delete()
    assert changes(planned(BASE)) == {"routes.last": "create"}
    applied(BASE)
    assert not planned(BASE).changes


def test_feeds_are_changed_by_staff_only() -> None:
    text = BASE + "feeds: {openai: true}\n"
    with pytest.raises(DocumentError, match="only staff"):
        planned(text)
    applied(text, is_staff=True)
    assert not planned(text).changes


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("regions: [atlantis]", "silences.s: regions: there is no region 'atlantis'"),
        ("regions: [eu], pauses: true", "only mutes"),
        ("regions: [eu], mutes: false, excludes: true", "only mutes"),
    ],
)
def test_a_silence_of_regions_only_mutes_and_names_regions_that_are(fields: str, words: str) -> None:
    window = "every_monitor: true, cron: 30 2 * * SUN, duration: 1h"
    with pytest.raises(DocumentError, match=words):
        planned(f"{BASE}silences: {{s: {{{window}, {fields}}}}}\n")


def test_other_regions_of_a_silence_are_told_as_other_alerts() -> None:
    text = f"{BASE}silences: {{s: {{every_monitor: true, cron: 30 2 * * SUN, duration: 1h, regions: [eu]}}}}\n"
    applied(text)
    plan = planned(text.replace("[eu]}", "[us]}"))
    assert changes(plan) == {"silences.s": {"regions": (["eu"], ["us"])}}
    assert plan.paging == ["silence s: holds other alerts, or at other times"]


def test_every_section_is_made_and_read_back_the_same() -> None:
    text = (
        BASE
        + """people: {ann: {name: Ann, channels: [ops]}}
rotations: {primary: {zone: Europe/Berlin, starts_on: 2026-01-05, handover: "10:30", shift: 14d, people: [ann, ann]}}
policies: {p: {repeats: 1, steps: [{channels: [ops]}, {after: 5m, people: [ann], rotations: [primary]}]}}
silences: {s: {tags: [prod], regions: [eu, us], starts_at: 2026-01-31T22:00:00+01:00, ends_at: 2026-01-31T23:00:00Z}}
maintenance: {m: {monitors: [api, nightly], cron: "30 2 * * SUN", duration: 1h, zone: Europe/Berlin, pauses: true}}
objectives: {o: {monitor: api, target: 99.95, window: 7d}}
reports: {r: {frequency: weekly, recipients: [a@shop.example], tag: prod}}
"""
    )
    text = text.replace(
        "first: {", 'first: {policy: p, days: [mon, fri], starts: "09:00", ends: "17:00", remind: 30m, monitor: api, '
    )
    applied(text)
    assert planned(text).changes == []
    again = (
        text.replace("[ann, ann]", "[ann]").replace("{after: 5m", "{after: 10m").replace("duration: 1h", "duration: 2h")
    )
    assert changes(planned(again)).keys() == {"rotations.primary", "policies.p", "maintenance.m"}
    applied(again)
    assert planned(again).changes == []


def test_a_warning_of_headroom_and_a_chain_that_warns_are_written_and_read_back() -> None:
    text = """version: 1
project: keys
monitors:
  first: {http: {url: "https://api.openai.com/v1/models"}, headroom_warning: 20m}
  second: {http: {url: "https://api.anthropic.com/v1/models"}}
composites:
  chat: {rule: readiness, members: [first, {group: spare, any_of: [second]}]}
"""
    applied(text)
    assert Monitor.objects.get(name="first").headroom_warning_minutes == 20
    assert [(one.rank, one.group) for one in CompositeMember.objects.order_by("rank")] == [(0, ""), (1, "spare")]
    assert changes(planned(text)) == {}

    without = changes(planned(text.replace(", headroom_warning: 20m", "")))
    assert without == {"monitors.first": {"headroom_warning": ("20m", None)}}
    with pytest.raises(DocumentError, match="from 5m to 1d"):
        planned(text.replace("20m", "1m"))
