"""Forms of monitors: typed fields of every kind make it, and an edit that changes nothing leaves it to the letter."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from probes.probers import PROBERS
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, Team, User
from vigil.accounts.teams import default_team
from vigil.code.models import ManagedObject
from vigil.heartbeats.models import Heartbeat
from vigil.monitors.changes import create_monitor, update_monitor
from vigil.monitors.composites import Member, create_composite
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db

#: What a person types for each kind, and a configuration with much more for the edit.
KINDS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "http": (
        {"config.url": "https://a.test/"},
        {
            "url": "https://a.test/", "method": "POST", "headers": [["Accept", "a: b"], ["X", " 2"]], "body": "\n{}\n",
            "expected_status": ["200", "201-204"], "follow_redirects": False, "verify_tls": True, "body_limit": 0,
            "assertions": [
                {"type": "header", "name": "content-type", "contains": "json", "gives": "degraded"},
                {"type": "latency", "degraded_ms": 2000, "down_ms": 0},
            ],
        },
    ),
    "tcp": (
        {"config.host": "a.test", "config.port": "25"},
        {"host": "a.test", "port": 25, "send": "QUIT\r\n", "tls": True},
    ),
    "tls": ({"config.host": "a.test"}, {"host": "a.test", "degraded_days": 20, "starttls": "smtp"}),
    "icmp": ({"config.host": "a.test", "config.echoes": "3"}, {"host": "192.0.2.1", "echoes": 5, "family": "4"}),
    "dns": ({"config.name": "a.test"}, {"name": "a.test", "record": "TXT", "expected": [" v=1 ", "b"], "match": "all"}),
    "domain": ({"config.domain": "example.com"}, {"domain": "example.com", "degraded_days": 40, "down_days": 8}),
    "grpc": ({"config.host": "a.test", "config.tls": "on"}, {"host": "a.test", "port": 50051, "tls": False}),
    "websocket": ({"config.url": "wss://a.test/"}, {"url": "wss://a.test/", "send": "ping", "expect": "pong"}),
    "postgresql": (
        {"config.host": "db.test", "config.port": "5432", "config.user": "vigil", "config.database": "postgres"},
        {"host": "db.test", "database": "shop", "tls": True, "min_tls": "1.3"},
    ),
    "redis": ({"config.host": "a.test", "config.port": "6379"}, {"host": "a.test", "port": 6380}),
    "saturation": (
        {"config.url": "http://a.test/metrics", "config.engine": "vllm"},
        {"url": "http://a.test/metrics", "engine": "vllm", "cache_most": 0.8, "waiting_most": 4},
    ),
    "mcp": (
        {"config.url": "https://a.test/mcp", "config.expected_tools": "search"},
        {"url": "https://a.test/mcp", "transport": "sse", "call": "search", "arguments": '{"query": "x"}'},
    ),
    "canary": (
        {
            "config.url": "https://a.test/v1/chat/completions", "config.form": "openai_chat",
            "config.model": "m", "config.monthly_budget": "2", "config.billing_acknowledged": "on",
            "config.input_price": "0.5", "config.output_price": "1.5",
        },
        {
            "url": "https://a.test/v1/chat/completions", "form": "openai_chat", "model": "m", "monthly_budget": 1.5,
            "billing_acknowledged": True, "temperature": None, "input_price": 0.0, "output_price": 2.0,
            "prompt": "Say\nhi", "tool": "go", "tool_arguments": '{"n": 1}', "of_answers": 7, "same_model": False,
        },
    ),
}  # fmt: skip
JSON_PATHS = [
    {"type": "jsonpath", "path": "$.a", "equals": value}
    for value in (True, None, 3, 2.5, "5", "true", "plain", "", " x")
] + [{"type": "jsonpath", "path": "$.n", "at_least": 1}, {"type": "jsonpath", "path": "$.n", "count_min": 2}]


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    Region.objects.create(slug="eu-west", domain="aws")
    Region.objects.create(slug="us-east", domain="gcp")
    return client


def sent_of(page: str) -> dict[str, Any]:
    """What a browser would send back of a page's form, untouched."""
    form = page.partition('id="edit"')[2].partition("</form>")[0]
    sent: dict[str, list[str]] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        kind = re.search(r'type="(\w+)"', tag)
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and not (kind and kind[1] == "checkbox" and " checked" not in tag):
            sent.setdefault(unescape(name[1]), []).append(unescape(value[1]) if value else "")
    for name_, text in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        sent[name_] = [re.sub(r"\r\n|\r|\n", "\r\n", unescape(text))]
    for name_, options in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        sent[name_] = [unescape(chosen[1]) if chosen else ""]
    return sent


def shown(answer: Any) -> str:
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return str(answer.content.decode())


def monitor(kind: str = "http", config: dict[str, Any] | None = None, **fields: Any) -> Monitor:
    given = {"name": "Chat API", "kind": kind, "config": config or {"url": "https://a.test/"}}
    return create_monitor(default_team(), {**given, **fields})


