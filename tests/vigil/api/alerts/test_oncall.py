"""Routes, people, rotations, policies, silences and answers to incidents over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from tests.vigil.api.caller import Api
from vigil.accounts.models import Membership, Role, Scope, Team, User
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel, Delivery, Person, Rotation, Route
from vigil.alerts.oncall.calendar import renew_feed_key
from vigil.alerts.outbox import enqueue
from vigil.clock import database_now
from vigil.incidents.models import Incident, Transition
from vigil.monitors.models import Monitor, Region
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db
#: A Tuesday.
NOON = "2030-01-01T12:00:00Z"
KEY, SLACK = "0" * 32, "https://hooks.slack.example/services/fake"


@pytest.fixture
def api() -> Api:
    return Api(default_team(), Scope.READ, Scope.WRITE)


@pytest.fixture
def foreign() -> Team:
    return Team.objects.create(name="Other", slug="other")


def channel(name: str = "ops", team: Team | None = None) -> Channel:
    made = Channel(team=team or default_team())
    return save_channel(made, {"name": name, "kind": "webhook", "config": {"url": "https://example.com/hook"}})


def monitor(team: Team | None = None, **fields: Any) -> Monitor:
    return Monitor.objects.create(
        team=team or default_team(),
        **{"name": "gateway", "kind": "http", "config": {"url": "https://x.test"}, **fields},
    )


def incident(about: Monitor | None = None) -> Incident:
    now = database_now()
    about = about or monitor()
    made = Incident.objects.create(
        team=about.team, monitor=about, kind="outage", title="gateway is down", started_at=now, opened_at=now, steps=1
    )
    step = Transition.objects.create(incident=made, seq=1, step="opened", reason="confirmed", at=now)
    with transaction.atomic():
        enqueue(step)
    return made


def make(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, made = api("POST", path, body)
    assert status == 201, made
    return dict(made)


PATHS = ["routes", "people", "rotations", "policies", "silences", "whom"]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_reads_without_a_token_and_a_token_reads_it(api: Api, client: Client, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code == 401
    assert api("GET", path)[0] == 200


@pytest.mark.parametrize("path", PATHS[:-1])
def test_a_token_that_may_only_read_writes_nothing(path: str) -> None:
    reader = Api(default_team(), Scope.READ)
    assert reader("POST", path, {"name": "x"})[0] == 403


def test_a_route_is_made_changed_and_deleted(api: Api) -> None:
    ops, policy = channel(), make(api, "policies", {"name": "p", "steps": [{"channels": [channel("b").public_id]}]})
    wanted = {
        "name": "office", "kinds": ["outage"], "severities": ["critical"], "tags": ["ai"], "days": [0, 1],
        "starts": "09:00", "ends": "17:00", "zone": "Europe/Berlin", "channels": [ops.public_id],
        "policy": policy["id"], "remind_s": 600,
    }  # fmt: skip
    made = make(api, "routes", wanted)
    assert {name: made[name] for name in ("channels", "policy", "days")} == {
        "channels": [ops.public_id], "policy": policy["id"], "days": [0, 1],
    }  # fmt: skip
    status, changed = api("PATCH", f"routes/{made['id']}", {"goes_on": True})
    assert (status, changed["goes_on"], changed["channels"]) == (200, True, [ops.public_id])
    assert api("DELETE", f"routes/{made['id']}")[0] == 204
    assert not Route.objects.exists()


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"kinds": ["sunshine"]}, "kinds"),
        ({"days": [7]}, "days"),
        ({"starts": "09:00"}, "ends"),
        ({"zone": "Mars/Base"}, "zone"),
        ({"remind_s": 5}, "remind_s"),
        ({"tags": ["x" * 51]}, "tags"),
        ({"channels": ["chn_nobody"]}, "channels"),
        ({"channels": [7]}, "channels"),
        ({"name": "x" * 101}, "name"),
    ],
)
def test_a_route_that_could_not_be_followed_is_refused_by_field(api: Api, wanted: dict[str, Any], field: str) -> None:
    status, answer = api("POST", "routes", {"name": "r", **wanted})
    assert status == 400 and field in answer, answer


def test_nothing_of_another_team_is_named_seen_or_changed(api: Api, foreign: Team) -> None:
    theirs, watched = channel("theirs", foreign), monitor(foreign)
    ann = Person.objects.create(team=foreign, name="ann")
    silence = Silence.objects.create(team=foreign, name="s", cron="0 1 * * *", duration_s=60, every_monitor=True)
    route = Route.objects.create(team=foreign, name="r")
    down = incident(watched)
    refused = [
        ("routes", {"name": "r", "channels": [theirs.public_id]}),
        ("routes", {"name": "r", "monitor": watched.public_id}),
        ("people", {"name": "p", "channels": [theirs.public_id]}),
        ("rotations", {"name": "r", "starts_on": "2030-01-01", "people": [ann.public_id]}),
        ("policies", {"name": "p", "steps": [{"people": [ann.public_id]}]}),
        ("silences", {"name": "s", "monitors": [watched.public_id], "cron": "0 1 * * *", "duration_s": 60}),
    ]
    for path, body in refused:
        status, answer = api("POST", path, body)
        assert status == 400 and "does not exist" in str(answer), (path, answer)
    assert api("GET", f"whom?monitor={watched.public_id}")[0] == 400
    for path in (
        f"routes/{route.public_id}", f"people/{ann.public_id}", f"silences/{silence.public_id}",
        f"incidents/{down.public_id}",
    ):  # fmt: skip
        assert api("GET", path)[0] == 404
    assert api("POST", f"incidents/{down.public_id}/acknowledge")[0] == 404
    assert api("POST", f"silences/{silence.public_id}/end")[0] == 404


def test_a_rotation_has_its_turns_overrides_and_a_feed(api: Api, client: Client) -> None:
    ann, bob = (make(api, "people", {"name": name, "channels": [channel(name).public_id]}) for name in ("ann", "bob"))
    wanted = {"name": "web", "zone": "Europe/Berlin", "starts_on": "2029-12-31", "people": [ann["id"], bob["id"]]}
    made = make(api, "rotations", wanted)
    path = f"rotations/{made['id']}"
    assert made["people"] == [ann["id"], bob["id"]]
    assert api("GET", f"{path}/on-call?at={NOON}")[1]["results"][0]["name"] == "ann"
    covering = {"person": bob["id"], "starts_at": "2030-01-01T11:00:00Z", "ends_at": "2030-01-01T13:00:00Z"}
    override = make(api, f"{path}/overrides", covering)
    assert (
        api("GET", f"{path}/on-call?at={NOON}")[1]["results"][0] | {"name": "bob", "covers": True}
        == (api("GET", f"{path}/on-call?at={NOON}")[1]["results"][0])
    )
    shifts = api("GET", f"{path}/shifts?from=2030-01-01T00:00:00Z&to=2030-01-08T00:00:00Z")[1]["results"]
    assert [shift["name"] for shift in shifts] == ["ann", "bob", "ann", "bob"]
    assert api("DELETE", f"{path}/overrides/{override['id']}")[0] == 204
    assert api("GET", path)[1]["overrides"] == []
    assert api("GET", f"{path}/shifts?from=2030-01-01T00:00:00Z&to=2040-01-08T00:00:00Z")[0] == 400
    old, new = (api("POST", f"{path}/{action}")[1]["address"] for action in ("feed", "feed/renew"))
    assert client.get(old.removeprefix("http://testserver")).status_code == 404
    assert client.get(new.removeprefix("http://testserver")).status_code == 200


@pytest.mark.parametrize(
    ("path", "wanted", "field"),
    [
        ("rotations", {"name": "r", "starts_on": "2030-01-01", "shift_days": 0}, "shift_days"),
        ("rotations", {"name": "r", "starts_on": "2030-01-01", "zone": "x"}, "zone"),
        ("policies", {"name": "p", "steps": []}, "steps"),
        ("policies", {"name": "p", "steps": [{"delay_s": 5}]}, "steps"),
        ("policies", {"name": "p", "repeats": 99, "steps": [{"delay_s": 5}]}, "repeats"),
        ("silences", {"name": "s", "every_monitor": True}, "ends_at"),
        ("silences", {"name": "s", "every_monitor": True, "cron": "* * * * *", "duration_s": 60}, "cron"),
        ("silences", {"name": "s", "cron": "0 1 * * *", "duration_s": 60}, "monitors"),
        ("silences", {"name": "s", "every_monitor": True, "duration_s": 60, "regions": ["atlantis"]}, "regions"),
        ("silences", {"name": "s", "every_monitor": True, "duration_s": 60, "regions": ["x" * 41]}, "regions"),
    ],
)
def test_what_cannot_be_is_refused_by_field(api: Api, path: str, wanted: dict[str, Any], field: str) -> None:
    status, answer = api("POST", path, wanted)
    assert status == 400 and field in answer, answer


def test_a_name_is_taken_once_in_a_team(api: Api) -> None:
    make(api, "people", {"name": "ann"})
    status, answer = api("POST", "people", {"name": "ann"})
    assert (status, answer) == (409, {"name": ["This name is taken."]})


def test_the_steps_of_a_policy_are_replaced_as_a_whole(api: Api) -> None:
    first, second = channel("a").public_id, channel("b").public_id
    steps = [{"channels": [first]}, {"channels": [second], "delay_s": 300}]
    made = make(api, "policies", {"name": "p", "repeats": 2, "steps": steps})
    assert [(step["delay_s"], step["channels"]) for step in made["steps"]] == [(0, [first]), (300, [second])]
    changed = api("PATCH", f"policies/{made['id']}", {"steps": [{"channels": [second]}]})[1]
    assert [(step["delay_s"], step["channels"]) for step in changed["steps"]] == [(0, [second])]


def test_a_silence_of_a_region_only_mutes(api: Api) -> None:
    Region.objects.create(slug="eu", domain="eu")
    wanted = {"name": "transit", "every_monitor": True, "duration_s": 3600, "regions": ["eu", "eu"]}
    made = make(api, "silences", wanted)
    assert made["regions"] == ["eu"]
    status, answer = api("PATCH", f"silences/{made['id']}", {"excludes": True})
    assert (status, list(answer)) == (400, ["regions"])
    assert api("PATCH", f"silences/{made['id']}", {"excludes": True, "regions": []})[0] == 200


def test_a_silence_shows_its_windows_and_is_ended_and_deleted(api: Api) -> None:
    watched = monitor()
    wanted = {
        "name": "nightly", "monitors": [watched.public_id], "cron": "0 3 * * *", "duration_s": 3600,
        "zone": "Europe/Berlin", "excludes": True,
    }  # fmt: skip
    made = make(api, "silences", wanted)
    assert made["created_by"] == "t" and len(made["coming"]) == 5
    # The database judges by when its transaction began, which is before this test knows the time.
    now = datetime.now(UTC) - timedelta(minutes=5)
    once = make(
        api, "silences",
        {"name": "now", "every_monitor": True, "starts_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
         "ends_at": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"},
    )  # fmt: skip
    assert once["holds"] is True
    down = incident(watched)
    step = api("GET", f"incidents/{down.public_id}")[1]["transitions"][0]
    assert step["told"] == []
    assert api("POST", f"silences/{once['id']}/end")[0] == 204
    assert api("GET", f"silences/{once['id']}")[0] == 404
    changed = api("PATCH", f"silences/{made['id']}", {"reason": "backups"})[1]
    assert (changed["id"], changed["monitors"], changed["reason"]) == (made["id"], [watched.public_id], "backups")
    excluded = f"silences/excluded?monitor={watched.public_id}&from=2030-01-01T00:00:00Z&to=2030-01-03T00:00:00Z"
    found = api("GET", excluded)[1]["results"]
    assert [window["starts"] for window in found] == ["2030-01-01T02:00:00Z", "2030-01-02T02:00:00Z"]
    assert api("DELETE", f"silences/{made['id']}")[0] == 204
    assert api("GET", "silences")[1]["results"] == []


def test_what_a_silence_holds_says_so_on_the_timeline(api: Api) -> None:
    channel()
    now = datetime.now(UTC)
    make(
        api, "silences",
        {"name": "upgrade", "every_monitor": True, "starts_at": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
         "ends_at": "2030-01-01T00:00:00Z"},
    )  # fmt: skip
    down = incident()
    told = api("GET", f"incidents/{down.public_id}")[1]["transitions"][0]["told"]
    assert [(one["name"], one["state"], one["withheld"], one["held_by"], one["held_until"]) for one in told] == [
        ("ops", "held", "silenced", "upgrade", "2030-01-01T00:00:00Z")
    ]


def test_an_incident_is_acknowledged_snoozed_taken_back_and_noted(api: Api) -> None:
    channel()
    path = f"incidents/{incident().public_id}"
    assert api("POST", f"{path}/acknowledge") == (200, {"answer": "done"})
    assert api("POST", f"{path}/acknowledge") == (200, {"answer": "already"})
    assert api("POST", f"{path}/snooze", {"minutes": 30}) == (200, {"answer": "done"})
    assert api("POST", f"{path}/snooze", {"minutes": 30, "until": NOON})[0] == 400
    assert api("POST", f"{path}/snooze", {"until": NOON})[0] == 400
    assert api("POST", f"{path}/take-back") == (200, {"answer": "done"})
    assert api("POST", f"{path}/notes", {"text": "looking"}) == (200, {"answer": "done"})
    assert api("POST", f"{path}/notes", {"text": "x" * 2001})[0] == 400
    shown = api("GET", path)[1]
    assert [(step["step"], step["actor"]) for step in shown["transitions"]] == [
        ("opened", ""), ("acknowledged", "t (API)"), ("snoozed", "t (API)"), ("reminded", "t (API)"),
        ("note", "t (API)"),
    ]  # fmt: skip
    assert shown["pursuit"]["acknowledged_at"] is None
    assert Delivery.objects.filter(event="acknowledge").count() == 2


def test_what_is_over_answers_409(api: Api) -> None:
    down = incident()
    Incident.objects.filter(pk=down.pk).update(resolved_at=database_now())
    assert api("POST", f"incidents/{down.public_id}/acknowledge")[0] == 409


def test_a_viewer_reads_who_would_be_told_and_acknowledges_nothing() -> None:
    viewer = User.objects.create(username="v")
    Membership.objects.create(user=viewer, team=default_team(), role=Role.VIEWER)
    reading = Api(default_team(), Scope.READ, Scope.WRITE, user=viewer)
    down = incident()
    assert reading("GET", "whom")[0] == 200
    assert reading("POST", f"incidents/{down.public_id}/acknowledge")[0] == 403


def test_who_would_be_told_says_why_when_and_why_not(api: Api) -> None:
    ann = make(api, "people", {"name": "ann", "channels": [channel("phone").public_id]})
    rotation = make(api, "rotations", {"name": "web", "starts_on": "2029-12-31", "people": [ann["id"]]})
    steps = [{"rotations": [rotation["id"]]}, {"delay_s": 600, "channels": [channel("boss").public_id]}]
    policy = make(api, "policies", {"name": "primary", "steps": steps})
    make(api, "routes", {"name": "night", "starts": "22:00", "ends": "06:00", "position": 1})
    make(api, "routes", {"name": "day", "policy": policy["id"], "channels": [channel("chat").public_id]})
    make(api, "routes", {"name": "rest", "default": True})
    watched = monitor()
    status, shown = api("GET", f"whom?monitor={watched.public_id}&kind=outage&at={NOON}")
    assert status == 200
    assert shown["severity"] == "critical" and shown["nobody"] is False
    assert [(told["name"], told["why"], told["because"], told["outcome"]) for told in shown["told"]] == [
        ("phone", "on_call", "primary", "tell"), ("chat", "routed", "day", "tell"),
    ]  # fmt: skip
    assert shown["routes"] == [
        {"route": "night", "matches": False, "missed_by": "hours"},
        {"route": "day", "matches": True, "missed_by": None},
        {"route": "rest", "matches": False, "missed_by": "decided_before"},
    ]
    assert [(call["after_s"], call["who"]) for call in shown["escalation"]] == [(0, ["ann (web)"]), (600, ["boss"])]
    assert not Delivery.objects.exists()
    assert api("GET", f"whom?monitor={watched.public_id}&at=2030-01-01T23:00:00Z")[1]["nobody"] is True
    assert api("GET", "whom?kind=sunshine")[0] == 400


def test_the_typical_set_up_is_one_call_and_a_second_one_changes_the_keys_only(api: Api) -> None:
    status, made = api("POST", "routes/typical", {"routing_key": KEY, "slack_url": SLACK})
    assert status == 200 and len(made["created"]) == 8 and made["changed"] == []
    again = api("POST", "routes/typical", {"routing_key": "1" * 32, "slack_url": SLACK})[1]
    assert again["created"] == [] and len(again["changed"]) == 8
    assert Channel.objects.get(kind="pagerduty").secrets["routing_key"] == "1" * 32
    ai, job = monitor(tags=["ai"]), monitor(name="job", kind="heartbeat", config={})
    urgent = monitor(name="urgent", kind="heartbeat", config={}, priority="high")

    def told(about: Monitor, kind: str) -> list[str]:
        shown = api("GET", f"whom?monitor={about.public_id}&kind={kind}")[1]
        return [one["name"] for one in shown["told"]]

    assert [told(ai, kind) for kind in ("outage", "account", "degraded", "regional")] == [
        ["PagerDuty"], ["PagerDuty"], ["Slack"], ["Slack"],
    ]  # fmt: skip
    # Most regions that lose their way page; what one region sees does not, however urgent its monitor is.
    assert told(monitor(name="high", priority="high"), "regional") == ["Slack"]
    assert (told(job, "heartbeat"), told(urgent, "heartbeat")) == (["Slack"], ["PagerDuty"])


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"routing_key": "short", "slack_url": SLACK}, "routing_key"),
        ({"routing_key": KEY, "slack_url": "x"}, "slack_url"),
    ],
)
def test_a_typical_set_up_with_a_wrong_key_leaves_nothing(api: Api, wanted: dict[str, str], field: str) -> None:
    status, answer = api("POST", "routes/typical", wanted)
    assert status == 400 and field in answer
    assert not Channel.objects.exists() and not Route.objects.exists()


def test_a_channel_says_where_it_is_called_back(api: Api) -> None:
    pager = make(api, "channels", {"name": "p", "kind": "pagerduty", "secrets": {"routing_key": KEY}})
    assert pager["callback_address"] == f"http://testserver/hooks/{pager['id']}"
    assert api("GET", f"channels/{channel().public_id}")[1]["callback_address"] == ""


def test_a_rotation_that_is_deleted_meanwhile_gets_no_new_address(api: Api) -> None:
    made = api("POST", "rotations", {"name": "r", "zone": "UTC", "starts_on": "2030-01-07"})[1]["id"]
    read = Rotation.objects.get(public_id=made)
    assert api("DELETE", f"rotations/{made}")[0] == 204
    with pytest.raises(Rotation.DoesNotExist):
        renew_feed_key(read)
