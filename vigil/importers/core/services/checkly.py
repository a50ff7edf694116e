"""Checkly: checks and monitors of its Terraform provider. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedHeartbeat, ImportedMonitor
from vigil.importers.core.paths import BadExpression, of_dotted
from vigil.importers.core.requests import header_pairs, request_of, sent_of
from vigil.importers.core.values import entries, mapping, mappings, number, scalar, text, truth, whole

Attributes = dict[str, Any]
_OF_KIND = {"tcp": ("latency", "body_contains", "regex")}
_CONTENT = {"JSON": "application/json", "GRAPHQL": "application/json", "FORM": "application/x-www-form-urlencoded"}
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_NO_BROWSER = "Vigil runs no browser and no script: watch the addresses that it opens"


def check_of(draft: Draft, given: Attributes, kind: str, origin: str) -> ImportedMonitor | ImportedHeartbeat | str:
    """The monitor or heartbeat of a resource type (`check`, `url_monitor`, ...), or why there is none."""
    name, request = text(given.get("name")), mapping(given.get("request"))
    if truth(given.get("should_fail")):
        return "it is well while its target fails, which no monitor here asks for"
    if kind.startswith("heartbeat"):
        return _heartbeat(given, name, origin)
    made: ImportedMonitor | str = _NO_BROWSER
    if kind == "url_monitor" or (kind == "check" and text(given.get("type")).upper() in ("API", "")):
        made = _http(draft, request, name, origin)
    elif kind.startswith("tcp"):
        config: dict[str, Any] = {"host": text(request.get("hostname")), "port": whole(request.get("port")) or 0}
        if text(request.get("data")):
            config["send"] = sent_of(draft.owner(name), text(request["data"]))
        made = ImportedMonitor(name, "tcp", config, origin)
        _add_assertions(request, made)
    elif kind.startswith("icmp"):
        config = {"host": text(request.get("hostname")), "tcp_port": 0}
        if whole(request.get("ping_count")):
            config["echoes"] = min(max(whole(request.get("ping_count")) or 1, 1), 5)
        made = ImportedMonitor(name, "icmp", config, origin)
        _add_assertions(request, made)
    elif kind.startswith("dns"):
        record = text(request.get("record_type")).upper() or "A"
        made = ImportedMonitor(name, "dns", {"name": text(request.get("query")), "record": record}, origin)
        server = mapping(request.get("name_server"))
        if text(server.get("host")).replace(".", "").isdigit():
            made.config["resolver"] = text(server["host"])
        _add_assertions(request, made)
    elif kind == "ssl_monitor":
        config = {"host": text(request.get("hostname")), "port": whole(request.get("port")) or 443, "down_days": 0}
        config["degraded_days"] = whole(request.get("alert_days_before_expiry")) or 14
        if text(request.get("server_name")):
            config["server_name"] = text(request["server_name"])
        if truth(request.get("skip_chain_validation")):
            config["verify_tls"] = False
        made = ImportedMonitor(name, "tls", config, origin)
        _add_assertions(request, made)
    elif kind == "grpc_monitor":
        made = _grpc(request, name, origin)
        if isinstance(made, ImportedMonitor):
            _add_assertions(request, made)
    if isinstance(made, ImportedMonitor):
        _add_common(given, request, made)
    return made


def _grpc(request: Attributes, name: str, origin: str) -> ImportedMonitor | str:
    if text(request.get("grpc_mode")).upper() not in ("", "HEALTH"):
        return "it calls a method: Vigil asks the standard health service of gRPC alone"
    config: dict[str, Any] = {"host": text(request.get("host")), "port": whole(request.get("port")) or 443}
    config["tls"] = truth(request.get("tls"), True)
    if text(request.get("service")):
        config["service"] = text(request["service"])
    return ImportedMonitor(name, "grpc", config, origin)


def _http(draft: Draft, request: Attributes, name: str, origin: str) -> ImportedMonitor:
    url = text(request.get("url"))
    query = mapping(request.get("query_parameters"))
    if query:
        url += ("&" if "?" in url else "?") + urlencode({key: text(value) for key, value in query.items()})
    body = text(request.get("body"))
    headers = header_pairs(request.get("headers"))
    content = _CONTENT.get(text(request.get("body_type")).upper())
    if body and content and "content-type" not in (each.lower() for each, _ in headers):
        headers.append(("Content-Type", content))
    asked = request_of(draft.owner(name), url, [list(each) for each in headers], body, text(request.get("method")))
    monitor = ImportedMonitor(name, "http", asked.config, origin, secrets=asked.secrets, notes=asked.notes)
    login = mapping(request.get("basic_auth"))
    if text(login.get("username")):
        monitor.secrets["basic"] = f"{text(login['username'])}:{text(login.get('password'))}"
    if request.get("follow_redirects") is not None and not truth(request["follow_redirects"], True):
        monitor.config["follow_redirects"] = False
    if truth(request.get("skip_ssl")):
        monitor.config["verify_tls"] = False
    _add_assertions(request, monitor)
    if "{{" in url:
        monitor.notes.append("its address has variables of Checkly: replace them by hand")
    return monitor


def _add_assertions(request: Attributes, monitor: ImportedMonitor) -> None:
    made = []
    for each in mappings(request.get("assertion")):
        given = {key: text(value) for key, value in each.items()}
        found = _assertion(given)
        if found is not None and (monitor.kind == "http" or found["type"] in _OF_KIND.get(monitor.kind, ("latency",))):
            made.append(found)
        elif (given.get("source"), given.get("target")) != ("RESPONSE_CODE", "NOERROR"):
            what = " ".join(given.get(part, "")[:40] for part in ("source", "property", "comparison", "target"))
            monitor.notes.append(f"its assertion {' '.join(what.split())} is left out")
    if made:
        monitor.config["assertions"] = made


def _assertion(each: dict[str, str]) -> dict[str, Any] | None:
    source, comparison, target = each.get("source", ""), each.get("comparison", ""), each.get("target", "")
    limit = number(target)
    if source == "STATUS_CODE" and limit is not None:
        code = int(limit)
        ranges = {"EQUALS": str(code), "LESS_THAN": f"100-{code - 1}", "GREATER_THAN": f"{code + 1}-599"}
        return {"type": "status", "expected": [ranges[comparison]]} if comparison in ranges else None
    if source in ("RESPONSE_TIME", "LATENCY") and limit and comparison == "LESS_THAN":
        return {"type": "latency", "down_ms": int(limit)}
    if source in ("TEXT_BODY", "RESPONSE_DATA", "RESPONSE_TEXT"):
        absent = {"absent": True} if comparison.startswith("NOT_") else {}
        held = {"type": "body_contains", "text": target, **absent}
        return held if comparison in ("CONTAINS", "NOT_CONTAINS") and target else None
    if source == "HEADERS" and each.get("property"):
        demands: dict[str, dict[str, Any]] = {
            "EQUALS": {"equals": target},
            "CONTAINS": {"contains": target},
            "IS_EMPTY": {"absent": True},
            "NOT_EMPTY": {},
            "HAS_KEY": {},
        }
        demand = demands.get(comparison)  # fmt: skip
        return None if demand is None else {"type": "header", "name": each["property"], **demand}
    return _json_assertion(each.get("property", ""), comparison, target) if source == "JSON_BODY" else None


def _json_assertion(path: str, comparison: str, target: str) -> dict[str, Any] | None:
    try:
        where = of_dotted(path)
    except BadExpression:
        return None
    limit = number(target)
    demands: dict[str, dict[str, Any]] = {
        "EQUALS": {"equals": scalar(target)},
        "NOT_NULL": {"exists": True},
        "NOT_EMPTY": {"exists": True},
        "IS_NULL": {"equals": None},
        "CONTAINS": {"contains": scalar(target)},
    }
    demand = demands.get(comparison)  # fmt: skip
    if limit is not None and comparison in ("LESS_THAN", "GREATER_THAN"):
        demand = {"at_most": limit - 1e-6} if comparison == "LESS_THAN" else {"at_least": limit + 1e-6}
    return None if demand is None else {"type": "jsonpath", "path": where, **demand}


def _add_common(given: Attributes, request: Attributes, monitor: ImportedMonitor) -> None:
    frequency = number(given.get("frequency"))
    # In minutes; a frequency of 0 is one of seconds, which the offset says.
    offset = number(given.get("frequency_offset"))
    monitor.interval_s = frequency * 60 if frequency else offset or 600
    monitor.paused = not truth(given.get("activated"), True)
    monitor.tags = [text(each) for each in entries(given.get("tags"))]
    monitor.channels = [text(each.get("channel_id")) for each in mappings(given.get("alert_channel_subscription"))
                        if truth(each.get("activated"), True)]  # fmt: skip
    slow = whole(given.get("degraded_response_time")), whole(given.get("max_response_time"))
    if any(slow):
        most = slow[1] or 0
        degraded = slow[0] if slow[0] and (not most or slow[0] < most) else 0
        limits = {"degraded_ms": degraded, "down_ms": most}
        kept = {name: limit for name, limit in limits.items() if limit}
        monitor.config["assertions"] = [*monitor.config.get("assertions", []), {"type": "latency", **kept}]
        monitor.timeout_s = max(10.0, most / 1000 + 1)
    family = {"IPv4": "4", "IPv6": "6"}.get(text(request.get("ip_family")))
    if family == "6" and monitor.kind != "dns":
        monitor.config["family"] = family
    for field, note in (
        ("setup_snippet_id", "its setup script is left out"), ("local_setup_script", "its setup script is left out"),
        ("local_teardown_script", "its teardown script is left out"),
        ("teardown_snippet_id", "its teardown is left out"),
        ("group_id", "what its group gives it (retries, alerts, variables) is left out"),
        ("muted", "it sends no alert there: silence it here, or leave it out of the routes"),
        ("private_locations", "its private locations are regions of your own in Vigil"),
    ):  # fmt: skip
        if given.get(field):
            monitor.notes.append(note)


def _heartbeat(given: Attributes, name: str, origin: str) -> ImportedHeartbeat:
    settings = mapping(given.get("heartbeat"))
    heartbeat = ImportedHeartbeat(name, origin, paused=not truth(given.get("activated"), True))
    heartbeat.period_s = (number(settings.get("period")) or 1) * _UNITS.get(text(settings.get("period_unit")), 86_400)
    heartbeat.grace_s = (number(settings.get("grace")) or 0) * _UNITS.get(text(settings.get("grace_unit")), 60)
    heartbeat.tags = [text(each) for each in entries(given.get("tags"))]
    heartbeat.notes.append("its job has to call the new address, which Vigil shows once it is applied")
    return heartbeat
