"""A canary's form shows what a month costs before anything is saved, and its page what was spent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from probes.reasons import Reason
from tests.vigil.web.pages.monitor_forms.test_monitor_forms import errors_in, person, sent_of, shown
from vigil.accounts.teams import default_team
from vigil.canaries.core.window import CanaryAnswer
from vigil.canaries.models import Canary
from vigil.canaries.reading import month_of
from vigil.canaries.rows import keep_answers
from vigil.clock import database_now
from vigil.incidents.sweep import reconcile_monitors
from vigil.metrics.ai.canaries import CanaryCollector
from vigil.monitors.changes import create_monitor, monitor_warnings, update_monitor
from vigil.monitors.models import Monitor

__all__ = ["person"]

pytestmark = pytest.mark.django_db

NEW = "/monitors/new?kind=canary"
FIELDS = {
    "name": "Luna",
    "config.url": "https://api.openai.com/v1/chat/completions",
    "config.form": "openai_chat",
    "config.model": "gpt-5.6-luna",
    "config.monthly_budget": "2",
    "config.billing_acknowledged": "on",
    "interval_s": "900",
}
CONFIG = {
    "url": FIELDS["config.url"],
    "form": "openai_chat",
    "model": "gpt-5.6-luna",
    "monthly_budget": 2,
    "billing_acknowledged": True,
}


def price_in(page: str) -> str:
    found = re.search(r'name="price_shown" value="([^"]*)"', page)
    return found[1] if found else ""


def fresh(person: Client, **fields: str) -> dict[str, Any]:
    return {**sent_of(shown(person.get(NEW))), **FIELDS, **fields}


def test_nothing_is_saved_before_the_price_was_shown(person: Client) -> None:
    asked = shown(person.post(NEW, fresh(person)))
    assert price_in(asked).startswith("About $0.1")
    assert "it stops at $2.00" in price_in(asked)
    assert not Monitor.objects.exists()
    assert person.post(NEW, sent_of(asked)).status_code == 302
    assert Monitor.objects.get().config["monthly_budget"] == 2


def test_another_price_is_shown_again(person: Client) -> None:
    asked = shown(person.post(NEW, fresh(person, **{"config.monthly_budget": "1"})))
    dearer = shown(person.post(NEW, {**sent_of(asked), "interval_s": "60"}))
    assert price_in(dearer) not in ("", price_in(asked))
    assert "after about" in price_in(dearer)
    assert not Monitor.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config.model": "gpt-unheard-of"}, "is not known here"),
        ({"config.monthly_budget": "0.0000001"}, "less than one answer may cost"),
        ({"interval_s": "5"}, "every answer costs money"),
    ],
)
def test_money_that_does_not_add_up_is_said_at_its_field(person: Client, change: dict[str, str], words: str) -> None:
    page = shown(person.post(NEW, fresh(person, **change)))
    assert words in " ".join(errors_in(page))
    assert not price_in(page)
    assert not Monitor.objects.exists()


def test_consent_is_asked_for(person: Client) -> None:
    sent = fresh(person)
    del sent["config.billing_acknowledged"]
    assert "only you can agree to that" in " ".join(errors_in(shown(person.post(NEW, sent))))


def canary() -> Monitor:
    wanted = {"name": "Luna", "kind": "canary", "config": CONFIG, "interval_s": 900}
    return create_monitor(default_team(), wanted)


def test_an_edit_shows_the_price_only_where_it_changes(person: Client) -> None:
    address = f"/monitors/{canary().public_id}/edit"
    sent = sent_of(shown(person.get(address)))
    assert person.post(address, {**sent, "name": "Luna 2"}).status_code == 302
    sent = sent_of(shown(person.get(address)))
    asked = shown(person.post(address, {**sent, "interval_s": "300"}))
    assert price_in(asked)
    assert Monitor.objects.get().interval_s == 900
    assert person.post(address, sent_of(asked)).status_code == 302
    assert Monitor.objects.get().interval_s == 300


def test_the_page_says_what_was_spent_and_why_it_stopped(person: Client) -> None:
    monitor = canary()
    reconcile_monitors(lambda step: None)
    row = Canary(monitor=monitor, month=month_of(database_now()), spent=1_990_000_000)
    keep_answers(
        row,
        [
            CanaryAnswer(1_000, "eu-west", 1, False, Reason.OK),
            CanaryAnswer(2_000, "us-east", 1, True, Reason.BODY_MISMATCH, "refused", "found <b>no</b>"),
        ],
    )
    row.save()
    page = shown(person.get(f"/monitors/{monitor.public_id}"))
    assert "No answer since 1 January 00:00 UTC. 1 of the last 2 answers were bad; 3 of 5 degrade it." in page
    assert "$1.99 of $2.00" in page
    assert "found &lt;b&gt;no&lt;/b&gt;" in page
    assert "look-now" not in page
    assert "another rule" not in page
    row.stopped, row.spent = row.month, 2_000_000_000
    row.save()
    for address in (f"/monitors/{monitor.public_id}", "/"):
        assert "Stopped: budget of $2.00 for" in shown(person.get(address))
    assert [row["name"] for row in person.get("/api/v1/monitors?status=unknown").json()["results"]] == ["Luna"]
    assert "Luna" in shown(person.get("/?state=unknown"))
    assert "Luna" not in shown(person.get("/?state=new"))
    [budget] = [one for one in CanaryCollector().collect() if one.name == "vigil_ai_canary_budget_dollars"]
    assert [sample.value for sample in budget.samples] == [2.0]


def test_the_form_says_that_regions_take_turns_and_asks_for_no_sensitivity(person: Client) -> None:
    page, other = shown(person.get(NEW)), shown(person.get("/monitors/new?kind=http"))
    assert "the regions take turns" in page
    assert 'name="sensitivity"' not in page
    assert 'name="sensitivity"' in other
    assert "the regions take turns" not in other
    monitor = canary()
    update_monitor(monitor, {"sensitivity": "high"})
    assert "sensitivity does nothing" in " ".join(monitor_warnings(Monitor.objects.get()))
    sent = sent_of(shown(person.get(f"/monitors/{monitor.public_id}/edit")))
    assert person.post(f"/monitors/{monitor.public_id}/edit", {**sent, "name": "Luna 2"}).status_code == 302
    assert Monitor.objects.get().sensitivity == "high"


def test_the_api_says_what_it_costs_and_what_it_spent(person: Client) -> None:
    monitor = canary()
    found = person.get(f"/api/v1/monitors/{monitor.public_id}").json()
    assert 0.05 < found["estimated_monthly_cost"] < 0.2
    state = person.get(f"/api/v1/monitors/{monitor.public_id}/canary").json()
    assert (state["spent"], state["monthly_budget"], state["standing"], state["answers"]) == (0, 2, "undecided", [])
    other = create_monitor(default_team(), {"name": "a", "kind": "http", "config": {"url": "https://a.test/"}})
    assert person.get(f"/api/v1/monitors/{other.public_id}").json()["estimated_monthly_cost"] is None
    assert person.get(f"/api/v1/monitors/{other.public_id}/canary").status_code == 404
    assert person.post(f"/api/v1/monitors/{monitor.public_id}/test", {}, "application/json").status_code == 400


def test_the_api_says_what_a_canary_would_cost_before_it_is_saved(person: Client) -> None:
    def cost(address: str, body: dict[str, Any]) -> Any:
        answered = person.post(f"/api/v1/monitors{address}", body, "application/json")
        return answered.json() if answered.status_code == 200 else (answered.status_code, answered.content.decode())

    # Who has not agreed yet asks for the price to agree by.
    wanted = {"kind": "canary", "config": {**CONFIG, "billing_acknowledged": False}, "interval_s": 900}
    found = cost("/cost", wanted)
    assert (found["monthly_budget"], found["prices_as_of"]) == (2.0, "2026-11-29")
    assert 0 < found["answer_cost"] < found["answer_cost_most"] < 0.001
    assert found["words"].startswith("About $0.12 a month")
    assert not Monitor.objects.exists()
    # Without an interval it is that of a new monitor.
    by_default = cost("/cost", {"kind": "canary", "config": CONFIG})["estimated_monthly_cost"]
    assert by_default == pytest.approx(15 * found["estimated_monthly_cost"])
    assert cost("/cost", {**wanted, "config": {**CONFIG, "model": "gpt-unheard-of"}})[0] == 400
    given = cost("/cost", {**wanted, "config": {**CONFIG, "input_price": 1, "output_price": 1}})
    assert (given["input_price"], given["prices_as_of"]) == (1.0, None)

    monitor = canary()
    saved = person.get(f"/api/v1/monitors/{monitor.public_id}").json()["estimated_monthly_cost"]
    same, often = cost(f"/{monitor.public_id}/cost", {}), cost(f"/{monitor.public_id}/cost", {"interval_s": 60})
    assert (same["estimated_monthly_cost"], often["estimated_monthly_cost"]) == (saved, pytest.approx(15 * saved))
    code, problem = cost(f"/{monitor.public_id}/cost", {"interval_s": 30})
    assert (code, "every answer costs money" in problem) == (400, True)
    stored = Monitor.objects.get()
    assert (stored.interval_s, stored.revision) == (monitor.interval_s, monitor.revision)
    http = {"kind": "http", "config": {"url": "http://proxy.test:4000/health", "billing_acknowledged": True}}
    free = cost("/cost", http)
    assert (free["estimated_monthly_cost"], "real completions a day" in " ".join(free["warnings"])) == (None, True)