def errors_in(page: str) -> list[str]:
    return re.findall(r'class="err">.*?</svg>(.*?)</p>', page, re.DOTALL)


def test_the_form_of_every_kind_makes_it_and_an_edit_changes_nothing(person: Client) -> None:
    assert KINDS.keys() == PROBERS.keys()
    for kind, (typed, config) in KINDS.items():
        address = f"/monitors/new?kind={kind}"
        fields = {**typed, "name": kind, "tags": "a, b", "interval_s": "3600"}
        made = person.post(address, {**sent_of(shown(person.get(address))), **fields})
        if "What it costs" in made.content.decode():
            assert not Monitor.objects.filter(kind=kind).exists()
            made = person.post(address, sent_of(shown(made)))
        assert made.status_code == 302, (kind, errors_in(made.content.decode()))
        first = Monitor.objects.get(kind=kind)
        assert first.tags == ["a", "b"] and first.regions.count() == 2
        assert set(first.config) <= {name.removeprefix("config.") for name in typed}, kind
        full = monitor(kind, config, name=f"{kind} in full", interval_s=3600)
        address = f"/monitors/{full.public_id}/edit"
        saved = person.post(address, sent_of(shown(person.get(address))))
        assert saved.status_code == 302, (kind, errors_in(saved.content.decode()))
        after = Monitor.objects.get(pk=full.pk)
        assert after.config == config and after.revision == full.revision, kind


def test_a_new_form_holds_an_interval_that_its_kind_allows(person: Client) -> None:
    for kind, prober in PROBERS.items():
        form = sent_of(shown(person.get(f"/monitors/new?kind={kind}")))
        assert int(form["interval_s"][0]) == max(60, prober.least_interval_s), kind


def test_every_value_of_an_assertion_survives_its_row(person: Client) -> None:
    config = {"url": "https://a.test/", "assertions": JSON_PATHS}
    made = monitor(config=config)
    address = f"/monitors/{made.public_id}/edit"
    sent = sent_of(shown(person.get(address)))
    assert person.post(address, {**sent, "name": "Other"}).status_code == 302
    after = Monitor.objects.get(pk=made.pk)
    assert after.config == config and after.name == "Other"
    sent = sent_of(shown(person.get(address))) | {"assertions.0.remove": "on", "assertions.1.equals": "7"}
    assert person.post(address, sent).status_code == 302
    values = Monitor.objects.get(pk=made.pk).config["assertions"]
    assert values == [{**JSON_PATHS[1], "equals": 7}, *JSON_PATHS[2:]]


def test_a_row_is_added_by_a_reload_and_nothing_is_saved(person: Client) -> None:
    made = monitor()
    address = f"/monitors/{made.public_id}/edit"
    sent = sent_of(shown(person.get(address))) | {"assertions.add": "body_contains", "do": "add", "name": "Half done"}
    page = shown(person.post(address, sent))
    assert 'name="assertions.0.text"' in page and 'value="Half done"' in page
    assert Monitor.objects.get(pk=made.pk).name == "Chat API"
    assert person.post(address, sent_of(page) | {"assertions.0.text": "ready"}).status_code == 302
    assert Monitor.objects.get(pk=made.pk).config["assertions"] == [{"type": "body_contains", "text": "ready"}]


def test_a_preset_asks_for_its_key_and_never_shows_it(person: Client) -> None:
    for preset, typed in (("openai", {"key": "sk-planted"}), ("vllm", {"address": "http://gpu.test:8000"})):
        address = f"/monitors/new?preset={preset}"
        sent = {
            "name": preset,
            "interval_s": "60",
            "timeout_ms": "10000",
            "tags": "ai",
            "regions": ["eu-west", "us-east"],
        }
        wrong = shown(person.post(address, {**sent, **typed, "interval_s": "x"}))
        assert "A whole number" in wrong and "sk-planted" not in wrong
        assert person.post(address, {**sent, **typed}).status_code == 302
    assert dict(Monitor.objects.get(name="openai").secrets) == {"bearer": "sk-planted"}


def test_what_is_wrong_stands_at_its_field_and_nothing_is_cleared(person: Client) -> None:
    made = monitor()
    address = f"/monitors/{made.public_id}/edit"
    sent = sent_of(shown(person.get(address)))
    for change, field, said in (
        ({"config.url": "ftp://x"}, "config.url", "http"),
        ({"config.redirect_limit": "9000"}, "config.redirect_limit", "between 0 and 50"),
        ({"config.expected_status": "abc"}, "config.expected_status", "abc"),
        ({"interval_s": "-1"}, "interval_s", "whole number"),
        ({"parents": "Nothing"}, "parents", "There is no monitor named Nothing."),
        ({"name": ""}, "name", "blank"),
    ):
        page = shown(person.post(address, {**sent, **change}))
        assert f'href="#f-{field}"' in page and f'id="f-{field}-e"' in page, change
        assert any(said in text for text in errors_in(page)), (change, errors_in(page))
        assert str(next(iter(change.values()))) in page


