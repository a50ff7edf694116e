"""Forms of the admin are typed: fields of every kind by themselves, assertions as rows, secrets by name, no JSON."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from probes.probers import PROBERS
from tests.vigil.web.admin.browsing import as_sent
from tests.vigil.web.admin.rows import HIDDEN, make_rows
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import User
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.channels import CHANNELS
from vigil.alerts.models import Channel
from vigil.heartbeats.changes import create_heartbeat
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, MonitorChange, Region
from vigil.silences.models import Silence
from vigil.web.forms.controls import Control, controls_of

pytestmark = pytest.mark.django_db
reverse("admin:index")
ADD = "/admin/monitors/monitor/add/?kind="
HTTP = {"name": "m", "kind": "http", "config": {"url": "https://x.test/"}}


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def form_of(client: Client, page: str) -> Any:
    answer: Any = client.get(page)
    assert answer.status_code == 200
    return answer.context["adminform"].form


def refusals(answer: Any) -> dict[str, Any]:
    """Errors of a form that was not taken; empty for one that was."""
    return dict(answer.context["adminform"].form.errors) if answer.status_code == 200 else {}


def change(row: Monitor) -> str:
    return reverse("admin:monitors_monitor_change", args=[row.pk])


def test_the_page_of_a_new_monitor_offers_every_kind(boss: Client) -> None:
    page = boss.get("/admin/monitors/monitor/add/").content.decode()
    assert all(f'href="?kind={kind}"' in page for kind in (*PROBERS, "preset"))
    assert boss.get(f"{ADD}nonsense").status_code == 404


@pytest.mark.parametrize("kind", list(PROBERS))
def test_a_kind_has_a_field_for_each_of_its_settings(boss: Client, kind: str) -> None:
    fields = form_of(boss, f"{ADD}{kind}").fields
    typed = {one.name for one in controls_of(PROBERS[kind].spec) if one.control is not Control.ROWS}
    assert {f"config.{name}" for name in typed} <= fields.keys()
    assert ("assertions.add" in fields) == any(one.control is Control.ROWS for one in controls_of(PROBERS[kind].spec))


@pytest.mark.parametrize("kind", list(CHANNELS))
def test_a_channel_has_a_field_for_each_of_its_settings_and_secrets(boss: Client, kind: str) -> None:
    fields = form_of(boss, f"/admin/alerts/channel/add/?kind={kind}").fields
    settings = {f"config.{field.name}" for field in msgspec.structs.fields(CHANNELS[kind].config)}
    assert settings | {f"secret.{name}" for name in CHANNELS[kind].secrets} <= fields.keys()


def test_no_form_of_the_admin_asks_for_json(boss: Client) -> None:
    typed = {"monitors.Monitor": "?kind=http", "alerts.Channel": "?kind=webhook"}
    for model in admin.site._registry:
        label = model._meta.label
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add") + typed.get(label, "")
        answer: Any = boss.get(page)
        if answer.status_code == 200:
            shown = answer.context["adminform"].form
            sets = [one.formset.empty_form for one in answer.context["inline_admin_formsets"]]
            for form in (shown, *sets):
                assert not [name for name, one in form.fields.items() if isinstance(one, forms.JSONField)], label


def test_an_assertion_is_added_filled_in_and_removed(boss: Client) -> None:
    row = create_monitor(default_team(), HTTP)
    page = change(row)
    answer: Any = boss.post(page, as_sent(boss, page, **{"assertions.add": "jsonpath"}))
    assert answer.status_code == 200 and "Fill in the fields" in answer.content.decode()
    drawn = {one.html_name: one.value() for one in answer.context["adminform"].form}
    assert drawn["assertions.0.type"] == "jsonpath" and not drawn["assertions.add"]
    filled = as_sent(
        boss, page, **{"assertions.0.type": "jsonpath", "assertions.0.path": "$.ok", "assertions.0.equals": "1"}
    )
    assert boss.post(page, filled).status_code == 302
    stored = Monitor.objects.get().config
    assert stored["assertions"] == [{"type": "jsonpath", "path": "$.ok", "equals": 1}]
    assert boss.post(page, as_sent(boss, page)).status_code == 302
    assert Monitor.objects.get().revision == 2
    assert boss.post(page, as_sent(boss, page, **{"assertions.0.remove": "on"})).status_code == 302
    assert Monitor.objects.get().config["assertions"] == []


def test_of_two_assertions_the_first_is_removed_while_the_other_is_wrong(boss: Client) -> None:
    rows = [{"type": "status", "in": ["200"]}, {"type": "body_contains", "text": "ready"}]
    config = {"url": "https://x.test/", "assertions": rows[1:] * 2}
    page = change(create_monitor(default_team(), {**HTTP, "config": config}))
    answer: Any = boss.post(page, as_sent(boss, page, **{"assertions.0.remove": "on", "assertions.1.text": ""}))
    form = answer.context["adminform"].form
    assert [name for name in form.fields if name.endswith(".type")] == ["assertions.0.type"]
    assert form.errors["assertions.0.text"]


def test_a_secret_is_set_kept_and_forgotten_and_never_shown(boss: Client) -> None:
    row = create_monitor(default_team(), {**HTTP, "secrets": {"bearer": HIDDEN}})
    page = change(row)
    assert HIDDEN not in boss.get(page).content.decode()
    boss.post(page, as_sent(boss, page, **{"new_header.name": "x-key", "new_header.value": HIDDEN}))
    assert dict(Monitor.objects.get().secrets) == {"bearer": HIDDEN, "header.x-key": HIDDEN}
    boss.post(page, as_sent(boss, page, **{"forget.bearer": "on"}))
    assert dict(Monitor.objects.get().secrets) == {"header.x-key": HIDDEN}


def test_a_stored_secret_is_not_sent_to_another_server(boss: Client) -> None:
    page = change(create_monitor(default_team(), {**HTTP, "secrets": {"bearer": HIDDEN}}))
    answer: Any = boss.post(page, as_sent(boss, page, **{"config.url": "https://elsewhere.test/"}))
    assert answer.status_code == 200 and answer.context["adminform"].form.errors
    assert Monitor.objects.get().config["url"] == "https://x.test/"


def test_the_price_of_a_canary_is_shown_before_it_is_saved(boss: Client) -> None:
    Region.objects.create(slug="eu", domain="a")
    written = {
        "name": "c", "config.url": "https://api.openai.com/v1/chat/completions", "config.form": "openai_chat",
        "config.input_price": "1", "config.output_price": "2",
        "config.model": "gpt-4o-mini", "config.monthly_budget": "5", "config.billing_acknowledged": "on",
        "config.prompt": "Say ok.", "config.expect_text": "ok", "interval_s": "3600",
    }  # fmt: skip
    sent = as_sent(boss, f"{ADD}canary", **written)
    answer: Any = boss.post(f"{ADD}canary", sent)
    assert "Save again to accept that" in str(refusals(answer))
    price = answer.context["adminform"].form["price_shown"].value()
    assert "$" in price and not Monitor.objects.exists()
    assert boss.post(f"{ADD}canary", {**sent, "price_shown": price}).status_code == 302


def test_a_channel_keeps_its_secret_when_other_fields_change(boss: Client) -> None:
    written = {"name": "s", "secret.url": "https://hooks.slack.com/services/T0/B0/fake"}
    add = "/admin/alerts/channel/add/?kind=slack"
    assert refusals(boss.post(add, as_sent(boss, add, **written))) == {}
    made = Channel.objects.get()
    page = reverse("admin:alerts_channel_change", args=[made.pk])
    assert "services/T0" not in boss.get(page).content.decode()
    assert boss.post(page, as_sent(boss, page, name="t")).status_code == 302
    changed = Channel.objects.get()
    assert (changed.name, dict(changed.secrets)) == ("t", dict(made.secrets))


def test_regions_of_a_silence_are_boxes(boss: Client) -> None:
    Region.objects.create(slug="eu", domain="a")
    add = reverse("admin:silences_silence_add")
    written = {"name": "n", "every_monitor": "on", "regions": ["eu"], "tags": "a, b", "duration_s": "60"}
    assert refusals(boss.post(add, as_sent(boss, add, **written))) == {}
    assert (Silence.objects.get().regions, Silence.objects.get().tags) == (["eu"], ["a", "b"])


def test_pause_takes_each_kind_through_its_own_write_path_and_is_recorded(boss: Client) -> None:
    check = create_monitor(default_team(), HTTP)
    job = create_heartbeat(default_team(), {"name": "job"})
    chosen = {"_selected_action": [check.pk, job.pk]}
    listed = reverse("admin:monitors_monitor_changelist")
    boss.post(listed, {"action": "pause", **chosen})
    job.refresh_from_db()
    assert job.status == "paused" and Monitor.objects.filter(paused=True).count() == 2
    assert set(MonitorChange.objects.filter(action="changed").values_list("author", flat=True)) == {"admin"}
    boss.post(listed, {"action": "silence_an_hour", **chosen})
    made = Silence.objects.get()
    assert (made.monitors.count(), made.created_by) == (2, "admin")


def test_a_monitor_whose_settings_no_rule_takes_any_more_is_paused_and_stops_no_other(boss: Client) -> None:
    rows = [create_monitor(default_team(), {**HTTP, "name": name}) for name in ("old", "new")]
    Monitor.objects.filter(pk=rows[0].pk).update(config={"of": "another release"})
    listed, chosen = reverse("admin:monitors_monitor_changelist"), {"_selected_action": [one.pk for one in rows]}
    assert "Paused: 2." in boss.post(listed, {"action": "pause", **chosen}, follow=True).content.decode()
    told = boss.post(listed, {"action": "resume", **chosen}, follow=True).content.decode()
    assert "Resumed: 1." in told and "is not a field of http" in told
    assert [row.paused for row in Monitor.objects.order_by("name")] == [False, True]


def test_an_action_on_more_than_500_rows_changes_none(boss: Client) -> None:
    make_rows(Monitor, 501)
    sent = {"action": "pause", "select_across": "1", "_selected_action": [Monitor.objects.all()[0].pk]}
    answer = boss.post(reverse("admin:monitors_monitor_changelist"), sent, follow=True)
    assert "Choose at most 500 at once" in answer.content.decode()
    assert not Monitor.objects.filter(paused=True).exists()


def test_who_may_only_look_sees_settings_and_pauses_nothing(client: Client) -> None:
    row = create_monitor(default_team(), {**HTTP, "secrets": {"bearer": HIDDEN}})
    config = {"url": "https://hook.test/"}
    channel = save_channel(Channel(team=default_team()), {"name": "w", "kind": "webhook", "config": config})
    job = create_heartbeat(default_team(), {"name": "job", "period_s": 4321})
    looker = User.objects.create(username="looker", is_staff=True)
    rights = ("view_monitor", "view_channel", "view_heartbeat")
    looker.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    client.force_login(looker)
    client.post(reverse("admin:monitors_monitor_changelist"), {"action": "pause", "_selected_action": [row.pk]})
    assert not Monitor.objects.filter(paused=True).exists()
    shown = {
        change(row): "https://x.test/",
        reverse("admin:alerts_channel_change", args=[channel.pk]): "https://hook.test/",
        reverse("admin:heartbeats_heartbeat_change", args=[job.pk]): "4321",
    }
    for page, words in shown.items():
        text = client.get(page).content.decode()
        assert words in text and HIDDEN not in text and "whsec_" not in text
