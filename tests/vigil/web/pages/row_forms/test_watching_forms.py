"""Silences that come again, and rules over monitors, are written on pages with what they mean beside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vigil.incidents.world import World
from tests.vigil.web.pages.monitor_forms.test_monitor_forms import errors_in, sent_of, shown
from tests.vigil.web.pages.row_forms.test_alerting_forms import member, press, saved
from vigil.accounts.models import Role
from vigil.clock import database_now
from vigil.history.models import Objective
from vigil.monitors.composites import members_of
from vigil.monitors.core.composite_rules import CompositeRule
from vigil.monitors.models import Composite, Monitor
from vigil.silences.models import Silence
from vigil.web.pages.row_forms.forms.composites import rule_in_words

pytestmark = pytest.mark.django_db


def test_maintenance_comes_again_by_the_clock_of_its_zone(redis_url: str) -> None:
    writer, chat = member(Role.MEMBER), World().monitor("chat")
    address = "/on-call/silences/new"
    form = {"name": "Upgrade", "monitors": chat.public_id, "pauses": "on", "repeats": "weekly",
            "starts": "2026-03-01T02:30", "length": "2h", "zone": "Europe/Berlin"}  # fmt: skip
    seen = shown(press(writer, address, "preview", **form))
    assert "For chat: alerts are held, nothing is checked, each for 2 h 0 min: 30 2 * * SUN Europe/Berlin." in seen
    assert seen.count(" 02:30</bdi>") == 5 and not Silence.objects.exists()
    saved(press(writer, address, "save", **form))
    row = Silence.objects.get()
    assert (row.cron, row.duration_s, row.pauses, list(row.monitors.all())) == ("30 2 * * SUN", 7200, True, [chat])
    edit = f"/on-call/silences/{row.public_id}/edit"
    saved(press(writer, edit, "save"))
    assert Silence.objects.get() == row
    saved(press(writer, edit, "save", length="3h"))
    assert Silence.objects.get(valid_until=None).duration_s == 10_800
    wrong = press(writer, edit, "save", cron="every day", repeats="cron", length="9d").content.decode()
    assert "1 thing needs another look" in wrong and "from 1 minute to 7 days" in wrong
    assert edit in shown(writer.get("/on-call/silences"))
    assert member(Role.VIEWER).post(edit).status_code == 403
    saved(writer.post(edit.replace("/edit", "/delete")))
    assert not Silence.objects.filter(valid_until=None).exists()


def test_a_silence_of_regions_holds_only_what_they_alone_cause(redis_url: str) -> None:
    writer, world = member(Role.MEMBER), World()
    region, other = (one.slug for one in world.regions[:2])
    form = {"name": "Transit", "every_monitor": "on", "length": "1d", "regions": region}
    address = "/on-call/silences/new"
    wrong = press(writer, address, "save", **form, pauses="on").content.decode()
    assert "only mutes" in wrong and not Silence.objects.exists()
    seen = shown(press(writer, address, "preview", **form))
    assert f"For every monitor, seen from {region} only: regional alerts are held, an outage is told." in seen
    saved(press(writer, address, "save", **form))
    edit = f"/on-call/silences/{Silence.objects.get().public_id}/edit"
    saved(press(writer, edit, "save", regions=other))
    assert Silence.objects.get(valid_until=None).regions == [other]


def test_a_silence_of_once_keeps_its_times_to_the_second(redis_url: str) -> None:
    writer, now = member(Role.MEMBER), database_now()
    form = {"name": "Deploy", "every_monitor": "on", "length": "90m"}
    saved(press(writer, "/on-call/silences/new", "save", **form))
    row = Silence.objects.get()
    assert row.starts_at is not None and row.starts_at >= now and row.ends_at == row.starts_at + timedelta(minutes=90)
    edit = f"/on-call/silences/{row.public_id}/edit"
    saved(press(writer, edit, "save", name="Deploy again"))
    after = Silence.objects.get(valid_until=None)
    assert (after.starts_at, after.ends_at, after.name) == (row.starts_at, row.ends_at, "Deploy again")
    assert "Choose" not in shown(writer.get(edit))
    for starts in ("soon", "9999-12-31T00:00"):
        assert errors_in(press(writer, edit, "save", length="2d", starts=starts).content.decode()), starts


def test_members_of_a_composite_are_found_by_name_and_the_rule_is_said(redis_url: str) -> None:
    writer, world = member(Role.MEMBER), World()
    rows = [world.monitor(f"api-{number:02}") for number in range(25)]
    address = "/composites/new"
    assert "/composites/new" in shown(writer.get("/monitors/new"))
    form = sent_of(shown(writer.get(address))) | {"name": "Providers", "find.members": "api-2", "do": "find.members"}
    found = shown(writer.post(address, form))
    assert f'value="members.add.{rows[24].public_id}"' in found and rows[3].public_id not in found
    for row in (rows[24], rows[20]):
        form = sent_of(shown(writer.post(address, {**form, "do": f"members.add.{row.public_id}"})))
    seen = shown(writer.post(address, {**form, "do": "preview"}))
    assert "Down only when api-24 and api-20 are all down." in seen or "api-20 and api-24" in seen
    saved(writer.post(address, {**form, "do": "save"}))
    made = Composite.objects.get()
    assert {one.monitor for one in members_of(made)} == {rows[24], rows[20]}
    edit = f"/composites/{made.monitor.public_id}/edit"
    assert writer.get(f"/monitors/{made.monitor.public_id}/edit")["Location"] == edit
    assert "at most all 2 members" in press(writer, edit, "save", rule="at_least", k="3").content.decode()
    chain = sent_of(shown(press(writer, edit, "preview", rule="chain")))
    saved(writer.post(edit, {**chain, "members.1.rank": "1", "do": "save"}))
    assert [one.rank for one in members_of(made)] == [0, 1]
    code = shown(press(writer, edit, "code"))
    assert "composites:" in code and "/api/v1/composites" in code
    assert member(Role.VIEWER).post(edit).status_code == 403
    saved(writer.post(edit.replace("/edit", "/delete")))
    assert Monitor.objects.get(pk=made.monitor_id).deleted_at is not None


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (CompositeRule.ALL, "Down as soon as one of a, b and c is down."),
        (CompositeRule.AT_LEAST, "Up while 2 or more of a, b and c work."),
        (CompositeRule.CHAIN, "a serves. While that is down, b and c take over, and it is degraded."),
    ],
)
def test_a_rule_is_a_sentence(rule: CompositeRule, words: str) -> None:
    assert words in rule_in_words(rule, 2, [["a"], ["b", "c"]])


def test_an_objective_says_what_it_allows_and_what_is_left(redis_url: str) -> None:
    writer, chat = member(Role.MEMBER), World().monitor("chat")
    address = "/objectives/new"
    form = {"name": "Chat <b>", "monitor": chat.public_id, "target": "99.5", "window": "30"}
    seen = shown(press(writer, address, "preview", **form))
    assert "chat may be down for 3 h 36 min in 30 days." in seen and not Objective.objects.exists()
    both = press(writer, address, "save", **form, tag="ai").content.decode()
    assert errors_in(both) == ["Give either a monitor or a tag."]
    page = saved(press(writer, address, "save", **form))
    assert "99.5 % allows of what was measured in 30 days" in shown(writer.get(page))
    assert "target_percent" in shown(press(writer, f"{page}/edit", "code", enabled=""))
    assert "1 objective is within budget" in shown(writer.get("/objectives"))
    wrong = errors_in(press(writer, f"{page}/edit", "save", target="100", window="2").content.decode())
    assert len(wrong) == 2
    viewer = member(Role.VIEWER)
    assert (viewer.get(page).status_code, viewer.post(f"{page}/edit").status_code) == (200, 403)
    saved(writer.post(f"{page}/delete"))
    assert not Objective.objects.exists()


def test_a_form_with_far_too_many_members_gets_the_help_and_one_beyond_all_measure_gets_words(redis_url: str) -> None:
    writer, chat = member(Role.MEMBER), World().monitor("chat")
    form = sent_of(shown(writer.get("/composites/new"))) | {"name": "Providers", "do": "save"}
    many = {
        f"members.{number}.{name}": chat.public_id for number in range(500) for name in ("monitor", "group", "rank")
    }
    answer = writer.post("/composites/new", form | many)
    assert answer.status_code == 200 and errors_in(answer.content.decode())
    beyond = writer.post("/composites/new", form | {f"members.{number}.monitor": "x" for number in range(3_100)})
    assert beyond.status_code == 400 and "A form may have 3,000" in beyond.content.decode()
    assert not Composite.objects.exists()
