"""Gatus: conditions, folders, variables, alerting, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vigil.importers.imports import Result, golden, imported, planned, written
from vigil.importers.core.report import ItemOutcome, SourceError

CONFIG = """\
alerting:
  slack:
    webhook-url: "${SLACK_URL}"
    default-alert: {failure-threshold: 5}
    overrides:
      - {group: core, webhook-url: https://hooks.slack.com/services/T/B/obviously-fake}
  signal: {api-url: https://signal.example}
x-common: &common
  interval: 30s
  alerts: [{type: slack}]
endpoints:
  - name: front
    group: core
    <<: *common
    url: "https://shop.example/health?price=1$$"
    headers: {Authorization: "Bearer ${TOKEN}"}
    conditions:
      - "[STATUS] == any(200, 204)"
      - "[BODY].status == UP"
      - "[RESPONSE_TIME] < 500"
      - "[CERTIFICATE_EXPIRATION] > 48h"
  - name: ping
    url: icmp://host.example
    enabled: false
    interval: 1s
    conditions: ["[CONNECTED] == true"]
external-endpoints:
  - {name: job, token: obviously-fake, heartbeat: {interval: 2h}}
maintenance: {start: "23:30", duration: 1h, every: [Sunday, Monday], timezone: Europe/Berlin}
"""


def conditions(*written: str, url: str = "https://shop.example", **more: Any) -> Result:
    return planned("gatus", {"endpoints": [{"name": "x", "url": url, "conditions": list(written), **more}]})


def asserted(*written: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = conditions(*written).document["monitors"]["x"]["http"]["assertions"]
    return found


def test_a_configuration_becomes_a_file(tmp_path: Path) -> None:
    made = imported("gatus", written(tmp_path, "\ufeff" + CONFIG.replace("\n", "\r\n")))
    assert made.text == golden("gatus")
    assert "obviously-fake" not in made.text + str(made.report.as_json())
    assert made.item("signal").outcome is ItemOutcome.REFUSED


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        (["[STATUS] == 200"], ["200"]),
        (["200 == [STATUS]"], ["200"]),
        (["[STATUS] == pat(2*)"], ["200-299"]),
        (["[STATUS] < 300", "[STATUS] >= 200", "[STATUS] != 204"], ["200-203", "205-299"]),
        (["[CONNECTED] == true"], ["100-599"]),
    ],
)
def test_conditions_on_the_status_become_codes(written: list[str], codes: list[str]) -> None:
    assert conditions(*written).document["monitors"]["x"]["http"]["expected_status"] == codes


@pytest.mark.parametrize(
    ("written", "assertion"),
    [
        ("[BODY] == pat(*well*)", {"type": "body_contains", "text": "well"}),
        ("[BODY] != pat(*error*)", {"type": "body_contains", "text": "error", "absent": True}),
        ("[BODY] == pong", {"type": "regex", "pattern": r"\A(?:pong)\s*\z"}),
        ("[BODY] == pat(v[0-9].*)", {"type": "regex", "pattern": r"(?s)\Av[0-9]\."}),
        ("has([BODY].errors) == false", {"type": "jsonpath", "path": "$.errors", "absent": True}),
        ("[BODY].a-b[1].id >= 3", {"type": "jsonpath", "path": "$['a-b'][1].id", "at_least": 3.0}),
        ("len([BODY].users) > 2", {"type": "jsonpath", "path": "$[?length(@) > 2]", "exists": True}),
        ("[BODY].id == any(1, b)", {"type": "jsonpath", "path": '$[?@ == 1 || @ == "1" || @ == "b"]', "exists": True}),
        ("[RESPONSE_TIME] <= 2s", {"type": "latency", "down_ms": 2001}),
        ("len([BODY]) < 100", {"type": "body_size", "max_bytes": 99}),
    ],
)  # fmt: skip
def test_conditions_on_the_answer_become_assertions(written: str, assertion: dict[str, Any]) -> None:
    assert asserted(written) == [assertion]


@pytest.mark.parametrize(
    ("url", "kind", "config"),
    [
        ("tcp://db.example:5432", "tcp", {"host": "db.example", "port": 5432}),
        ("tls://[2001:db8::1]:443", "tls", {"host": "2001:db8::1", "port": 443, "degraded_days": 0, "down_days": 0}),
        ("starttls://mail.example:587", "tls",
         {"host": "mail.example", "port": 587, "degraded_days": 0, "down_days": 0, "starttls": "smtp"}),
        ("grpcs://g.example:443", "grpc", {"host": "g.example", "port": 443, "tls": True}),
        ("ws://shop.example/ws", "websocket", {"url": "ws://shop.example/ws"}),
        ("ssh://host.example", "tcp", {"host": "host.example", "port": 22, "expect": "SSH-"}),
    ],
)  # fmt: skip
def test_the_scheme_picks_the_kind(url: str, kind: str, config: dict[str, Any]) -> None:
    assert conditions("[CONNECTED] == true", url=url).document["monitors"]["x"][kind] == config


def test_dns_and_domain_are_monitors_of_their_own() -> None:
    made = conditions("[BODY] == 192.0.2.1", "[DNS_RCODE] == NOERROR", url="8.8.8.8",
                      dns={"query-name": "example.com", "query-type": "A"})  # fmt: skip
    assert made.document["monitors"]["x"]["dns"] == {
        "name": "example.com", "record": "A", "resolver": "8.8.8.8", "expected": ["192.0.2.1"]
    }  # fmt: skip
    made = conditions("[STATUS] == 200", "[DOMAIN_EXPIRATION] > 720h", url="https://www.example.com/")
    assert made.document["monitors"]["x-domain"]["domain"] == {
        "domain": "www.example.com", "down_days": 30, "degraded_days": 30
    }  # fmt: skip
    assert made.document["monitors"]["x-domain"]["interval"] == "6h"


@pytest.mark.parametrize(
    ("written", "more", "why"),
    [
        ("[CONNECTED] == false", {}, "cannot be reached"),
        ("[BODY].id == [CONTEXT].id", {}, "earlier step"),
        ("[STATUS] == 200", {"url": "udp://host.example:53"}, "UDP"),
        ("[STATUS] == 200", {"client": {"oauth2": {"token-url": "https://id.example"}}}, "token"),
        ("[STATUS] == 200", {"url": "gopher://host.example"}, "scheme"),
        ("[STATUS] == 999", {}, "no code"),
    ],
)
def test_what_no_monitor_can_ask_is_refused_with_why(written: str, more: dict[str, Any], why: str) -> None:
    made = conditions(written, **more)
    assert made.item("x").outcome is ItemOutcome.REFUSED and why in made.why("x")


def test_a_condition_that_nothing_stands_for_is_named() -> None:
    made = conditions("[STATUS] == 200", "[WEATHER] == fine", "[IP] == 192.0.2.1")
    assert "[WEATHER] == fine is left out" in made.why("x") and "[IP]" in made.why("x")


def test_a_folder_is_merged_and_leads_nowhere_else(tmp_path: Path) -> None:
    endpoint = "endpoints:\n  - {name: %s, url: 'https://%s.example', conditions: ['[STATUS] == 200']}\n"
    outside = written(tmp_path, endpoint % ("outside", "outside"), "other/outside.yaml")
    written(tmp_path, endpoint % ("a", "a"), "config/a.yaml")
    written(tmp_path, endpoint % ("b", "b"), "config/sub/b.yml")
    written(tmp_path, "not: [yaml", "config/notes.txt")
    (tmp_path / "config" / "link.yaml").symlink_to(outside)
    assert set(imported("gatus", tmp_path / "config").document["monitors"]) == {"a", "b"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("endpoints:\n  - name: ENC[AES256_GCM,data:AAAA,type:str]\n", "encrypted by SOPS"),
        ("endpoints: []\nsops: {kms: []}\n", "encrypted by SOPS"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + "\n".join(
            f"k{n}: &k{n} [*{'c' if n == 0 else f'k{n - 1}'}, *{'c' if n == 0 else f'k{n - 1}'}]" for n in range(20)),
         "too many values"),
        ("a: &a [*a]", "contains itself"),
        ("endpoints:\n  - name: {{ .Values.name }}\n", "template"),
        ("[" * 5000, "not YAML|nested too deeply"),
        ("hello", "no Gatus configuration"),
    ],
    ids=["sops value", "sops section", "aliases", "recursion", "template", "depth", "another file"],
)  # fmt: skip
def test_a_hostile_or_wrong_file_is_refused_in_one_line(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        imported("gatus", written(tmp_path, content))


def test_a_tag_of_yaml_runs_nothing(tmp_path: Path) -> None:
    content = CONFIG.replace("name: ping", 'name: !!python/object/apply:os.system ["touch x"]')
    with pytest.raises(SourceError, match="not YAML"):
        imported("gatus", written(tmp_path, content))


def test_a_webhook_of_its_own_is_a_channel_and_only_variables_in_the_file_are_listed() -> None:
    alerting = {"custom": {"url": "https://hooks.example/x"}, "signal": {"api-url": "${SIGNAL}"}}
    external = {"name": "job", "token": "${PUSH_TOKEN}", "heartbeat": {"interval": "30m"}}
    found = planned("gatus", {"alerting": alerting, "external-endpoints": [external], "endpoints": []})
    assert found.document["channels"]["custom"]["webhook"] == {"url": "${env:CUSTOM_URL}"}
    assert found.document["heartbeats"]["job"]["every"] == "30m"
    assert [each.name for each in found.report.variables] == ["CUSTOM_URL"]


def test_addresses_of_a_private_network_are_told_once() -> None:
    urls = ("http://app:3000/", "tcp://10.1.2.3:1", "http://localhost/", "http://[::1]/", "http://shop.example/")
    endpoints = [
        {"name": f"e{number}", "url": url, "conditions": ["[CONNECTED] == true"]} for number, url in enumerate(urls)
    ]
    notes = planned("gatus", {"endpoints": endpoints}).report.notes
    assert next(note for note in notes if "same network" in note).startswith("e0, e1, e2 and 1 more: only a region")
