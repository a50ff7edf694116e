"""The pages of on call say who is told and why; silences are made, ended and taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.vigil.incidents.world import World
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, Team, User
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, EscalationPolicy, Person, Rotation, Route
from vigil.alerts.routing.changes import save_person, save_policy, save_rotation, save_route
from vigil.clock import database_now
from vigil.monitors.models import Monitor
from vigil.silences.core.windows import current
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    # The first page of some minutes notes that the session is in use.
    client.get("/more")
    return client


@pytest.fixture
def policy(redis_url: str) -> EscalationPolicy:
    """Ann and Bo take turns; a route sends outages to a channel, then to who is on call."""
    team = default_team()
    channel = Channel.objects.create(team=team, name="Ops <b>", kind="webhook", config={"url": "https://ops.test/"})
    people = [save_person(Person(team=team), {"name": name, "channels": [channel]}) for name in ("Ann", "Bo")]
    turn = {"name": "Primary", "starts_on": database_now().date() - timedelta(days=3), "people": people}
    rotation = save_rotation(Rotation(team=team), turn)
    step = {"delay_s": 600, "rotations": [rotation]}
    policy = save_policy(EscalationPolicy(team=team), {"name": "Ladder", "steps": [step]})
    wanted = {"name": "Outages", "kinds": ["outage"], "tags": ["ai"], "channels": [channel], "policy": policy}
    save_route(Route(team=team), {**wanted, "remind_s": 900})
    return policy


def member(role: Role, team: Team | None = None) -> Client:
    user = User.objects.create_user(f"a {role}")
    Membership.objects.create(user=user, team=team or default_team(), role=role)
    client = Client()
    client.force_login(user)
    return client


def monitor(*tags: str) -> Monitor:
    made = World().monitor("chat")
    made.tags = list(tags)
    made.save()
    return made


def test_on_call_says_who_is_and_who_would_be_told(
    boss: Client, policy: EscalationPolicy, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    chat, team = monitor("ai"), default_team()
    for number in range(3):
        people = [save_person(Person(team=team), {"name": f"Person {number}", "channels": list(Channel.objects.all())})]
        turn = {"name": f"Turn {number}", "starts_on": database_now().date() - timedelta(days=1), "people": people}
        rotation = save_rotation(Rotation(team=team), turn)
        steps = [{"delay_s": 900 * place, "people": people, "rotations": [rotation]} for place in range(3)]
        ladder = save_policy(EscalationPolicy(team=team), {"name": f"Ladder {number}", "steps": steps})
        save_route(Route(team=team), {"name": f"Also {number}", "kinds": ["outage"], "goes_on": True, "policy": ladder})
    Route.objects.update(goes_on=True)
    # As many whatever is there.
    with django_assert_max_num_queries(12):
        text = boss.get(f"/on-call?monitor={chat.public_id}&kind=outage").content.decode()
    assert "Person 2 (Turn 2)" in text
    assert "Ann</bdi> is on call" in text and "Ops &lt;b&gt;" in text and "after 10 min" in text
    assert "Again every 15 min" in text and text.count("<h1") == 1 and "style=" not in text
    other = boss.get(f"/on-call?monitor={chat.public_id}&kind=account&at=yesterday").content.decode()
    assert "another kind" in other and "is not a time; showing now." in other
    later = (database_now() + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M")
    assert "Bo" in boss.get(f"/on-call?monitor={chat.public_id}&kind=outage&at={later}").content.decode()


def test_routes_are_sentences_and_a_policy_is_a_ladder(boss: Client, policy: EscalationPolicy) -> None:
    text = boss.get("/on-call/routes").content.decode()
    assert "outage, tagged ai" in text and "then the policy Ladder; again every 15 min" in text
    ladder = boss.get(f"/on-call/policies/{policy.public_id}").content.decode()
    assert "after 10 min" in ladder and "Ann" in ladder and "Outages" in ladder


def test_a_rotation_is_a_calendar_whose_address_is_for_writers(
    boss: Client, policy: EscalationPolicy, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rotation = Rotation.objects.get()
    with django_assert_max_num_queries(12):
        text = boss.get(f"/on-call/rotations/{rotation.public_id}").content.decode()
    assert text.count("<td") == 28 and 'aria-current="date"' in text and rotation.feed_key in text
    assert rotation.feed_key not in member(Role.VIEWER).get(f"/on-call/rotations/{rotation.public_id}").content.decode()


def test_a_silence_is_made_now_and_taken_back(boss: Client, redis_url: str) -> None:
    chat = monitor()
    wrong = boss.post("/on-call/silences/make", {"name": "", "duration_s": "3600", "monitors": "every", "does": "hold"})
    assert wrong.status_code == 200 and "1 thing needs another look" in wrong.content.decode()
    form = {"name": "deploy <b>", "duration_s": "3600", "monitors": chat.public_id, "does": "pause"}
    made = boss.post("/on-call/silences/make", form)
    silence = Silence.objects.get()
    assert (silence.pauses, list(silence.monitors.all())) == (True, [chat])
    text = boss.get(made["Location"]).content.decode()
    assert "1 silence holds now" in text and "deploy &lt;b&gt;" in text and "Undo" in text
    boss.post(f"/on-call/silences/{silence.public_id}/undo")
    assert "Nothing is silenced now" in boss.get("/on-call/silences").content.decode()


def test_a_link_fills_the_form_of_a_silence_and_what_it_makes_is_taken_back(boss: Client, redis_url: str) -> None:
    chat = monitor()
    text = boss.get(f"/on-call/silences?monitors={chat.public_id}&region=eu-west&name=eu-west+alone").content.decode()
    assert f'<option value="{chat.public_id}" selected>' in text and '<option value="eu-west" selected>' in text
    assert 'value="eu-west alone"' in text
    form = {"name": "eu-west alone", "duration_s": "3600", "monitors": chat.public_id, "region": "eu-west"}
    refused = boss.post("/on-call/silences/make", {**form, "does": "pause"}).content.decode()
    assert "only mutes" in refused and 'href="#f-region"' in refused
    made = boss.post("/on-call/silences/make", form)
    silence = Silence.objects.get()
    assert (silence.regions, silence.mutes, silence.pauses) == (["eu-west"], True, False)
    assert "chat, seen from eu-west only" in boss.get(made["Location"]).content.decode()
    # What was ended begins again with its regions.
    Silence.objects.update(starts_at=database_now() - timedelta(minutes=10))
    boss.post(f"/on-call/silences/{silence.public_id}/end")
    silence.refresh_from_db()
    boss.post(f"/on-call/silences/{silence.public_id}/undo")
    assert Silence.objects.get(valid_until=None).regions == ["eu-west"]


def test_a_silence_is_ended_and_begins_again_for_the_rest(boss: Client, redis_url: str) -> None:
    boss.post("/on-call/silences/make", {"name": "deploy", "duration_s": "3600", "monitors": "every"})
    Silence.objects.update(starts_at=database_now() - timedelta(minutes=10))
    silence = Silence.objects.get()
    ended = boss.post(f"/on-call/silences/{silence.public_id}/end")
    assert "It is ended." in boss.get(ended["Location"]).content.decode()
    assert not Silence.objects.filter(valid_until=None).exists()
    silence.refresh_from_db()
    boss.post(f"/on-call/silences/{silence.public_id}/undo")
    again = Silence.objects.get(valid_until=None)
    window = current(again.schedule, database_now())
    assert window is not None and window.ends == silence.ends_at and again.every_monitor


def test_viewers_read_and_other_teams_see_nothing(policy: EscalationPolicy) -> None:
    silence = Silence.objects.create(
        team=default_team(), name="deploy", every_monitor=True,
        starts_at=database_now(), ends_at=database_now() + timedelta(hours=1),
    )  # fmt: skip
    viewer, stranger = member(Role.VIEWER), member(Role.OWNER, Team.objects.create(name="others"))
    text = viewer.get("/on-call/silences").content.decode()
    assert "deploy" in text and "End it now" not in text and "Silence it" not in text
    posts = ("make", f"{silence.public_id}/end", f"{silence.public_id}/undo")
    assert [viewer.post(f"/on-call/silences/{path}").status_code for path in posts] == [403, 403, 403]
    assert [stranger.post(f"/on-call/silences/{path}").status_code for path in posts[1:]] == [404, 404]
    for path in (f"policies/{policy.public_id}", f"rotations/{Rotation.objects.get().public_id}"):
        assert stranger.get(f"/on-call/{path}").status_code == 404
    for path in ("", "/routes", "/silences"):
        seen = stranger.get(f"/on-call{path}").content.decode()
        assert not any(name in seen for name in ("Ann", "Outages", "Ladder", "deploy</bdi>"))
