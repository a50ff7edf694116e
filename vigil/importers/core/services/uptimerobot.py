"""UptimeRobot: monitors of its API (v2, v3) and of both Terraform providers. Pure."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from vigil.importers.core.confirmation import NO_DOMAIN, NO_MAINTENANCE
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedHeartbeat, ImportedMonitor
from vigil.importers.core.requests import every_code_but, header_pairs, host_and_port, request_of, status_codes
from vigil.importers.core.values import (
    entries,
    from_json,
    mapping,
    mappings,
    number,
    seconds,
    snake,
    text,
    truth,
    whole,
)

Attributes = dict[str, Any]
#: Numbers of version 2 of the API.
_TYPES = {"1": "HTTP", "2": "KEYWORD", "3": "PING", "4": "PORT", "5": "HEARTBEAT"}
_PORTS = {"1": 80, "2": 443, "3": 21, "4": 25, "5": 110, "6": 143, "HTTP": 80, "HTTPS": 443, "FTP": 21, "SMTP": 25}
_REFUSED = {
    "UDP": "a UDP port that says nothing looks like one that works",
    "SLA": "it is made out of other monitors: make a composite",
}


def watched_of(draft: Draft, given: Attributes, origin: str) -> ImportedMonitor | ImportedHeartbeat | str:
    """The monitor or heartbeat, or why there is none."""
    row = snake(given)
    name = text(row.get("friendly_name") or row.get("name") or row.get("url"))
    kind = text(row.get("type")).upper()
    kind = _TYPES.get(kind, kind) or "HTTP"
    interval = number(row.get("interval")) or 300
    paused = text(row.get("status")).upper() in ("PAUSED", "0") or truth(row.get("is_paused") or row.get("paused"))
    tags = [text(each.get("name")) if isinstance(each, dict) else text(each) for each in entries(row.get("tags"))]
    channels = [text(each.get("alert_contact_id") or each.get("id")) for each in map(snake, mappings(
        row.get("assigned_alert_contacts") or row.get("alert_contact") or row.get("alert_contacts")))]  # fmt: skip
    if kind == "HEARTBEAT":
        heartbeat = ImportedHeartbeat(name, origin, period_s=interval, paused=paused, tags=tags, channels=channels)
        heartbeat.grace_s = number(row.get("grace_period")) or 60
        heartbeat.notes.append("its job has to call the new address, which Vigil shows once it is applied")
        return heartbeat
    made = _monitor(draft, row, kind, name, origin)
    if isinstance(made, ImportedMonitor):
        made.interval_s, made.paused, made.tags, made.channels = interval, paused, tags, channels
        made.timeout_s = seconds(row.get("timeout")) or 30
        _note(row, made)
    return made


def _note(row: Attributes, monitor: ImportedMonitor) -> None:
    if mapping(row.get("regional_data") or row.get("region_data")):
        monitor.notes.append("it is checked from Vigil's own regions")
    if truth(row.get("domain_expiration_reminder")):
        monitor.notes.append(NO_DOMAIN)
    if entries(row.get("maintenance_window_ids") or row.get("maintenance_windows")):
        monitor.notes.append(NO_MAINTENANCE)
    version = text(mapping(row.get("config")).get("ip_version") or mapping(row.get("config")).get("ipVersion")).lower()
    family = {"ipv4only": "4", "ipv6only": "6"}.get(version)
    if family and monitor.kind != "dns":
        monitor.config["family"] = family


def _monitor(draft: Draft, row: Attributes, kind: str, name: str, origin: str) -> ImportedMonitor | str:
    url = text(row.get("url"))
    if kind == "PING":
        return ImportedMonitor(name, "icmp", {"host": host_and_port(url)[0], "tcp_port": 0}, origin)
    if kind == "PORT":
        host, port = host_and_port(url)
        port = whole(row.get("port")) or port or _PORTS.get(text(row.get("sub_type")).upper(), 0)
        return ImportedMonitor(name, "tcp", {"host": host, "port": port}, origin)
    if kind == "DNS":
        return _dns(row, name, url, origin)
    if kind in ("HTTP", "KEYWORD", "API"):
        return _http(draft, row, kind, name, origin)
    return _REFUSED.get(kind, f"Vigil has no check of the type {kind[:40]!r}")


def _http(draft: Draft, row: Attributes, kind: str, name: str, origin: str) -> ImportedMonitor:
    headers = header_pairs(from_json(row.get("custom_http_headers")))
    data = row.get("post_value_data") or row.get("post_value_kv")
    body = data if isinstance(data, str) else json.dumps(data) if data else ""
    method = text(row.get("http_method_type") or row.get("http_method")).upper()
    # Version 2 had numbers: 1 is HEAD, 2 is GET.
    method = {"1": "HEAD", "2": "GET", "3": "POST", "4": "PUT", "5": "PATCH", "6": "DELETE", "7": "OPTIONS"}.get(
        method, method
    )
    if body and "content-type" not in (each.lower() for each, _ in headers):
        is_form = text(row.get("post_value_type")).upper() in ("KEY_VALUE", "1") and isinstance(data, dict)
        body = urlencode({key: text(value) for key, value in mapping(data).items()}) if is_form else body
        headers.append(("Content-Type", "application/x-www-form-urlencoded" if is_form else "application/json"))
    request = request_of(draft.owner(name), text(row.get("url")), [list(each) for each in headers], body, method)
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets, notes=request.notes)
    if text(row.get("http_username")):
        login = f"{text(row['http_username'])}:{text(row.get('http_password'))}"
        if text(row.get("auth_type") or row.get("http_auth_type")).upper() in ("DIGEST", "2"):
            monitor.notes.append("its login is sent as `basic`: Vigil has no digest")
        monitor.secrets["basic"] = login
    codes, _ = status_codes(entries(row.get("success_http_response_codes")))
    # UptimeRobot takes what is below 400 and 401 for well, unless told otherwise.
    monitor.config["expected_status"] = codes or [*every_code_but(["100-199", "400", "402-599"])]
    if row.get("follow_redirections") is not None and not truth(row["follow_redirections"], True):
        monitor.config["follow_redirects"] = False
    # It looks at certificates only where it is asked to.
    if truth(row.get("ignore_ssl_errors")) or row.get("check_ssl_errors") is False:
        monitor.config["verify_tls"] = False
    assertions = _keyword(row, monitor) if kind == "KEYWORD" else []
    if text(row.get("url")).startswith("https") and truth(row.get("ssl_expiration_reminder")):
        days = [whole(each) or 0 for each in entries(mapping(row.get("config")).get("ssl_expiration_period_days"))]
        assertions.append({"type": "certificate_days", "degraded_days": max([*days, 1]) if any(days) else 30})
    if whole(row.get("response_time_threshold")):
        assertions.append({"type": "latency", "degraded_ms": whole(row["response_time_threshold"])})
    checked = mapping(row.get("config"))
    if kind == "API" and (checked.get("apiAssertions") or checked.get("api_assertions")):
        monitor.notes.append("its assertions on the answer are left out: write assertions `jsonpath`")
    if assertions:
        monitor.config["assertions"] = assertions
    return monitor


def _keyword(row: Attributes, monitor: ImportedMonitor) -> list[dict[str, Any]]:
    """UptimeRobot names when it alerts, so a keyword that `exists` must be absent."""
    keyword = text(row.get("keyword_value"))
    kind = text(row.get("keyword_type")).upper().replace(" ", "_")
    if not keyword:
        return []
    absent = {"absent": True} if kind in ("ALERT_EXISTS", "EXISTS", "1") else {}
    if text(row.get("keyword_case_type")).upper() in ("1", "CASEINSENSITIVE", "CASE_INSENSITIVE"):
        escaped = "".join(f"\\{each}" if each in r"\.+*?()|[]{}^$" else each for each in keyword)
        return [{"type": "regex", "pattern": f"(?i){escaped}", **absent}]
    return [{"type": "body_contains", "text": keyword, **absent}]


def _dns(row: Attributes, name: str, url: str, origin: str) -> ImportedMonitor:
    records = mapping(mapping(row.get("config")).get("dnsRecords") or mapping(row.get("config")).get("dns_records"))
    filled = {kind: [text(each) for each in entries(values)] for kind, values in records.items() if entries(values)}
    record = next(iter(filled), "A")
    monitor = ImportedMonitor(name, "dns", {"name": host_and_port(url)[0], "record": record.upper()}, origin)
    if filled:
        monitor.config["expected"] = filled[record]
    if len(filled) > 1:
        monitor.notes.append(f"only its {record.upper()} records are asked for: add a monitor for each other type")
    return monitor
