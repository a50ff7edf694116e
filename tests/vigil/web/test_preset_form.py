"""A new monitor in the admin: from a preset or by hand, its costs computed, its secrets unseen."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.vigil.web.admin.browsing import as_sent
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.teams import default_team
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
FAKE_KEY = "obviously-fake-key-5544332211"
#: What a browser sends of a page on which nothing was written.
UNTOUCHED = {
    "name": "", "interval_s": "", "timeout_ms": "", "sensitivity": "normal", "tags": "", "preset": "", "key": "",
    "address": "", "model": "", "region": "", "resource": "",
}  # fmt: skip
ADD = "/admin/monitors/monitor/add/?kind=preset"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def sent(boss: Client, **written: Any) -> HttpResponse:
    return boss.post(ADD, {**UNTOUCHED, "team": default_team().pk, **written}, follow=True)  # type: ignore[return-value]


def errors(answer: HttpResponse) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)  # type: ignore[attr-defined]


def test_the_page_offers_every_preset_with_what_it_proves(boss: Client) -> None:
    page = boss.get(ADD).content.decode()
    assert "OpenAI (openai): The service answers and accepts the key" in page
    assert 'type="password"' in page


def test_a_preset_and_a_key_make_a_complete_monitor(boss: Client) -> None:
    region = Region.objects.create(slug="eu", domain="a")
    answer = sent(boss, preset="openai", key=FAKE_KEY, model="gpt-4o-mini", regions=[region.pk])
    made = Monitor.objects.get()
    assert (made.name, made.kind, made.interval_s, made.timeout_ms) == ("OpenAI: gpt-4o-mini", "http", 60, 10_000)
    assert made.config["url"] == "https://api.openai.com/v1/models"
    assert made.config["assertions"][-1]["contains"] == "gpt-4o-mini"
    assert dict(made.secrets) == {"bearer": FAKE_KEY}
    assert list(made.regions.all()) == [region]
    assert FAKE_KEY not in answer.content.decode()


def test_a_preset_and_an_address_make_one_too_and_its_recommendations_count(boss: Client) -> None:
    sent(boss, preset="ollama", address="http://gpu.internal:11434", model="llama3")
    made = Monitor.objects.get()
    assert made.config["url"] == "http://gpu.internal:11434/api/tags"
    assert made.timeout_ms == 5_000


def test_what_is_written_by_hand_goes_before_what_the_preset_recommends(boss: Client) -> None:
    sent(boss, preset="deepseek-balance", key=FAKE_KEY, name="money", interval_s="900")
    made = Monitor.objects.get()
    assert (made.name, made.interval_s, made.timeout_ms) == ("money", 900, 15_000)


@pytest.mark.parametrize(
    ("written", "field", "words"),
    [
        ({"preset": "openai"}, "key", "answers only with a key"),
        ({"preset": "ollama-loaded"}, "model", "needs it"),
        ({"preset": "ollama", "key": FAKE_KEY}, "key", "asks for no key"),
        ({"preset": "openai", "key": f"{FAKE_KEY}\x01"}, "key", "control characters"),
        ({"preset": "litellm-health", "key": FAKE_KEY}, "billing_acknowledged", "real, billed completion"),
        ({"preset": "nonsense"}, "preset", "not one of the available choices"),
        ({}, "preset", "required"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_beside_its_field_and_no_secret_comes_back(
    boss: Client, written: dict[str, str], field: str, words: str
) -> None:
    answer = sent(boss, **written)
    assert words in " ".join(errors(answer)[field])
    assert FAKE_KEY not in answer.content.decode()
    assert not Monitor.objects.exists()


def test_what_it_costs_is_computed_when_it_is_saved_and_shown_ever_after(boss: Client) -> None:
    regions = [Region.objects.create(slug=slug, domain=slug).pk for slug in ("eu", "us", "ap")]
    preset = {"preset": "litellm-health", "address": "http://proxy:4000", "key": FAKE_KEY}
    answer = sent(boss, **preset, billing_acknowledged="on", regions=regions)
    assert "this makes 4,320 real completions a day" in answer.content.decode()
    made = Monitor.objects.get()
    page = boss.get(f"/admin/monitors/monitor/{made.pk}/change/").content.decode()
    assert "this makes 4,320 real completions a day" in page
    assert FAKE_KEY not in page


def test_a_refusal_for_its_cost_says_how_much_it_would_have_been(boss: Client) -> None:
    written = {"name": "x", "config.url": "http://proxy:4000/health", "config.provider": "litellm", "interval_s": "30"}
    page = "/admin/monitors/monitor/add/?kind=http"
    answer: Any = boss.post(page, as_sent(boss, page, **written))
    said = " ".join(text for texts in errors(answer).values() for text in texts)
    assert "every 30 s: 2,880 completions a day for each deployment, from each region" in said
