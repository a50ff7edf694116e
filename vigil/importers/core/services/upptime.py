"""Upptime: sites of `.upptimerc.yml`. Pure."""

from __future__ import annotations

import re
from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.names import Variables, has_reference
from vigil.importers.core.report import SourceError
from vigil.importers.core.requests import add_headers, has_scheme, host_and_port, request_of, sent_of, status_codes
from vigil.importers.core.values import entries, mapping, mappings, number, text, truth, whole

_SECRET = re.compile(r"\$([A-Z][A-Z0-9_]{1,99})\b")
_USUAL_CODES = ["200-208", "226", "300-308"]
_EVERY, _HOURLY = re.compile(r"\*/(\d{1,2})\s"), re.compile(r"\d{1,2}\s+\*(?:/(\d{1,2}))?\s")
#: Texts that are other ones in each request.
_CHANGING = re.compile(r"\$DYNAMIC_(?:RANDOM_NUMBER|ALPHANUMERIC_STRING)")
_USUAL_SLOW_MS, _CERTIFICATE_DAYS = 60_000, 7
_BODY, _UNVERIFIED = "__dangerous__body_", ("insecure", "disable_verify_peer", "disable_verify_host")
_NOTICES = "notifications, incidents and the status page of Upptime are GitHub's and are left out"


def plan(document: Any, draft: Draft) -> None:
    """Add every site; raises `SourceError`."""
    document = mapping(document)
    sites = list(mappings(document.get("sites")))
    if not sites:
        raise SourceError("this is no configuration of Upptime: it has no `sites`")
    interval_s = _interval_s(text(mapping(document.get("workflowSchedule")).get("uptime")).strip(), draft)
    for place, site in enumerate(sites, 1):
        if has_reference(_with_secrets(text(site.get("port")), draft.variables)):
            why = "its port is a secret of the repository: write the number in"
            draft.refuse("site", text(site.get("name")) or f"site {place}", why)
            continue
        made = _site(draft, _with_secrets(site, draft.variables), place)
        if _CHANGING.search(str(site)):
            made.notes.append("what changes in each request is sent as 0")
        made.interval_s = interval_s
        draft.add_monitor(made)
    draft.note(_NOTICES)


def _interval_s(schedule: str, draft: Draft) -> int:
    """Time between two checks; GitHub runs none more often than every five minutes."""
    every, hourly = _EVERY.match(schedule), _HOURLY.match(schedule)
    if every and int(every[1]):
        return int(every[1]) * 60
    if hourly:
        return int(hourly[1] or 1) * 3600
    if schedule:
        draft.note(f"the schedule {schedule[:60]!r} is no plain interval: every site is checked each five minutes")
    return 300


def _with_secrets(value: Any, variables: Variables) -> Any:
    """The site with a reference in the place of each `$SECRET` of the repository."""
    if isinstance(value, dict):
        return {key: _with_secrets(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_secrets(each, variables) for each in value]
    if not isinstance(value, str):
        return value
    value = _CHANGING.sub("0", value)
    return _SECRET.sub(lambda found: variables.of_source(found[1], "a secret of the repository of Upptime"), value)


def _site(draft: Draft, site: dict[str, Any], place: int) -> ImportedMonitor:
    name, url = text(site.get("name")) or text(site.get("url")) or f"site {place}", text(site.get("url"))
    origin, check = f"Upptime site {place}", text(site.get("check")) or "http"
    is_globalping = text(site.get("type")) == "globalping"
    slow = whole(site.get("maxResponseTime")) or _USUAL_SLOW_MS
    if check == "tcp-ping" and is_globalping:
        # It sends an echo there, whatever the name says.
        check = "icmp-ping"
    if check in ("tcp-ping", "ssl"):
        host, port = host_and_port(url)
        config: dict[str, Any] = {
            "host": host,
            "port": whole(site.get("port")) or port or (443 if check == "ssl" else 80),
        }
        monitor = ImportedMonitor(name, "tcp" if check == "tcp-ping" else "tls", config, origin)
        if check == "ssl":
            config |= {"degraded_days": 0, "down_days": _CERTIFICATE_DAYS}
    elif check == "icmp-ping":
        monitor = ImportedMonitor(name, "icmp", {"host": host_and_port(url)[0], "tcp_port": 0}, origin)
    elif check == "ws":
        request = request_of(draft.owner(name), url, site.get("headers"))
        if text(site.get("body")):
            request.config["send"] = sent_of(draft.owner(name), text(site["body"]))
        monitor = ImportedMonitor(name, "websocket", request.config, origin, secrets=request.secrets)
    else:
        monitor = _http(draft, site, name, origin)
        if check != "http":
            monitor.notes.append(f"{check[:40]!r} is no check of Upptime, which fetches the address then")
    if is_globalping:
        monitor.notes.append("it is checked from Vigil's regions, and not by Globalping")
    if slow < _USUAL_SLOW_MS:
        made = {"type": "latency", "degraded_ms": slow}
        monitor.config["assertions"] = [*monitor.config.get("assertions", []), made]
    monitor.timeout_s = number(site.get("requestTimeout")) or 60
    if truth(site.get("ipv6")) and monitor.kind != "http":
        monitor.config["family"] = "6"
    monitor.tags = [text(each) for each in entries(site.get("tags"))]
    return monitor


def _http(draft: Draft, site: dict[str, Any], name: str, origin: str) -> ImportedMonitor:
    body, method = text(site.get("body")), text(site.get("method"))
    url = text(site.get("url")).strip()
    if url and not has_scheme(url) and not has_reference(url[:1]):
        # As curl takes it, and Globalping.
        url = f"{'https' if text(site.get('type')) == 'globalping' else 'http'}://{url}"
    request = request_of(draft.owner(name), url, None, body, method)
    add_headers(site.get("headers"), request)
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets, notes=request.notes)
    codes, _ = status_codes(entries(site.get("expectedStatusCodes")))
    monitor.config["expected_status"] = codes or _USUAL_CODES
    if any(truth(site.get(f"__dangerous__{switch}")) for switch in _UNVERIFIED):
        monitor.config["verify_tls"] = False
    redirects = whole(site.get("maxRedirects"))
    if redirects == 0:
        monitor.config["follow_redirects"] = False
    elif redirects:
        monitor.config["redirect_limit"] = min(max(redirects, 1), 50)
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
