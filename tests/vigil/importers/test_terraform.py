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
        ('{"version": 3, "terraform_version": "0.11", "modules": []}', "none of its 0 resources"),
        ('{"version": 4, "resources": []}', "none of its 0 resources"),
        ('{"hello": 1}', "no resources are in it"),
        ("resource uptimerobot_monitor x {}", "not JSON"),
    ],
    ids=["encrypted", "old", "empty", "another file", "a program"],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        imported("terraform", written(tmp_path, content, "terraform.tfstate"))


def test_a_state_of_version_3_is_read_with_its_flat_attributes(tmp_path: Path) -> None:
    flat = {
        "id": "7", "website_name": "Old", "website_url": "https://old.example", "check_rate": "60", "paused": "false",
        "test_type": "HTTP", "status_codes": "500,502", "test_tags.#": "2", "test_tags.0": "a", "test_tags.1": "b",
        "basic_user": "bot", "basic_pass": "obviously-fake", "find_string": "ok", "do_not_find": "false",
    }  # fmt: skip
    api = {
        "name": "API", "activated": "true", "frequency": "5", "type": "API", "request.#": "1",
        "request.0.url": "https://api.example", "request.0.headers.%": "1", "request.0.headers.Accept": "*/*",
        "request.0.assertion.#": "1", "request.0.assertion.77.source": "STATUS_CODE",
        "request.0.assertion.77.comparison": "EQUALS", "request.0.assertion.77.target": "204",
    }  # fmt: skip
    modules = [
        {"path": ["root"], "resources": {"statuscake_test.old": {"type": "statuscake_test", "primary": {
            "attributes": flat}}, "data.x.y": {}}},
        {"path": ["root", "web"], "resources": {"checkly_check.api.1": {"type": "checkly_check", "primary": {
            "attributes": api}}}},
    ]  # fmt: skip
    old = {"version": 3, "terraform_version": "0.11.14", "modules": modules}
    path = written(tmp_path, json.dumps(old), "terraform.tfstate")
    made = imported("terraform", path)
    assert imported("terraform", tmp_path).document == made.document
    entry = made.document["monitors"]["old"]
    assert entry["http"]["assertions"] == [{"type": "body_contains", "text": "ok"}]
    assert (entry["tags"], entry["http"]["expected_status"]) == (["a", "b"], ["100-499", "501", "503-599"])
    assert "obviously-fake" not in made.text
    assert made.document["monitors"]["api"]["http"]["assertions"] == [{"type": "status", "expected": ["204"]}]
    assert "Terraform module.web.checkly_check.api[1]" in made.text


def test_what_a_service_watches_beside_the_answer_is_named() -> None:
    robot = {"name": "Shop", "type": "HTTP", "url": "https://shop.example", "domain_expiration_reminder": True,
             "maintenance_window_ids": [3], "check_ssl_errors": False, "config": {"ip_version": "ipv6Only"},
             "http_method_type": "POST", "post_value_type": "KEY_VALUE", "post_value_kv": {"a": "1 2"}}  # fmt: skip
    stack = {"pronounceable_name": "Docs", "url": "https://docs.example", "domain_expiration": 14,
             "maintenance_from": "01:00:00"}  # fmt: skip
    made = planned("terraform", state(resource("uptimerobot_monitor", robot), resource("betteruptime_monitor", stack)))
    http = made.document["monitors"]["shop"]["http"]
    assert (http["verify_tls"], http["family"], http["body"]) == (False, "6", "a=1+2")
    assert http["headers"] == [["Content-Type", "application/x-www-form-urlencoded"]]
    for name in ("Shop", "Docs"):
        assert "domain" in made.why(name) and "maintenance" in made.why(name)


def test_certificates_of_grafana_have_names_of_their_own() -> None:
    tls = {"client_cert": "obviously-fake certificate", "client_key": "obviously-fake key", "server_name": "api"}
    check = {"job": "API", "target": "https://api.example", "frequency": 60000, "settings": [
        {"http": [{"tls_config": [tls], "cache_busting_query_param_name": "x"}]}]}  # fmt: skip
    marks = [[{"type": "get_attr", "value": "settings"}]]
    made = planned(
        "terraform", state(resource("grafana_synthetic_monitoring_check", check, sensitive_attributes=marks))
    )
    assert set(made.document["monitors"]["api"]["secrets"]) == {"client_certificate", "client_key"}
    assert "obviously-fake" not in made.text and "cache_busting" in made.why("API")


def test_what_checkly_asserts_of_other_protocols_is_kept_or_named() -> None:
    def monitor(kind: str, asserted: list[tuple[str, str, str]], **request: Any) -> dict[str, Any]:
        listed = [{"source": source, "comparison": comparison, "target": target, "property": ""}
                  for source, comparison, target in asserted]  # fmt: skip
        return resource(f"checkly_{kind}", {"name": kind, "muted": kind == "dns_monitor",
                                            "request": [{**request, "assertion": listed}]})  # fmt: skip

    made = planned("terraform", state(
        monitor("dns_monitor", [("RESPONSE_CODE", "EQUALS", "NOERROR"), ("TEXT_ANSWER", "CONTAINS", "192.0.2.1")],
                query="shop.example", record_type="A"),
        monitor("icmp_monitor", [("LATENCY", "LESS_THAN", "200")], hostname="shop.example", ping_count=3),
        monitor("ssl_monitor", [("CERTIFICATE", "EQUALS", "x")], hostname="192.0.2.1", server_name="shop.example"),
        monitor("check", [], url="https://shop.example", method="POST", body="{}", body_type="JSON"),
    ))  # fmt: skip
    monitors = made.document["monitors"]
    assert made.item("dns_monitor").notes == (
        "its assertion TEXT_ANSWER CONTAINS 192.0.2.1 is left out",
        "it sends no alert there: silence it here, or leave it out of the routes",
    )
    assert monitors["icmp-monitor"]["icmp"] == {
        "host": "shop.example", "tcp_port": 0, "echoes": 3, "assertions": [{"type": "latency", "down_ms": 200}]
    }  # fmt: skip
    assert monitors["ssl-monitor"]["tls"]["server_name"] == "shop.example"
    assert "CERTIFICATE EQUALS x is left out" in made.why("ssl_monitor")
    assert monitors["check"]["http"]["headers"] == [["Content-Type", "application/json"]]
