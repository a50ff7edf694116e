"""Terraform: states and `show -json` of any service, their units, and sensitive values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vigil.importers.imports import Result, golden, imported, planned, written
from vigil.importers.core.report import ItemOutcome, SourceError


def state(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 4, "terraform_version": "1.9.0", "serial": 1, "resources": list(resources)}


def resource(kind: str, attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    instance: dict[str, Any] = {"attributes": attributes}
    for name in ("index_key", "sensitive_attributes"):
        if name in more:
            instance[name] = more.pop(name)
    return {"mode": "managed", "type": kind, "name": "x", "provider": "p", "instances": [instance], **more}


STATE = state(
    resource("uptimerobot_monitor", {
        "id": "1", "name": "Shop", "type": "KEYWORD", "url": "https://shop.example", "interval": 300, "timeout": 30,
        "keyword_type": "ALERT_EXISTS", "keyword_value": "error", "keyword_case_type": "CaseSensitive",
        "http_username": "bot", "http_password": "obviously-fake", "tags": ["prod"], "is_paused": False,
        "success_http_response_codes": ["2xx", "302"],
    }, module="module.web", index_key="eu"),
    resource("pingdom_check", {
        "name": "API", "type": "http", "host": "api.example", "resolution": 1, "encryption": True, "port": 443,
        "url": "/health", "shouldcontain": "ok", "tags": "a,b", "requestheaders": {"Accept": "*/*"}, "paused": True,
    }),
    resource("statuscake_uptime_check", {
        "name": "Docs", "check_interval": 60, "trigger_rate": 2, "paused": False, "tags": None,
        "monitored_resource": [{"address": "https://docs.example", "host": ""}],
        "http_check": [{"status_codes": ["404", "500", "503"], "timeout": 20, "validate_ssl": True,
                        "follow_redirects": True, "request_method": "HEAD", "content_matchers": [],
                        "basic_authentication": [], "request_headers": {}, "request_payload": {}}],
        "dns_check": [], "tcp_check": [], "icmp_check": [],
    }),
    resource("checkly_alert_channel", {"id": "77", "email": [{"address": "ops@shop.example"}], "slack": []}),
    resource("checkly_check", {
        "name": "Login", "type": "API", "activated": True, "frequency": 0, "frequency_offset": 10, "should_fail": False,
        "tags": ["api"], "degraded_response_time": 1000, "max_response_time": 5000,
        "alert_channel_subscription": [{"channel_id": 77, "activated": True}],
        "request": [{"url": "https://api.example/login", "method": "POST", "body": "{}",
                     "headers": {"X-Token": "fake-1"},
                     "assertion": [{"source": "STATUS_CODE", "comparison": "EQUALS", "property": "", "target": "201"},
                                   {"source": "JSON_BODY", "comparison": "GREATER_THAN", "property": "$.n",
                                    "target": "3"}],
                     "basic_auth": [], "query_parameters": {"a": "b c"}, "follow_redirects": True, "skip_ssl": False}],
    }),
    resource("checkly_check", {"name": "Journey", "type": "BROWSER", "activated": True, "frequency": 5}),
    resource("betteruptime_monitor", {
        "url": "https://app.example", "pronounceable_name": "App", "monitor_type": "expected_status_code",
        "expected_status_codes": [200, 301], "check_frequency": 180, "confirmation_period": 0, "request_timeout": 15,
        "request_headers": [{"name": "Accept", "value": "text/html"}], "verify_ssl": False, "paused": False,
    }),
    resource("betteruptime_heartbeat", {"name": "Backup", "period": 86400, "grace": 300, "paused": False}),
    resource("healthchecksio_check", {"name": "Report", "schedule": "0 3 * * *", "timezone": "Europe/Berlin",
                                      "grace": 600, "tags": ["cron"], "timeout": 0}),
    resource("grafana_synthetic_monitoring_check", {
        "job": "Landing", "target": "https://landing.example", "frequency": 30000, "timeout": 3000, "enabled": True,
        "labels": {"env": "prod"},
        "settings": [{"http": [{"method": "GET", "headers": ["Accept: text/html"], "valid_status_codes": [200],
                                "fail_if_not_ssl": True, "fail_if_body_not_matches_regexp": ["welcome"],
                                "basic_auth": [], "tls_config": []}],
                      "ping": [], "tcp": [], "dns": []}],
    }),
    resource("aws_instance", {"id": "i-1"}),
)  # fmt: skip


def golden_import(path: Path) -> Result:
    return imported("terraform", written(path, json.dumps(STATE), "terraform.tfstate"))


def only(kind: str, attributes: dict[str, Any]) -> Result:
    return planned("terraform", state(resource(kind, attributes)))


def test_a_state_of_many_services_becomes_one_file(tmp_path: Path) -> None:
    made = golden_import(tmp_path)
    assert made.text == golden("terraform")
    assert "obviously-fake" not in made.text and "fake-1" not in made.text
    assert made.item("Journey").outcome is ItemOutcome.REFUSED
    assert any("1 resources of other providers" in note for note in made.report.notes)


def test_show_json_of_a_state_or_plan_is_read_through_its_modules() -> None:
    one = {"address": "a.b", "mode": "managed", "type": "betteruptime_heartbeat", "name": "b",
           "values": {"name": "A", "period": 60, "grace": 0}}  # fmt: skip
    two = one | {"address": "module.m.a.b[0]", "index": 0, "values": {"name": "B", "period": 60, "grace": 60}}
    data = one | {"mode": "data", "values": {"name": "C"}}
    root = {"resources": [one, data], "child_modules": [{"address": "module.m", "resources": [two]}]}
    for part in ("values", "planned_values"):
        made = planned("terraform", {"format_version": "1.0", part: {"root_module": root}})
        assert set(made.document["heartbeats"]) == {"a", "b"}


def test_what_terraform_marks_as_sensitive_is_a_variable() -> None:
    attributes = {"name": "Shop", "type": "HTTP", "url": "https://shop.example/obviously-fake", "interval": 60}
    marked = resource("uptimerobot_monitor", attributes,
                      sensitive_attributes=[[{"type": "get_attr", "value": "url"}]])  # fmt: skip
    shown = {"address": "a.b", "type": "uptimerobot_monitor", "values": attributes, "sensitive_values": {"url": True}}
    for document in (state(marked), {"format_version": "1.0", "values": {"root_module": {"resources": [shown]}}}):
        made = planned("terraform", document)
        assert made.document["monitors"]["shop"]["http"]["url"] == "${env:SHOP_URL}"
        assert "obviously-fake" not in made.text


@pytest.mark.parametrize(
    ("kind", "attributes", "why"),
    [
        ("checkly_check", {"name": "x", "type": "API", "should_fail": True}, "while its target fails"),
        ("uptimerobot_monitor", {"name": "x", "type": "UDP", "url": "a.example"}, "UDP"),
        ("pingdom_check", {"name": "x", "type": "transaction", "host": "a.example"}, "no check of the type"),
        ("betteruptime_monitor", {"pronounceable_name": "x", "monitor_type": "playwright"}, "no browser"),
        ("statuscake_uptime_check", {"name": "x", "monitored_resource": []}, "none of the types"),
        ("grafana_synthetic_monitoring_check", {"job": "x", "settings": [{"scripted": [{}]}]}, "no script"),
    ],
)
def test_what_no_monitor_can_ask_is_refused_with_why(kind: str, attributes: dict[str, Any], why: str) -> None:
    made = only(kind, attributes)
    assert made.item("x").outcome is ItemOutcome.REFUSED and why in made.why("x")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"encrypted_data": "AAAA"}', "encrypted"),
        ('{"version": 3, "terraform_version": "0.11", "modules": []}', "version 3"),
        ('{"version": 4, "resources": []}', "none of its 0 resources"),
        ('{"hello": 1}', "no resources are in it"),
        ("resource uptimerobot_monitor x {}", "not JSON"),
    ],
    ids=["encrypted", "old", "empty", "another file", "a program"],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        imported("terraform", written(tmp_path, content, "terraform.tfstate"))
