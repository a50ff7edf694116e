"""Pages load, health tells the truth, and the policy for content is strict."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from msgspec.structs import replace
from structlog.testing import capture_logs

from consensus.outcome import verdict_of
from consensus.quorum import decide, without
from consensus.review.evidence import to_evidence
from consensus.verdicts import Excluded
from consensus.vocabulary import Exclusion
from tests.consensus.examples import make_round, make_vote
from tests.vigil.web.admin.browsing import as_sent
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import ApiToken, Membership, Team, User
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel, Delivery, EscalationPolicy, Person, Rotation, Route
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.changes import save_person, save_policy, save_rotation, save_route
from vigil.configuration import configuration
from vigil.incidents.models import Incident, Transition
from vigil.monitors.changes import create_monitor
from vigil.monitors.live.results import redis_client, region_client
from vigil.monitors.models import Monitor, Region
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def evidence() -> dict[str, Any]:
    """What a step rests on in which one region fails, one is in quarantine, and one is dark."""
    domains = {"eu": "a", "ap": "c", "us": "b"}
    round = replace(make_round(domains), excluded=[Excluded("sa", "d", Exclusion.DARK)])
    round = without(round, {"ap": Exclusion.SICK})
    hostile = replace(make_vote("eu", "timeout", domains=domains), detail="<script>alert(1)</script>")
    votes = [hostile, make_vote("us", "timeout", domains=domains), make_vote("ap", "fail", domains=domains)]
    decision = decide(round, votes, 1)
    assert decision is not None
    return to_evidence(verdict_of(round, decision, votes, round.opened_ms + 900, 1))


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


@pytest.fixture
def populated() -> None:
    region = Region.objects.create(slug="eu", domain="a")
    wanted = {"name": "m", "kind": "http", "config": {"url": "https://x.test/"}, "regions": [region]}
    monitor = create_monitor(default_team(), {**wanted, "secrets": {"bearer": "hush"}})
    save_channel(Channel(team=default_team()), {"name": "w", "kind": "webhook", "config": {"url": "https://x.test"}})
    incident = Incident.objects.create(
        team=default_team(), monitor=monitor, kind="outage", title="m is down", started_at=NOW, opened_at=NOW
    )
    step = Transition.objects.create(
        incident=incident, seq=1, step="opened", reason="confirmed", at=NOW, evidence=evidence()
    )
    enqueue(step)
    team = default_team()
    ann = save_person(Person(team=team), {"name": "ann"})
    rotation = save_rotation(Rotation(team=team), {"name": "web", "starts_on": date(2020, 1, 6), "people": [ann]})
    save_policy(EscalationPolicy(team=team), {"name": "primary", "steps": [{"rotations": [rotation]}]})
    save_route(Route(team=team), {"name": "night", "enabled": False, "starts": time(22), "ends": time(6), "days": [4]})
    nightly = {"name": "nightly", "cron": "0 3 * * *", "duration_s": 3600}
    create_silence(Silence(team=team), nightly, [monitor])


def test_t_sec_11_an_incident_in_the_admin_shows_votes_escaped(boss: Client, populated: None) -> None:
    incident = Incident.objects.get()
    text = boss.get(reverse("admin:incidents_incident_change", args=[incident.pk])).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "<script>alert(1)" not in text
    assert "not counted: it sent no status" in text
    assert "not counted: it is quarantined" in text
    assert "counted as failing" in text


def test_another_teams_incident_is_not_there(client: Client, populated: None) -> None:
    user = User.objects.create(username="x")
    Membership.objects.create(user=user, team=Team.objects.create(name="B", slug="b"))
    client.force_login(user)
    assert client.get(f"/incidents/{Incident.objects.get().public_id}").status_code == 404


NEW_HTTP = "/admin/monitors/monitor/add/?kind=http"
MONITOR: dict[str, Any] = {"name": "new", "config.url": "https://x.test/", "timeout_ms": "1000", "tags": "a, b"}


def test_the_admin_writes_monitors_through_the_one_path(boss: Client) -> None:
    Region.objects.create(slug="eu", domain="a")
    answer = boss.post(NEW_HTTP, as_sent(boss, NEW_HTTP, **MONITOR, **{"secret.bearer": "hush"}))
    assert answer.status_code == 302, answer.content.decode()
    monitor = Monitor.objects.get()
    assert monitor.revision == 1 and monitor.secrets["bearer"] == "hush" and monitor.regions.count() == 1
    assert (monitor.kind, monitor.config, monitor.tags) == ("http", {"url": "https://x.test/"}, ["a", "b"])
    change = reverse("admin:monitors_monitor_change", args=[monitor.pk])
    assert b"hush" not in boss.get(change).content
    answer = boss.post(change, as_sent(boss, change, interval_s="30"))
    assert answer.status_code == 302, answer.content.decode()
    monitor = Monitor.objects.get()
    assert (monitor.revision, monitor.interval_s, monitor.secrets["bearer"]) == (2, 30, "hush")
    assert boss.post(change.replace("change", "delete"), {"post": "yes"}).status_code == 302
    assert Monitor.objects.get().deleted_at is not None


@pytest.mark.parametrize(
    "wrong",
    [{"config.url": "no"}, {"config.url": ""}, {"interval_s": "1"}, {"secret.basic": "no colon"}, {"tags": "x" * 99},
     {"config.body_limit": "much"}],
)  # fmt: skip
def test_the_admin_shows_what_is_wrong_with_a_monitor(boss: Client, wrong: dict[str, str]) -> None:
    answer = boss.post(NEW_HTTP, as_sent(boss, NEW_HTTP, **(MONITOR | wrong)))
    assert answer.status_code == 200
    assert b"errorlist" in answer.content
    assert not Monitor.objects.exists()


def test_monitors_are_paused_from_the_list(boss: Client, populated: None) -> None:
    monitor = Monitor.objects.get()
    boss.post(reverse("admin:monitors_monitor_changelist"), {"action": "pause", "_selected_action": [monitor.pk]})
    monitor.refresh_from_db()
    assert monitor.paused and monitor.revision == 2


def test_a_token_is_shown_once(boss: Client) -> None:
    form = {"team": default_team().pk, "name": "ci", "scopes": ["read"], "expires_at_0": "", "expires_at_1": ""}
    with capture_logs() as lines:
        answer = boss.post(reverse("admin:accounts_apitoken_add"), form, follow=True)
    assert [(line["event"], bool(line["actor"])) for line in lines] == [("token.issued", True)]
    assert "vgl_" in answer.content.decode() and "shown only now" in answer.content.decode()
    assert ApiToken.objects.count() == 1


def test_a_channel_that_could_not_send_is_refused(boss: Client) -> None:
    form = {"team": default_team().pk, "name": "c", "config.url": "no", "self_test_minutes": "0"}
    page = reverse("admin:alerts_channel_add") + "?kind=webhook"
    assert b"errorlist" in boss.post(page, form).content
    form["config.url"] = "https://x.test"
    answer = boss.post(page, form, follow=True)
    assert "whsec_" in answer.content.decode()


def test_dead_deliveries_are_sent_again(boss: Client, populated: None) -> None:
    Delivery.objects.update(state="dead", attempts=9)
    delivery = Delivery.objects.get()
    answer = boss.post(
        reverse("admin:alerts_delivery_changelist"), {"action": "resend", "_selected_action": [delivery.pk]}
    )
    assert answer.status_code == 302
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("pending", 0)


def test_a_route_takes_only_its_own_teams_channels(boss: Client, populated: None) -> None:
    other = Team.objects.create(name="o", slug="o")
    form = {
        "team": other.pk,
        "name": "r",
        "position": "1",
        "tags": "",
        "zone": "UTC",
        "channels": [Channel.objects.get().pk],
    }
    assert b"Must belong" in boss.post(reverse("admin:alerts_route_add"), form).content


def test_the_first_page_asks_for_a_sign_in(client: Client) -> None:
    assert client.get("/")["Location"] == "/sign-in?next=/"


def test_t_sec_11_pages_allow_no_script_but_our_own_files(boss: Client) -> None:
    policy = boss.get("/admin/")["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";" and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_api_page_loads_from_our_own_files(boss: Client) -> None:
    answer = boss.get("/api/docs/")
    assert answer.status_code == 200
    assert "/static/drf_spectacular_sidecar/" in answer.content.decode()
    assert "//cdn" not in answer.content.decode()
    assert "style-src 'self' 'unsafe-inline'" in answer["Content-Security-Policy"]
    assert boss.get("/api/docs/?script=").status_code == 200


def test_the_api_page_tells_a_stranger_how_to_get_in(client: Client) -> None:
    answer = client.get("/api/docs/")
    assert (answer.status_code, client.get("/api/docs/?script=").status_code) == (200, 200)
    text = answer.content.decode()
    assert "token add" in text and 'href="/sign-in?next=/api/docs/"' in text and "manage.py login" in text
    assert "swagger" not in text and "unsafe" not in answer["Content-Security-Policy"]


def test_static_files_are_served_without_being_collected(client: Client) -> None:
    answer = client.get("/static/admin/css/base.css")
    answer.close()
    assert answer.status_code == 200


def test_health_says_that_database_and_redis_answer(client: Client) -> None:
    redis_client.cache_clear()
    region_client.cache_clear()
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["facts"] == {"database": True, "redis": True, "away": None}
    assert client.get("/readyz").status_code == 200


def test_redis_away_is_unready_and_no_ill_health(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_REDIS_URL", "redis://127.0.0.1:1/0")
    configuration.cache_clear()
    redis_client.cache_clear()
    region_client.cache_clear()
    try:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
    finally:
        monkeypatch.undo()
        configuration.cache_clear()
        redis_client.cache_clear()
        region_client.cache_clear()


def test_the_link_of_a_digest_leads_to_every_incident_of_it(client: Client) -> None:
    now, team = datetime.now(UTC), default_team()
    wanted = {"name": "d", "kind": "webhook", "config": {"url": "https://x.test/h"}}
    channel = save_channel(Channel(team=team), wanted)
    leader: Delivery | None = None
    for number in range(3):
        incident = Incident.objects.create(
            team=team, kind="blind", cause_key=f"c{number}", title=f"<b>{number}</b> is dark", started_at=now,
            opened_at=now, resolved_at=now if number == 2 else None,
        )  # fmt: skip
        step = Transition.objects.create(incident=incident, seq=1, step="opened", reason="region_dark", at=now)
        told = Delivery.objects.create(
            team=team, incident=incident, transition=step, channel=channel, event="trigger", state="sent",
            created_at=now, due_at=now, leader=leader, tells=1 if leader else 3,
        )  # fmt: skip
        leader = leader or told
    assert leader is not None
    assert client.get(f"/deliveries/{leader.public_id}").status_code == 302
    client.force_login(ensure_first_admin())
    page = client.get(f"/deliveries/{leader.public_id}").content.decode()
    assert "3 incidents in one message" in page and "2 still open" in page
    assert all(f"&lt;b&gt;{number}&lt;/b&gt; is dark" in page for number in range(3))
    outsider = Client()
    stranger = User.objects.create_user("outsider")
    Membership.objects.create(user=stranger, team=Team.objects.create(name="B", slug="b"))
    outsider.force_login(stranger)
    assert outsider.get(f"/deliveries/{leader.public_id}").status_code == 404


def test_n1_a_heartbeat_takes_its_priority_on_both_of_its_pages(boss: Client) -> None:
    form = {
        "name": "backup", "tags": "a, b", "priority": "high", "slug": "", "job": "", "schedule": "period",
        "period_s": "1h", "expression": "", "time_zone": "UTC", "grace_s": "10m", "run_limit_s": "",
        "keywords.success": "done\nok", "budget.min_items": "3",
    }  # fmt: skip
    answer = boss.post(reverse("admin:heartbeats_heartbeat_add"), form)
    assert answer.status_code == 302, answer.content.decode()
    monitor = Monitor.objects.get()
    assert (monitor.priority, monitor.tags, monitor.heartbeat.period_s) == ("high", ["a", "b"], 3600)
    assert monitor.heartbeat.keywords == {"success": ["done", "ok"]} and monitor.heartbeat.budget["min_items"] == 3
    page = reverse("admin:monitors_monitor_change", args=[monitor.pk])
    assert b"interval_s" not in boss.get(page).content
    as_monitor = {"name": "backup", "tags": "a", "priority": "low"}
    answer = boss.post(page, as_monitor)
    assert answer.status_code == 302, answer.content.decode()
    assert Monitor.objects.get().priority == "low"


def test_n5_self_tests_are_listed_only_by_name(boss: Client) -> None:
    team = default_team()
    incident = Incident.objects.create(
        team=team, kind="self_test", title="Do alerts get out?", started_at=NOW, opened_at=NOW
    )
    page = reverse("admin:incidents_incident_changelist")
    assert b"Do alerts get out?" not in boss.get(page).content
    assert b"Do alerts get out?" in boss.get(f"{page}?kind=self_test").content
    assert boss.get(reverse("admin:incidents_incident_change", args=[incident.pk])).status_code == 200


def test_n8_a_new_monitors_form_has_every_enabled_region_chosen(boss: Client) -> None:
    regions = [Region.objects.create(slug=slug, domain="a") for slug in ("eu", "us")]
    page = boss.get(NEW_HTTP).content.decode()
    assert all(re.search(rf'value="{region.pk}"[^>]*checked', page) for region in regions)
    assert 'name="config.expected_status"' in page


def test_n11_a_route_that_tells_no_one_warns_when_it_is_saved(boss: Client) -> None:
    form = {
        "team": default_team().pk, "name": "r", "position": "1", "enabled": "on", "tags": "", "zone": "UTC",
        "remind_s": "", "notes": "",
    }  # fmt: skip
    answer = boss.post(reverse("admin:alerts_route_add"), form, follow=True)
    assert "alerts no one, and ends here" in answer.content.decode()


def test_n17_the_login_page_says_how_to_get_a_link(client: Client) -> None:
    assert "manage.py login" in client.get(reverse("admin:login")).content.decode()


def test_n26_browsers_find_the_icon_that_they_ask_for(client: Client) -> None:
    answer = client.get("/favicon.ico", follow=True)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
    answer.close()


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("monitors_monitor", "?kind=http"),
        ("alerts_channel", "?kind=slack"),
        ("alerts_route", ""),
        ("silences_silence", ""),
    ],
)
def test_n29_a_new_row_is_the_default_teams_unless_another_is_chosen(boss: Client, page: str, kind: str) -> None:
    text = boss.get(reverse(f"admin:{page}_add") + kind).content.decode()
    assert f'<option value="{default_team().pk}" selected>' in text
