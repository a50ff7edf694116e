"""Upptime: sites of `.upptimerc.yml`. Pure."""

from __future__ import annotations

import re
from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.names import Variables
from vigil.importers.core.report import SourceError
from vigil.importers.core.requests import add_headers, host_and_port, request_of, status_codes
from vigil.importers.core.values import entries, mapping, mappings, text, truth, whole

_SECRET = re.compile(r"\$([A-Z][A-Z0-9_]{1,99})\b")
_USUAL_CODES = ["200-208", "226", "300-308"]
_EVERY = re.compile(r"\*/(\d{1,2})\s")
_BODY = "__dangerous__body_"
_NOTICES = "notifications, incidents and the status page of Upptime are GitHub's and are left out"


def plan(document: Any, draft: Draft) -> None:
    """Add every site; raises `SourceError`."""
    sites = list(mappings(mapping(document).get("sites")))
    if not sites:
        raise SourceError("this is no configuration of Upptime: it has no `sites`")
    schedule = text(mapping(document.get("workflowSchedule")).get("uptime"))
    every = _EVERY.match(schedule)
    interval_s = int(every[1]) * 60 if every and int(every[1]) else 300
    for number, site in enumerate(sites, 1):
        made = _site(draft, _with_secrets(site, draft.variables), number)
        if isinstance(made, str):
            draft.refuse("site", text(site.get("name")) or f"site {number}", made)
            continue
        made.interval_s = interval_s
        draft.add_monitor(made)
    draft.note(_NOTICES)


def _with_secrets(value: Any, variables: Variables) -> Any:
    """The site with a reference in the place of each `$SECRET` of the repository."""
    if isinstance(value, dict):
        return {key: _with_secrets(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_secrets(each, variables) for each in value]
    if not isinstance(value, str):
        return value
    return _SECRET.sub(lambda found: variables.of_source(found[1], "a secret of the repository of Upptime"), value)


def _site(draft: Draft, site: dict[str, Any], number: int) -> ImportedMonitor | str:
    name, url = text(site.get("name")) or text(site.get("url")) or f"site {number}", text(site.get("url"))
    origin, check = f"Upptime site {number}", text(site.get("check")) or "http"
    slow = whole(site.get("maxResponseTime")) or 30_000
    if check in ("tcp-ping", "ssl"):
        host, port = host_and_port(url)
        config: dict[str, Any] = {
            "host": host,
            "port": whole(site.get("port")) or port or (443 if check == "ssl" else 80),
        }
        monitor = ImportedMonitor(name, "tcp" if check == "tcp-ping" else "tls", config, origin)
    elif check == "icmp-ping":
        monitor = ImportedMonitor(name, "icmp", {"host": host_and_port(url)[0], "tcp_port": 0}, origin)
    elif check == "ws":
        request = request_of(draft.owner(name), url, site.get("headers"))
        if text(site.get("body")):
            request.config["send"] = text(site["body"])
        monitor = ImportedMonitor(name, "websocket", request.config, origin, secrets=request.secrets)
    elif check == "http":
        monitor = _http(draft, site, name, origin)
    else:
        return f"Vigil has no check like {check[:40]!r}"
    if slow < 30_000:
        made = {"type": "latency", "degraded_ms": slow}
        monitor.config["assertions"] = [*monitor.config.get("assertions", []), made]
    monitor.timeout_s = 30
    if truth(site.get("ipv6")) and monitor.kind != "http":
        monitor.config["family"] = "6"
    monitor.tags = [text(each) for each in entries(site.get("tags"))]
    return monitor


def _http(draft: Draft, site: dict[str, Any], name: str, origin: str) -> ImportedMonitor:
    body, method = text(site.get("body")), text(site.get("method"))
    request = request_of(draft.owner(name), text(site.get("url")), None, body, method)
    add_headers(site.get("headers"), request)
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets, notes=request.notes)
    codes, _ = status_codes(entries(site.get("expectedStatusCodes")))
    monitor.config["expected_status"] = codes or _USUAL_CODES
    if truth(site.get("__dangerous__disable_verify_peer")) or truth(site.get("__dangerous__disable_verify_host")):
        monitor.config["verify_tls"] = False
    redirects = whole(site.get("maxRedirects"))
    if redirects == 0:
        monitor.config["follow_redirects"] = False
    assertions: list[dict[str, Any]] = []
    for field, absent, gives in (
        ("down", True, "down"), ("down_if_text_missing", False, "down"), ("degraded", True, "degraded"),
        ("degraded_if_text_missing", False, "degraded"),
    ):  # fmt: skip
        wanted = text(site.get(_BODY + field))
        if wanted:
            made: dict[str, Any] = {"type": "body_contains", "text": wanted}
            assertions.append(
                made | ({"absent": True} if absent else {}) | ({"gives": gives} if gives != "down" else {})
            )
    if assertions:
        monitor.config["assertions"] = assertions
    return monitor
