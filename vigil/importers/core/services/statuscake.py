"""StatusCake: uptime, heartbeat and SSL checks of its Terraform provider. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.confirmation import sensitivity_for
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedHeartbeat, ImportedMonitor
from vigil.importers.core.requests import every_code_but, host_and_port, request_of, status_codes
from vigil.importers.core.values import entries, from_json, mapping, number, text, truth, whole

Attributes = dict[str, Any]


def uptime_check_of(draft: Draft, given: Attributes, origin: str) -> ImportedMonitor | str:
    """The monitor, or why there is none."""
    name, address = text(given.get("name")), text(mapping(given.get("monitored_resource")).get("address"))
    made: ImportedMonitor | str = "it is of none of the types http, tcp, dns and icmp"
    if mapping(given.get("http_check")):
        made = _http(draft, mapping(given["http_check"]), name, address, origin)
    elif mapping(given.get("tcp_check")):
        tcp = mapping(given["tcp_check"])
        config: dict[str, Any] = {"host": host_and_port(address)[0], "port": whole(tcp.get("port")) or 0}
        expected = {"SMTP": "220", "SSH": "SSH-"}.get(text(tcp.get("protocol")).upper())
        if expected:
            config["expect"] = expected
        made = ImportedMonitor(name, "tcp", config, origin, timeout_s=number(tcp.get("timeout")))
    elif mapping(given.get("dns_check")):
        dns = mapping(given["dns_check"])
        config = {"name": host_and_port(address)[0], "expected": [text(each) for each in entries(dns.get("dns_ips"))]}
        if text(dns.get("dns_server")).replace(".", "").isdigit():
            config["resolver"] = text(dns["dns_server"])
        made = ImportedMonitor(name, "dns", config, origin)
    elif entries(given.get("icmp_check")):
        made = ImportedMonitor(name, "icmp", {"host": host_and_port(address)[0], "tcp_port": 0}, origin)
    if isinstance(made, ImportedMonitor):
        made.interval_s = number(given.get("check_interval")) or 300
        made.paused, made.tags = truth(given.get("paused")), [text(each) for each in entries(given.get("tags"))]
        # In minutes.
        made.sensitivity, notes = sensitivity_for((number(given.get("trigger_rate")) or 0) * 60 or None)
        made.notes += notes
    return made


def heartbeat_check_of(given: Attributes, origin: str) -> ImportedHeartbeat:
    heartbeat = ImportedHeartbeat(text(given.get("name")), origin, paused=truth(given.get("paused")), grace_s=60)
    heartbeat.period_s = number(given.get("period")) or 1800
    heartbeat.notes.append("its job has to call the new address, which Vigil shows once it is applied")
    return heartbeat


def ssl_check_of(given: Attributes, origin: str) -> ImportedMonitor:
    address = text(mapping(given.get("monitored_resource")).get("address"))
    host, port = host_and_port(address, 443)
    alerts = mapping(given.get("alert_config"))
    days = [whole(each) or 0 for each in entries(alerts.get("alert_at"))]
    config: dict[str, Any] = {"host": host, "port": port, "degraded_days": max([*days, 1]), "down_days": 0}
    if text(given.get("hostname")):
        config["server_name"] = text(given["hostname"])
    monitor = ImportedMonitor(f"{host} (certificate)", "tls", config, origin)
    monitor.interval_s, monitor.paused = number(given.get("check_interval")) or 86_400, truth(given.get("paused"))
    return monitor


def old_test_of(draft: Draft, given: Attributes, origin: str) -> ImportedMonitor | str:
    """The monitor of a `statuscake_test`, the resource of the provider before version 2; or why there is none."""
    kind, address = text(given.get("test_type")).upper() or "HTTP", text(given.get("website_url"))
    matcher = {"content": given.get("find_string"), "matcher": "NOT_" * truth(given.get("do_not_find")) + "CONTAINS"}
    checks: dict[str, Attributes] = {
        "HTTP": {"http_check": {
            "status_codes": text(given.get("status_codes")).split(","), "timeout": given.get("timeout"),
            "follow_redirects": given.get("follow_redirect"), "user_agent": given.get("user_agent"),
            "validate_ssl": given.get("enable_ssl_alert"), "request_payload_raw": given.get("post_raw"),
            "request_headers": from_json(given.get("custom_header")), "content_matchers": matcher,
            "basic_authentication": {"username": given.get("basic_user"), "password": given.get("basic_pass")},
        }},
        "TCP": {"tcp_check": {"port": given.get("port"), "timeout": given.get("timeout")}},
        "PING": {"icmp_check": [True]},
        "DNS": {"dns_check": {"dns_ips": text(given.get("dns_ip")).split(","), "dns_server": given.get("dns_server")}},
    }  # fmt: skip
    if kind not in checks:
        return f"Vigil has no check of the type {kind[:40]!r}"
    return uptime_check_of(draft, {
        "name": given.get("website_name"), "monitored_resource": {"address": address}, **checks[kind],
        "check_interval": given.get("check_rate"), "paused": given.get("paused"), "tags": given.get("test_tags"),
        "trigger_rate": given.get("trigger_rate"),
    }, origin)  # fmt: skip


def _http(draft: Draft, http: Attributes, name: str, address: str, origin: str) -> ImportedMonitor:
    headers = dict(mapping(http.get("request_headers")))
    if text(http.get("user_agent")):
        headers["User-Agent"] = text(http["user_agent"])
    request = request_of(
        draft.owner(name), address, headers, text(http.get("request_payload_raw")), text(http.get("request_method"))
    )
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets, notes=request.notes)
    monitor.timeout_s = number(http.get("timeout"))
    login = mapping(http.get("basic_authentication"))
    if text(login.get("username")):
        monitor.secrets["basic"] = f"{text(login['username'])}:{text(login.get('password'))}"
    # StatusCake names the codes that alert.
    alerting, _ = status_codes(entries(http.get("status_codes")))
    monitor.config["expected_status"] = every_code_but(alerting) if alerting else ["200-399"]
    if http.get("follow_redirects") is not None and not truth(http["follow_redirects"], True):
        monitor.config["follow_redirects"] = False
    assertions: list[dict[str, Any]] = []
    if truth(http.get("validate_ssl")) and address.startswith("https"):
        assertions.append({"type": "certificate_days", "degraded_days": 14})
    matcher = mapping(http.get("content_matchers"))
    if text(matcher.get("content")):
        absent = {"absent": True} if text(matcher.get("matcher")).startswith("NOT_") else {}
        assertions.append({"type": "body_contains", "text": text(matcher["content"]), **absent})
    if assertions:
        monitor.config["assertions"] = assertions
    if text(matcher.get("content")) and truth(matcher.get("include_headers")):
        monitor.notes.append("the text is looked for in the body, and not in the headers")
    if mapping(http.get("request_payload")):
        monitor.notes.append("its form is left out: write it as `body` with its content type")
    return monitor
