"""A plan that was made can be applied, and it says what it takes from others."""

from __future__ import annotations

import pytest

from tests.vigil.code.applying import applied, changes, planned
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Route
from vigil.alerts.routing.changes import save_route
from vigil.code.core.tree import DocumentError, tree_of
from vigil.code.export import export_document
from vigil.code.ownership import adopt
from vigil.code.plans import PlanOrder, make_plan
from vigil.history.changes import save_objective
from vigil.history.models import Objective
from vigil.monitors.changes import create_monitor, delete_monitor
from vigil.monitors.composites import Member, create_composite
from vigil.monitors.models import Dependency, Monitor, Region

pytestmark = pytest.mark.django_db

TWO = """version: 1
monitors:
  a: {name: one, tcp: {host: h.example, port: 1}}
  b: {name: two, tcp: {host: h.example, port: 2}}
channels:
  c: {name: first, webhook: {url: "https://h.example/1"}}
  d: {name: second, webhook: {url: "https://h.example/2"}}
"""


@pytest.fixture(autouse=True)
def region() -> None:
    Region.objects.create(slug="eu", domain="eu")


def swapped(text: str, *pairs: tuple[str, str]) -> str:
    for one, other in pairs:
        text = text.replace(f"name: {one}", "name: -").replace(f"name: {other}", f"name: {one}")
        text = text.replace("name: -", f"name: {other}")
    return text


def by_hand() -> Monitor:
    """Objects made by hand that use the monitor a and the channel c."""
    team, used = default_team(), Monitor.objects.get(name="one")
    config = {"host": "h.example", "port": 3}
    Dependency.objects.create(
        child=create_monitor(team, {"name": "child", "kind": "tcp", "config": config}), parent=used
    )
    create_composite(team, {"name": "either", "rule": "any", "members": [Member(used)]})
    save_objective(Objective(team=team), {"name": "year", "monitor": used, "target_percent": "99", "window_days": 30})
    save_route(Route(team=team), {"name": "night", "channels": [Channel.objects.get(name="first")], "monitor": used})
    return used


def test_a_setting_that_goes_with_its_kind_is_named_after_it() -> None:
    applied(TWO)
    text = TWO.replace("name: one, tcp: {host: h.example, port: 1}", 'name: one, http: {url: "https://h.example/"}')
    assert changes(planned(text))["monitors.a"] == {
        "kind": ("tcp", "http"),
        "http.url": (None, "https://h.example/"),
        "tcp.host": ("h.example", None),
        "tcp.port": (1, None),
    }


def test_names_that_change_hands_are_applied() -> None:
    applied(TWO)
    ids = dict(Monitor.objects.values_list("name", "public_id"))
    text = swapped(TWO, ("one", "two"), ("first", "second"))
    applied(text)
    assert dict(Monitor.objects.values_list("name", "public_id")) == {"two": ids["one"], "one": ids["two"]}
    assert not planned(text).changes
    taken = text.replace("name: one", "name: three") + "heartbeats: {job: {name: one, every: 1d}}\n"
    applied(taken)
    assert Monitor.objects.get(name="one").kind == "heartbeat" and not planned(taken).changes


def test_a_name_that_stays_with_what_is_left_over_is_refused_when_planned() -> None:
    applied(TWO)
    text = "version: 1\nheartbeats: {job: {name: one, every: 1d}}\n"
    with pytest.raises(DocumentError, match=r"heartbeats\.job: monitors\.a has the name 'one' and stays: --prune"):
        planned(text)
    applied(text, prune=True)
    assert Monitor.objects.get(name="one", deleted_at=None).kind == "heartbeat"


def test_a_reference_without_a_value_is_no_text() -> None:
    text = TWO.replace("port: 1}", 'port: 1}, interval: "${env:EVERY}"').replace("/1", "/${env:PATH_OF}")
    with pytest.raises(DocumentError) as refused:
        planned(text)
    assert [str(one) for one in refused.value.problems] == [
        "vigil.yaml:3: monitors.a: ${env:EVERY} has no value here",
        "vigil.yaml:6: channels.c: ${env:PATH_OF} has no value here",
    ]


def test_an_address_that_no_mail_reaches_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"reports\.r: recipients: "):
        planned("version: 1\nreports: {r: {frequency: weekly, recipients: [nomail]}}\n")


def test_a_deletion_names_everything_that_uses_it_and_is_not_in_the_document() -> None:
    applied(TWO)
    by_hand()
    plan = planned("version: 1\n", prune=True)
    said = [line.split(" is deleted, and ") for line in plan.warnings]
    used = [f"{deleted}: {user.split(' (')[0]}" for deleted, user in said]
    assert sorted(used) == [
        "channels.c: route 'night'",
        "monitors.a: composite 'either'",
        "monitors.a: monitor 'child'",
        "monitors.a: objective 'year'",
        "monitors.a: route 'night'",
    ]
    assert not planned("version: 1\n").warnings
    assert set(changes(plan).values()) == {"delete"}


def test_an_export_leaves_out_what_is_only_about_deleted_monitors() -> None:
    applied(TWO)
    delete_monitor(by_hand())
    adopt(default_team(), "default", ("monitors", "child"), Monitor.objects.get(name="child").public_id)
    found = export_document(default_team(), "default", everything=True)
    assert "composites" not in found and "objectives" not in found and "routes" not in found
    assert not make_plan(default_team(), PlanOrder(tree_of(found), {}, is_staff=True)).changes


def test_a_route_of_a_deleted_monitor_tells_no_one_of_the_others() -> None:
    applied(TWO)
    delete_monitor(by_hand())
    text = (
        TWO.replace("  a: {name: one, tcp: {host: h.example, port: 1}}\n", "")
        + "routes: {r: {channels: [d], default: true}}\n"
    )
    assert "account of two, child: tells no one -> second" in planned(text).paging
