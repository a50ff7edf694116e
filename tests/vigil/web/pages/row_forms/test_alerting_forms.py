"""People, rotations, policies and routes are written on pages: by any writer, over no change of another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.vigil.incidents.world import World
from tests.vigil.web.pages.monitor_forms.test_monitor_forms import errors_in, sent_of, shown
from vigil.accounts.models import Membership, Role, Team, User
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, EscalationPolicy, Person, Rotation, Route
from vigil.alerts.routing.changes import save_person, save_policy, save_rotation, save_route
from vigil.alerts.test_message import TrialResult
from vigil.clock import database_now
from vigil.code.models import ManagedObject
from vigil.web.pages.row_forms.forms import people

pytestmark = pytest.mark.django_db


def member(role: Role, team: Team | None = None) -> Client:
    user = User.objects.create_user(f"a {role} of {team or 'ours'}")
    Membership.objects.create(user=user, team=team or default_team(), role=role)
    client = Client()
    client.force_login(user)
    # The first page of some minutes notes that the session is in use.
    client.get("/more")
    return client


@pytest.fixture
def writer(redis_url: str) -> Client:
    """A member who may write, and is no staff."""
    return member(Role.MEMBER)


def channel(name: str = "Ops <b>", **fields: Any) -> Channel:
    given = {"kind": "webhook", "config": {"url": "https://ops.test/"}, **fields}
    return Channel.objects.create(team=default_team(), name=name, **given)


def person(name: str, *channels: Channel) -> Person:
    return save_person(Person(team=default_team()), {"name": name, "channels": channels})


def press(client: Client, address: str, do: str, **changed: Any) -> Any:
    """Press a button of a form as it stands, with some fields filled in."""
    return client.post(address, {**sent_of(shown(client.get(address))), **changed, "do": do})


def saved(answer: Any) -> str:
    assert answer.status_code == 302, errors_in(answer.content.decode())
    return str(answer["Location"])


def test_a_person_is_made_tested_changed_and_deleted(writer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = channel("My phone"), channel("My mail")
    saved(press(writer, "/on-call/people/new", "save", name="Ann <b>", channels=[mine.public_id]))
    ann = Person.objects.get()
    address = f"/on-call/people/{ann.public_id}"
    assert list(ann.channels.all()) == [mine]
    asked: list[Channel] = []

    def take(one: Channel, at: datetime) -> TrialResult:
        asked.append(one)
        return TrialResult(True, "<ok>", 12)

    monkeypatch.setattr(people, "send_trial", take)
    told = shown(writer.post(address, {"test": mine.public_id}))
    assert asked == [mine] and "accepted it after 12" in told and "&lt;ok&gt;" in told
    assert writer.post(address, {"test": other.public_id}).status_code == 404
    saved(press(writer, f"{address}/edit", "save", channels=[mine.public_id, other.public_id]))
    assert ann.channels.count() == 2
    assert "My phone and My mail at once" in shown(writer.get(address)) or "My mail and My phone" in shown(
        writer.get(address)
    )
    saved(writer.post(f"{address}/delete"))
    assert not Person.objects.exists() and "No one can be called yet" in shown(writer.get("/on-call/people"))


def test_what_is_in_use_is_deleted_only_when_its_users_were_named(writer: Client) -> None:
    ann = person("Ann", channel())
    turn = {"name": "Primary", "starts_on": database_now().date(), "people": [ann]}
    save_rotation(Rotation(team=default_team()), turn)
    address = f"/on-call/people/{ann.public_id}/delete"
    refused = writer.post(address)
    assert refused.status_code == 409 and "rotation Primary" in refused.content.decode()
    asked = shown(writer.get(address))
    assert "rotation Primary" in asked and 'name="force"' in asked and Person.objects.exists()
    saved(writer.post(address, {"force": "1"}))
    assert not Person.objects.exists()


def test_turns_are_moved_by_buttons_and_the_next_two_weeks_are_shown(writer: Client) -> None:
    ann, bo = person("Ann", channel()), person("Bo")
    address = "/on-call/rotations/new"
    form = sent_of(shown(writer.get(address))) | {"name": "Primary", "shift_days": "7"}
    form["starts_on"] = str(database_now().date() - timedelta(days=2))
    for one in (ann, bo):
        form = sent_of(shown(writer.post(address, {**form, "add.turns": one.public_id, "do": "turns.add"})))
    moved = shown(writer.post(address, {**form, "do": "turns.down.0"}))
    assert 'value="turns.up.1" autofocus' in moved and moved.index("<bdi>Bo") < moved.index("<bdi>Ann")
    seen = shown(writer.post(address, {**sent_of(moved), "do": "preview"}))
    assert "Bo and Ann take turns of 7 days, handover at 09:00 UTC." in seen and not Rotation.objects.exists()
    assert seen.count('<ul class="told pairs">') == 1 and "On call for the next 14 days" in seen
    made = saved(writer.post(address, {**sent_of(seen), "do": "save"}))
    rotation = Rotation.objects.get()
    assert [turn.person for turn in rotation.members.all()] == [bo, ann] and rotation.public_id in made
    wrong = press(writer, f"{made}/edit", "save", zone="Mars/Base", handover="")
    assert wrong.status_code == 200 and len(errors_in(wrong.content.decode())) == 1
    assert "Unknown time zone" in press(writer, f"{made}/edit", "save", zone="Mars/Base").content.decode()


def test_a_person_stands_in_by_the_clock_of_the_rotation(writer: Client) -> None:
    ann, bo = person("Ann"), person("Bo")
    turn = {"name": "Primary", "starts_on": database_now().date(), "people": [ann], "zone": "Asia/Tokyo"}
    row = save_rotation(Rotation(team=default_team()), turn)
    page = f"/on-call/rotations/{row.public_id}"
    form = {"person": bo.public_id, "starts_at": "2027-01-02T09:00", "ends_at": "2027-01-03T09:00"}
    wrong = shown(writer.post(f"{page}/stand-in", {**form, "ends_at": "2027-01-02T09:00"}))
    assert errors_in(wrong) == ["Must end after it starts."] and 'value="2027-01-02T09:00"' in wrong
    saved(writer.post(f"{page}/stand-in", form))
    override = row.overrides.get()
    assert override.starts_at.isoformat() == "2027-01-02T00:00:00+00:00" and override.person == bo
    end = f"{page}/stand-ins/{override.public_id}/end"
    assert end in shown(writer.get(page))
    viewer = member(Role.VIEWER)
    assert [viewer.post(path).status_code for path in (f"{page}/stand-in", end)] == [403, 403]
    saved(writer.post(end))
    assert not row.overrides.exists()


def test_a_policy_is_a_sentence_while_its_steps_are_written(writer: Client) -> None:
    ops, ann = channel(), person("Ann")
    address = "/on-call/policies/new"
    form = sent_of(shown(writer.get(address))) | {"name": "Ladder", "repeats": "2"}
    empty = writer.post(address, {**form, "do": "save"})
    assert "Step 1 has no target." in empty.content.decode()
    form = sent_of(shown(writer.post(address, {**form, "steps.0.channels": ops.public_id, "do": "steps.add"})))
    form |= {"steps.1.people": ann.public_id, "steps.1.delay": "10m"}
    fragment = writer.post(address, {**form, "do": "preview"}, headers={"HX-Request": "true"}).content.decode()
    assert fragment.startswith("<section") and "At once it calls Ops &lt;b&gt;. 10 min later it calls Ann." in fragment
    assert "begins anew, 2 times" in fragment and "Step 2 leads nowhere: Ann: no enabled channel." in fragment
    form = sent_of(shown(writer.post(address, {**form, "do": "steps.up.1"})))
    saved(writer.post(address, {**form, "do": "save"}))
    steps = list(EscalationPolicy.objects.get().steps.all())
    assert [(step.delay_s, step.channels.count(), step.people.count()) for step in steps] == [(600, 0, 1), (0, 1, 0)]


def test_a_route_says_which_monitors_it_would_take(writer: Client) -> None:
    ops, world = channel(), World()
    chat, shop = world.monitor("chat"), world.monitor("shop")
    chat.tags = ["ai"]
    chat.save()
    save_route(Route(team=default_team()), {"name": "Shop", "position": 1, "monitor": shop, "channels": [ops]})
    address = "/on-call/routes/new"
    seen = shown(press(writer, address, "preview", name="All", channels=[ops.public_id], kinds=["outage", "blind"]))
    assert "Of outage or blind: tell Ops &lt;b&gt;." in seen and "1 of 2: chat" in seen and ">yes<" in seen
    assert Route.objects.count() == 1
    wanted = {"name": "AI", "tags": "ai", "kinds": ["outage"], "channels": [ops.public_id], "remind": "15m"}
    saved(press(writer, address, "save", **wanted))
    made = Route.objects.get(name="AI")
    assert (made.tags, made.remind_s, made.position, made.enabled) == (["ai"], 900, 11, True)
    wrong = press(writer, f"/on-call/routes/{made.public_id}/edit", "save", remind="1s", starts="08:00")
    assert len(errors_in(wrong.content.decode())) == 2
    text = shown(writer.get("/on-call/routes"))
    assert f"/on-call/routes/{made.public_id}/edit" in text and "/admin/" not in text
    code = shown(press(writer, f"/on-call/routes/{made.public_id}/edit", "code"))
    assert "routes:" in code and "tags:" in code and "/api/v1/routes" in code and ops.public_id in code


def policy() -> EscalationPolicy:
    step = {"channels": [channel()]}
    return save_policy(EscalationPolicy(team=default_team()), {"name": "Ladder", "steps": [step]})


def test_a_form_that_was_opened_before_another_change_says_what_differs(writer: Client) -> None:
    row = policy()
    address = f"/on-call/policies/{row.public_id}/edit"
    form = sent_of(shown(writer.get(address)))
    save_policy(row, {"repeats": 3})
    late = writer.post(address, {**form, "name": "Mine", "do": "save"})
    text = late.content.decode()
    assert late.status_code == 409 and "Another person changed this meanwhile" in text
    assert "<bdi>3</bdi>" in text and "<bdi>Mine</bdi>" in text
    row.refresh_from_db()
    assert row.name == "Ladder"
    for do in ("preview", "steps.add"):
        again = sent_of(shown(writer.post(address, {**form, "do": do})))
        assert writer.post(address, {**again, "do": "save"}).status_code == 409, do
    saved(writer.post(address, {**sent_of(text), "do": "save"}))
    row.refresh_from_db()
    assert (row.name, row.repeats) == ("Mine", 0)


def test_a_row_that_is_kept_in_a_file_asks_before_it_drifts(writer: Client) -> None:
    row = policy()
    ManagedObject.objects.create(
        team=default_team(), project="main", section="policies", key="ladder", public_id=row.public_id,
        file="vigil.yaml", line=7,
    )  # fmt: skip
    address = f"/on-call/policies/{row.public_id}/edit"
    assert "kept in vigil.yaml, line 7" in shown(writer.get(address))
    asked = shown(press(writer, address, "save", repeats="4"))
    row.refresh_from_db()
    assert "Save anyway" in asked and "repeats: 4" in asked.partition("The patch")[2] and row.repeats == 0
    saved(writer.post(address, {**sent_of(asked), "anyway": "1"}))
    row.refresh_from_db()
    assert row.repeats == 4


def test_viewers_get_no_form_and_other_teams_find_nothing(writer: Client) -> None:
    row = policy()
    viewer, stranger = member(Role.VIEWER), member(Role.OWNER, Team.objects.create(name="others"))
    paths = ("people/new", "rotations/new", "routes/new", f"policies/{row.public_id}/edit",
             f"policies/{row.public_id}/delete")  # fmt: skip
    for path in paths:
        assert (viewer.get(f"/on-call/{path}").status_code, viewer.post(f"/on-call/{path}").status_code) == (403, 403)
    for path in paths[3:]:
        assert (stranger.get(f"/on-call/{path}").status_code, stranger.post(f"/on-call/{path}").status_code) == (
            404,
            404,
        )
    for path in ("", "/routes", "/people", f"/policies/{row.public_id}"):
        text = shown(viewer.get(f"/on-call{path}"))
        assert "/new" not in text and "/edit" not in text
    assert "/rotations/new" in shown(writer.get("/on-call"))


def test_queries_of_a_form_do_not_grow_with_what_it_holds(
    writer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    channels = [channel(f"channel {number:02}") for number in range(30)]
    people_ = [person(f"person {number:02}", channels[number]) for number in range(25)]
    steps = [{"delay_s": 60, "people": people_[:9], "channels": channels[:9]} for _ in range(8)]
    row = save_policy(EscalationPolicy(team=default_team()), {"name": "Long", "steps": steps})
    with django_assert_max_num_queries(32):
        text = shown(writer.get(f"/on-call/policies/{row.public_id}/edit"))
    assert text.count("<h1") == 1 and "style=" not in text
    found = shown(press(writer, "/on-call/people/new", "find.channels", **{"find.channels": "NEL 29", "name": "Half"}))
    assert "channel 29" in found and "channel 01" not in found and 'value="Half"' in found