def test_secrets_are_kept_replaced_and_forgotten_and_never_shown(person: Client) -> None:
    made = monitor(secrets={"bearer": "tok-planted", "header.x-key": "also-planted"})
    address = f"/monitors/{made.public_id}/edit"
    page = shown(person.get(address))
    assert "planted" not in page and page.count("Stored.") == 2
    sent = sent_of(page)
    assert person.post(address, sent).status_code == 302
    assert Monitor.objects.get(pk=made.pk).revision == made.revision
    person.post(address, sent | {"secret.bearer": "new", "forget.header.x-key": "on"})
    assert dict(Monitor.objects.get(pk=made.pk).secrets) == {"bearer": "new"}
    moved = shown(person.post(address, sent_of(shown(person.get(address))) | {"config.url": "https://evil.test/"}))
    assert "sends the stored secrets to another destination" in moved


def test_two_people_do_not_overwrite_each_other(person: Client) -> None:
    made = monitor()
    address = f"/monitors/{made.public_id}/edit"
    sent = sent_of(shown(person.get(address)))
    update_monitor(made, {"interval_s": 120})
    answer = person.post(address, sent | {"name": "Mine"})
    page = answer.content.decode()
    assert answer.status_code == 409 and "changed this" in page and "There now" in page
    assert "120" in page and 'value="Mine"' in page
    assert Monitor.objects.get(pk=made.pk).name == "Chat API"
    assert person.post(address, sent_of(page)).status_code == 302
    assert Monitor.objects.get(pk=made.pk).name == "Mine"


def test_what_is_kept_in_a_file_asks_first_and_offers_the_patch(person: Client) -> None:
    made = monitor()
    ManagedObject.objects.create(
        team=made.team, project="default", section="monitors", key="chat-api", public_id=made.public_id,
        file="vigil.yaml", line=3,
    )  # fmt: skip
    address = f"/monitors/{made.public_id}/edit"
    page = shown(person.get(address))
    assert "kept in vigil.yaml, line 3" in page
    sent = sent_of(page) | {"interval_s": "30"}
    asked = shown(person.post(address, sent))
    assert "shown as drift" in asked and "interval: 30s" in asked and "Save anyway" in asked
    assert Monitor.objects.get(pk=made.pk).interval_s == 60
    assert person.post(address, sent | {"anyway": "1"}).status_code == 302
    assert Monitor.objects.get(pk=made.pk).interval_s == 30


def test_a_deletion_names_its_consequences_in_numbers(person: Client) -> None:
    made = monitor()
    create_composite(default_team(), {"name": "Both", "members": [Member(made)]})
    address = f"/monitors/{made.public_id}/delete"
    page = shown(person.get(address))
    assert "1 composite names it." in page and "0 incidents of it stay" in page
    assert person.post(address)["Location"] == "/"
    assert Monitor.objects.get(pk=made.pk).deleted_at is not None
    assert person.get(address).status_code == 404


def test_a_job_is_made_and_edited_by_typed_fields(person: Client) -> None:
    sent = sent_of(shown(person.get("/heartbeats/new"))) | {
        "name": "nightly", "period_s": "1h30m", "grace_s": "5m", "budget.max_cost": "2.5",
        "keywords.fail": "ERROR\r\nboom",
    }  # fmt: skip
    assert person.post("/heartbeats/new", sent).status_code == 302
    job = Heartbeat.objects.select_related("monitor").get()
    assert (job.period_s, job.grace_s, job.budget, job.keywords) == (
        5_400, 300, {"max_cost": 2.5}, {"fail": ["ERROR", "boom"]},
    )  # fmt: skip
    assert person.get(f"/monitors/{job.monitor.public_id}/edit")["Location"].startswith("/heartbeats/")
    address = f"/heartbeats/{job.monitor.public_id}/edit"
    same = sent_of(shown(person.get(address)))
    assert person.post(address, same).status_code == 302
    again = Heartbeat.objects.get()
    assert (again.budget, again.keywords, again.run_limit_s) == (job.budget, job.keywords, None)
    assert "write a duration".capitalize() in shown(person.post(address, same | {"grace_s": "soon"}))
    Heartbeat.objects.update(grace_s=600)
    assert person.post(address, same | {"name": "Mine"}).status_code == 409


def test_a_viewer_reads_no_form_and_another_team_finds_nothing(person: Client) -> None:
    made = monitor()
    addresses = [
        "/monitors/new",
        "/heartbeats/new",
        f"/monitors/{made.public_id}/edit",
        f"/monitors/{made.public_id}/delete",
    ]
    viewer, other = User.objects.create_user("vic"), User.objects.create_user("olga")
    Membership.objects.create(user=viewer, team=default_team(), role=Role.VIEWER)
    Membership.objects.create(user=other, team=Team.objects.create(name="other"), role=Role.OWNER)
    person.force_login(viewer)
    assert [person.get(one).status_code for one in addresses] == [403] * 4
    person.force_login(other)
    assert [person.post(one).status_code for one in addresses[2:]] == [404] * 2
