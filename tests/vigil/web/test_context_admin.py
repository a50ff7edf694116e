"""The admin of composites, dependencies, feeds and self-tests: adapters of the one write path each."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests.vigil.web.admin.browsing import as_sent
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import User
from vigil.accounts.teams import default_team
from vigil.alerts.selftest.selftest import run_self_tests
from vigil.feeds.models import Feed
from vigil.monitors.changes import create_monitor
from vigil.monitors.composites import members_of
from vigil.monitors.dependencies import parents_of
from vigil.monitors.models import Composite, Monitor

pytestmark = pytest.mark.django_db
ADD = "admin:monitors_composite_add"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def monitor(name: str) -> Monitor:
    return create_monitor(default_team(), {"name": name, "kind": "http", "config": {"url": "https://x.test/"}})


def form(*members: tuple[Monitor, int], **fields: Any) -> dict[str, Any]:
    rows = {
        f"members-{at}-{name}": value
        for at, (one, rank) in enumerate(members)
        for name, value in (("monitor", one.pk), ("rank", rank), ("group", ""))
    }
    counts = {"members-TOTAL_FORMS": len(members), "members-INITIAL_FORMS": 0}
    return {
        "team": default_team().pk,
        "name": "chat",
        "rule": "chain",
        "k": 1,
        "tags": "",
        **rows,
        **counts,
        **fields,
    }


def test_a_chain_is_made_changed_and_deleted(boss: Client) -> None:
    primary, spare = monitor("openai"), monitor("anthropic")
    answer = boss.post(reverse(ADD), form((primary, 0), (spare, 1)))
    assert answer.status_code == 302, answer.content.decode()
    made = Composite.objects.get()
    assert [(one.monitor.name, one.rank) for one in members_of(made)] == [("openai", 0), ("anthropic", 1)]

    change = reverse("admin:monitors_composite_change", args=[made.pk])
    assert boss.get(change).status_code == 200
    rows = {f"members-{at}-id": row.pk for at, row in enumerate(made.members.order_by("rank"))}
    wanted = form((primary, 0), (spare, 1), name="both", rule="at_least", k=2)
    answer = boss.post(change, {**wanted, **rows, "members-INITIAL_FORMS": 2})
    assert answer.status_code == 302, answer.content.decode()
    made = Composite.objects.get()
    assert (made.monitor.name, made.rule, made.k, made.members.count()) == ("both", "at_least", 2, 2)
    assert boss.post(change.replace("change", "delete"), {"post": "yes"}).status_code == 302
    assert Composite.objects.get().monitor.deleted_at is not None


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"rule": "at_least", "k": 9}, "At least 1 and at most"),
        ({"name": ""}, "required"),
        ({"tags": "x" * 99}, "At most 20 tags of 50 characters"),
        ({"members-TOTAL_FORMS": 0}, "1 to 200 members"),
    ],
)
def test_what_cannot_be_is_shown_and_nothing_is_written(boss: Client, wrong: dict[str, Any], problem: str) -> None:
    answer = boss.post(reverse(ADD), form((monitor("openai"), 0), **wrong))
    assert answer.status_code == 200 and problem in answer.content.decode()
    assert not Composite.objects.exists()


def test_a_monitor_is_given_what_it_depends_on(boss: Client) -> None:
    parent, child = monitor("gateway"), monitor("behind")
    change = reverse("admin:monitors_monitor_change", args=[child.pk])
    assert boss.post(change, as_sent(boss, change, parents=[parent.pk])).status_code == 302
    assert parents_of(child) == [parent]
    back = reverse("admin:monitors_monitor_change", args=[parent.pk])
    answer = boss.post(back, as_sent(boss, back, parents=[child.pk]))
    assert "gateway needs behind needs gateway" in answer.content.decode()


def test_feeds_are_switched_from_the_list(boss: Client) -> None:
    page = reverse("admin:feeds_feed_changelist")
    assert "off (its address may have moved)" in boss.get(page).content.decode()
    chosen = Feed.objects.get(provider="openai")
    boss.post(page, {"action": "switch_on", "_selected_action": [chosen.pk]})
    assert list(Feed.objects.filter(enabled=True).values_list("provider", flat=True)) == ["openai"]
    assert "on, read within a minute" in boss.get(page).content.decode()
    boss.post(page, {"action": "switch_off", "_selected_action": [chosen.pk]})
    assert not Feed.objects.filter(enabled=True).exists()


def test_who_may_only_look_switches_nothing(client: Client) -> None:
    user = User.objects.create(username="looker", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_feed"))
    client.force_login(user)
    page = reverse("admin:feeds_feed_changelist")
    assert client.get(page).status_code == 200
    client.post(page, {"action": "switch_on", "_selected_action": [Feed.objects.get(provider="openai").pk]})
    assert not Feed.objects.filter(enabled=True).exists()


def test_the_proof_of_a_self_test_is_shown(boss: Client) -> None:
    run_self_tests()
    test = default_team().self_tests.get()
    text = boss.get(reverse("admin:alerts_selftest_change", args=[test.pk])).content.decode()
    assert "Loopback (self-test)" in text and "pending" in text
