"""Pingdom: checks of its Terraform providers and of its API (3.1). Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.confirmation import NOT_REPEATED, sensitivity_for
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.requests import host_and_port, request_of, sent_of
from vigil.importers.core.values import entries, mapping, number, text, truth, whole

Attributes = dict[str, Any]
_PORTS = {"smtp": 25, "pop3": 110, "imap": 143}
_GREETINGS = {"smtp": "220", "pop3": "+OK", "imap": "OK"}


def check_of(draft: Draft, given: Attributes, origin: str) -> ImportedMonitor | str:
    """The monitor, or why there is none."""
    kind, row = text(given.get("type")), dict(given)
    if isinstance(given.get("type"), dict):
        # The detail of a check keeps its settings under the name of its type.
        kind, inner = next(iter(given["type"].items()), ("", {}))
        row |= mapping(inner)
    name, host = text(row.get("name")), text(row.get("host") or row.get("hostname"))
    made = _monitor(draft, {**row, "host": host_and_port(host)[0]}, kind, name, origin)
    if isinstance(made, str):
        return made
    # In minutes.
    made.interval_s = (number(row.get("resolution")) or 5) * 60
    made.timeout_s = 30
    made.paused = truth(row.get("paused")) or text(row.get("status")) == "paused"
    tags = row.get("tags")
    made.tags = [each.strip() for each in tags.split(",")] if isinstance(tags, str) else [
        text(mapping(each).get("name")) or text(each) for each in entries(tags)]  # fmt: skip
    wait = whole(row.get("sendnotificationwhendown"))
    made.sensitivity, notes = sensitivity_for((wait - 1) * made.interval_s if wait else None)
    made.notes += notes
    if whole(row.get("notifyagainevery")):
        made.notes.append(NOT_REPEATED)
    made.channels = [f"user {text(each)}" for each in entries(row.get("userids"))]
    return made


def _monitor(draft: Draft, row: Attributes, kind: str, name: str, origin: str) -> ImportedMonitor | str:
    host, port = text(row["host"]), whole(row.get("port"))
    if kind in ("http", ""):
        return _http(draft, row, name, host, origin)
    if kind == "ping":
        return ImportedMonitor(name, "icmp", {"host": host, "tcp_port": 0}, origin)
    if kind == "tcp" or kind in _PORTS:
        config: dict[str, Any] = {"host": host, "port": port or _PORTS.get(kind, 0)}
        expected = text(row.get("stringtoexpect")) or _GREETINGS.get(kind, "")
        if text(row.get("stringtosend")):
            config["send"] = sent_of(draft.owner(name), text(row["stringtosend"]))
        if expected:
            config["expect"] = expected
        if truth(row.get("encryption")):
            config["tls"] = True
        return ImportedMonitor(name, "tcp", config, origin)
    if kind == "dns":
        config = {"name": host, "expected": [text(row["expectedip"])] if text(row.get("expectedip")) else []}
        monitor = ImportedMonitor(name, "dns", {key: value for key, value in config.items() if value}, origin)
        server = text(row.get("nameserver"))
        if server.replace(".", "").isdigit():
            monitor.config["resolver"] = server
        elif server:
            monitor.notes.append(f"its resolver {server} is a name, so the region's own one is asked")
        return monitor
    return f"Vigil has no check of the type {kind[:40]!r}"


def _http(draft: Draft, row: Attributes, name: str, host: str, origin: str) -> ImportedMonitor:
    secure = truth(row.get("encryption"))
    port = whole(row.get("port"))
    place = f"[{host}]" if ":" in host else host
    usual = port in (None, 0, 443 if secure else 80)
    path = text(row.get("url")) or "/"
    scheme, place = "https" if secure else "http", place if usual else f"{place}:{port}"
    url = f"{scheme}://{place}{path if path.startswith('/') else '/' + path}"
    body = text(row.get("postdata"))
    headers = {key: value for key, value in mapping(row.get("requestheaders")).items() if key.lower() != "user-agent"}
    request = request_of(draft.owner(name), url, headers, body, "POST" if body else "GET")
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets, notes=request.notes)
    if text(row.get("username")):
        monitor.secrets["basic"] = f"{text(row['username'])}:{text(row.get('password'))}"
    if row.get("verify_certificate") is not None and not truth(row["verify_certificate"], True):
        monitor.config["verify_tls"] = False
    assertions: list[dict[str, Any]] = []
    for field, absent in (("shouldcontain", {}), ("shouldnotcontain", {"absent": True})):
        if text(row.get(field)):
            assertions.append({"type": "body_contains", "text": text(row[field]), **absent})
    if whole(row.get("ssl_down_days_before")) and secure:
        assertions.append({"type": "certificate_days", "down_days": whole(row["ssl_down_days_before"])})
    threshold = whole(row.get("responsetime_threshold"))
    # 30 seconds is its own timeout.
    if threshold and threshold < 30_000:
        assertions.append({"type": "latency", "degraded_ms": threshold})
    if assertions:
        monitor.config["assertions"] = assertions
    return monitor
