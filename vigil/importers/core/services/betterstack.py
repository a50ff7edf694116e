"""Better Stack: monitors and heartbeats of its API (JSON:API) and of its Terraform provider. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.confirmation import NO_DOMAIN, NO_MAINTENANCE, sensitivity_for
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedHeartbeat, ImportedMonitor
from vigil.importers.core.requests import host_and_port, request_of, status_codes
from vigil.importers.core.values import entries, mappings, number, text, truth, whole

Attributes = dict[str, Any]
_SERVERS = {"smtp": 25, "pop": 110, "imap": 143}
_REFUSED = {
    "udp": "a UDP port that says nothing looks like one that works",
    "playwright": "Vigil runs no browser: watch the address that the script opens",
    "server_ip": "it is fed by an agent of Better Stack",
}


def heartbeat_of(given: Attributes, origin: str) -> ImportedHeartbeat:
    heartbeat = ImportedHeartbeat(text(given.get("name")), origin, paused=truth(given.get("paused")))
    heartbeat.period_s = number(given.get("period")) or 86_400
    heartbeat.grace_s = number(given.get("grace")) or 60
    heartbeat.notes.append("its job has to call the new address, which Vigil shows once it is applied")
    if given.get("maintenance_from"):
        heartbeat.notes.append(NO_MAINTENANCE)
    return heartbeat


def monitor_of(draft: Draft, given: Attributes, origin: str) -> ImportedMonitor | str:
    """The monitor, or why there is none."""
    kind, url = text(given.get("monitor_type")) or "status", text(given.get("url"))
    name = text(given.get("pronounceable_name")) or url
    made = _monitor(draft, given, kind, name, origin)
    if isinstance(made, str):
        return made
    made.interval_s = number(given.get("check_frequency")) or 180
    timeout = number(given.get("request_timeout"))
    # Seconds for HTTP, milliseconds for everything else.
    made.timeout_s = timeout / 1000 if timeout and timeout > 120 else timeout
    made.paused = truth(given.get("paused")) or text(given.get("status")) == "paused"
    wait = number(given.get("confirmation_period"))
    made.sensitivity, notes = sensitivity_for(wait if wait else None)
    made.notes += notes
    family = {"ipv4": "4", "ipv6": "6"}.get(text(given.get("ip_version")))
    if family and made.kind != "dns":
        made.config["family"] = family
    if truth(given.get("verify_ssl"), True) is False and made.kind in ("http", "tcp"):
        made.config["verify_tls"] = False
    if given.get("proxy_host"):
        made.notes.append("it is checked directly, without its proxy")
    if given.get("maintenance_from"):
        made.notes.append(NO_MAINTENANCE)
    if (whole(given.get("domain_expiration")) or 0) > 0:
        made.notes.append(NO_DOMAIN)
    return made


def _monitor(draft: Draft, given: Attributes, kind: str, name: str, origin: str) -> ImportedMonitor | str:
    url = text(given.get("url"))
    host, port = host_and_port(url)
    port = whole(text(given.get("port")).split(",")[0].split("-")[0]) or port
    if kind in ("status", "expected_status_code", "keyword", "keyword_absence"):
        return _http(draft, given, kind, name, origin)
    if kind == "ping":
        return ImportedMonitor(name, "icmp", {"host": host, "tcp_port": 0}, origin)
    if kind == "tcp" or kind in _SERVERS:
        config: dict[str, Any] = {"host": host, "port": port or _SERVERS.get(kind, 0)}
        if text(given.get("required_keyword")):
            config["expect"] = text(given["required_keyword"])
        elif kind in _SERVERS:
            config["expect"] = {"smtp": "220", "pop": "+OK", "imap": "OK"}[kind]
        return ImportedMonitor(name, "tcp", config, origin)
    if kind == "dns":
        # The address is the server that is asked, and the body what for.
        asked = text(given.get("request_body")).split()
        monitor = ImportedMonitor(name, "dns", {"name": asked[0] if asked else "", "record": "A"}, origin)
        if host.replace(".", "").isdigit() or ":" in host:
            monitor.config["resolver"] = host
        if text(given.get("required_keyword")):
            monitor.config["expected"] = [text(given["required_keyword"])]
        return monitor
    return _REFUSED.get(kind, f"Vigil has no check of the type {kind[:40]!r}")


def _http(draft: Draft, given: Attributes, kind: str, name: str, origin: str) -> ImportedMonitor:
    headers = [each for each in mappings(given.get("request_headers")) if not truth(each.get("_destroy"))]
    method = text(given.get("http_method"))
    body = text(given.get("request_body"))
    request = request_of(draft.owner(name), text(given.get("url")), headers, body, method)
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets, notes=request.notes)
    if text(given.get("auth_username")):
        monitor.secrets["basic"] = f"{text(given['auth_username'])}:{text(given.get('auth_password'))}"
    codes, _ = status_codes(entries(given.get("expected_status_codes")))
    monitor.config["expected_status"] = codes if kind == "expected_status_code" and codes else ["200-299"]
    if given.get("follow_redirects") is not None and not truth(given["follow_redirects"], True):
        monitor.config["follow_redirects"] = False
    assertions: list[dict[str, Any]] = []
    keyword = text(given.get("required_keyword"))
    if keyword and kind in ("keyword", "keyword_absence"):
        absent = {"absent": True} if kind == "keyword_absence" else {}
        assertions.append({"type": "body_contains", "text": keyword, **absent})
    days = whole(given.get("ssl_expiration"))
    if days and days > 0 and text(given.get("url")).startswith("https"):
        assertions.append({"type": "certificate_days", "degraded_days": days})
    if assertions:
        monitor.config["assertions"] = assertions
    return monitor
