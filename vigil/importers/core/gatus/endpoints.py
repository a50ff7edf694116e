"""Gatus endpoints as monitors: the scheme of the address picks the kind, the conditions its assertions. Pure."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from vigil.importers.core.confirmation import NOT_REPEATED, sensitivity_for
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.gatus.conditions import Expectations, expectations_of
from vigil.importers.core.gatus.open_fields import has_open_place, open_fields_of
from vigil.importers.core.requests import header_pairs, host_and_port, request_of, sent_of
from vigil.importers.core.values import entries, mapping, mappings, seconds, text, truth

_UNSUPPORTED = {
    "udp": "a UDP port that says nothing looks like one that works: watch what the service answers by another way",
    "sctp": "Vigil has no SCTP check: watch a TCP port of the same service",
}
_RANDOM, _RANDOM_STANDS = re.compile(r"\[RANDOM_STRING_\d+\]"), "random"
_NO_BODY = frozenset({"icmp", "grpc", "tls"})


def add_endpoint(draft: Draft, endpoint: dict[str, Any], origin: str, suite: str = "") -> str:
    """Add an endpoint as a monitor, or report why not. Returns its key, "" if refused."""
    name = name_of(endpoint, suite)
    is_random = _RANDOM.search(text(endpoint.get("body"))) is not None
    endpoint = _with_body(endpoint)
    conditions = [text(each) for each in entries(endpoint.get("conditions"))]
    expected = expectations_of(conditions)
    why = expected.impossible or _obstacle(endpoint, conditions)
    if why:
        draft.refuse("endpoint", name, why)
        return ""
    monitor = _monitor_of(draft, endpoint, name, expected, origin)
    if monitor is None:
        scheme = text(endpoint.get("url")).partition("://")[0]
        draft.refuse(
            "endpoint", name, _UNSUPPORTED.get(scheme, f"its address has no scheme that Gatus knows: {scheme[:40]!r}")
        )
        return ""
    monitor.notes += expected.notes
    open_fields = open_fields_of(endpoint)
    if open_fields:
        monitor.notes.append(f"{', '.join(open_fields)}: known by a variable alone, so the usual value is written")
    if is_random:
        monitor.notes.append(f"a random text in its body is always {_RANDOM_STANDS!r}")
    _add_common(draft, endpoint, monitor)
    key = draft.add_monitor(monitor)
    if key and expected.domain_days:
        _add_domain(draft, endpoint, monitor, expected.domain_days)
    return key


def name_of(endpoint: dict[str, Any], suite: str = "") -> str:
    """Its name with its group, which together tell Gatus one from the other."""
    parts = (text(endpoint.get("group")) or suite, text(endpoint.get("name")))
    return "/".join(part.strip() for part in parts if part.strip())


def _with_body(endpoint: dict[str, Any]) -> dict[str, Any]:
    """The endpoint with the placeholders of its body filled in, as far as they stay the same in each request."""
    body = text(endpoint.get("body"))
    for field in ("name", "group", "url"):
        body = body.replace(f"[ENDPOINT_{field.upper()}]", text(endpoint.get(field)))
    return {**endpoint, "body": _RANDOM.sub(_RANDOM_STANDS, body)} if body else endpoint


def _obstacle(endpoint: dict[str, Any], conditions: list[str]) -> str:
    client = mapping(endpoint.get("client"))
    if not text(endpoint.get("url")).strip():
        return "it has no url"
    if not conditions:
        return "it has no condition, which Gatus does not take either"
    if client.get("oauth2") or client.get("identity-aware-proxy"):
        return "it fetches a token before each check: give the monitor a long-lived token as its secret `bearer`"
    if client.get("tunnel"):
        return "it is reached through an SSH tunnel: run a region of Vigil in that network"
    if has_open_place(text(endpoint["url"]).strip()):
        return "the scheme or the port of its address comes from a variable: write it in"
    if endpoint.get("store"):
        return "it stores values for later steps of its suite, which a monitor does not"
    return ""


def _monitor_of(
    draft: Draft, endpoint: dict[str, Any], name: str, expected: Expectations, origin: str
) -> ImportedMonitor | None:
    url = text(endpoint.get("url")).strip()
    if mapping(endpoint.get("dns")):
        return _dns(endpoint, url, name, expected, origin)
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme in ("http", "https") or url.startswith("\ufdd0"):
        return _http(draft, endpoint, name, expected, origin)
    if scheme in ("ws", "wss"):
        return _websocket(draft, endpoint, name, expected, origin)
    if scheme in ("tcp", "icmp", "tls", "starttls", "grpc", "grpcs", "ssh"):
        return _socket(draft, endpoint, name, expected, origin)
    return None


def _http(draft: Draft, endpoint: dict[str, Any], name: str, expected: Expectations, origin: str) -> ImportedMonitor:
    body, headers = text(endpoint.get("body")), dict(header_pairs(endpoint.get("headers")))
    if truth(endpoint.get("graphql")):
        body = json.dumps({"query": body})
        if "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = "application/json"
    request = request_of(draft.owner(name), text(endpoint["url"]), headers, body, text(endpoint.get("method")))
    config = request.config | {"expected_status": expected.status}
    if expected.all_assertions:
        config["assertions"] = expected.all_assertions
    monitor = ImportedMonitor(name, "http", config, origin, secrets=request.secrets, notes=request.notes)
    if truth(mapping(endpoint.get("client")).get("ignore-redirect")):
        config["follow_redirects"] = False
    if expected.values and any("[IP]" in text(each) for each in entries(endpoint.get("conditions"))):
        monitor.notes.append("the condition on [IP] is left out: make a `dns` monitor for the name")
    return monitor


def _websocket(
    draft: Draft, endpoint: dict[str, Any], name: str, expected: Expectations, origin: str
) -> ImportedMonitor:
    request = request_of(draft.owner(name), text(endpoint["url"]), endpoint.get("headers"))
    config = request.config
    body = text(endpoint.get("body"))
    if body:
        config["send"] = sent_of(draft.owner(name), body)
    assertions = [each for each in expected.all_assertions if each["type"] != "body_size"]
    if assertions:
        config["assertions"] = assertions
    return ImportedMonitor(name, "websocket", config, origin, secrets=request.secrets, notes=request.notes)


def _socket(draft: Draft, endpoint: dict[str, Any], name: str, expected: Expectations, origin: str) -> ImportedMonitor:
    scheme = text(endpoint["url"]).strip().partition("://")[0].lower()
    host, port = host_and_port(text(endpoint["url"]), {"ssh": 22, "starttls": 587, "tls": 443}.get(scheme, 0))
    kind = {"starttls": "tls", "grpcs": "grpc", "ssh": "tcp"}.get(scheme, scheme)
    config: dict[str, Any] = {"host": host}
    monitor = ImportedMonitor(name, kind, config, origin)
    if kind != "icmp":
        config["port"] = port
    else:
        config["tcp_port"] = 0
    if kind == "grpc":
        config["tls"] = scheme == "grpcs"
    assertions = expected.all_assertions
    if kind == "tls":
        config |= {"degraded_days": 0, "down_days": expected.certificate_days}
        assertions = [each for each in assertions if each["type"] != "certificate_days"]
        if scheme == "starttls":
            config["starttls"] = "smtp"
    if kind == "tcp" and text(endpoint.get("body")):
        config["send"] = sent_of(draft.owner(name), text(endpoint["body"]))
    if scheme == "ssh":
        config["expect"] = "SSH-"
        assertions = [each for each in assertions if each["type"] == "latency"]
        if mapping(endpoint.get("ssh")).get("username") or text(endpoint.get("body")):
            monitor.notes.append("it does not log in and runs no command: the server's greeting is what it sees")
    taken = assertions if kind not in _NO_BODY else [
        each for each in assertions if each["type"] in ("latency", "certificate_days")
    ]  # fmt: skip
    refused = {"jsonpath", "certificate_days"} if kind == "icmp" else {"jsonpath"}
    taken = [each for each in taken if each["type"] not in refused]
    if len(taken) < len(assertions):
        monitor.notes.append(f"conditions on the body are left out: a `{kind}` check reads none as JSON")
    if taken:
        config["assertions"] = taken
    return monitor


def _dns(endpoint: dict[str, Any], url: str, name: str, expected: Expectations, origin: str) -> ImportedMonitor:
    settings = mapping(endpoint["dns"])
    host, port = host_and_port(url, 53)
    record = text(settings.get("query-type")).strip().upper() or "A"
    config: dict[str, Any] = {"name": text(settings.get("query-name")).strip().rstrip("."), "record": record}
    monitor = ImportedMonitor(name, "dns", config, origin)
    if host.replace(".", "").isdigit() or ":" in host:
        config["resolver"] = host if port == 53 else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    else:
        monitor.notes.append(f"its resolver {host} is a name, so the region's own one is asked: name an IP address")
    if expected.values:
        config["expected"] = list(dict.fromkeys(expected.values))
    if any(each["type"] != "latency" for each in expected.assertions) and not expected.values:
        monitor.notes.append("patterns of the answer are left out: a `dns` monitor compares whole values")
    if expected.down_ms:
        config["assertions"] = [{"type": "latency", "down_ms": expected.down_ms}]
    return monitor


def _add_common(draft: Draft, endpoint: dict[str, Any], monitor: ImportedMonitor) -> None:
    client = mapping(endpoint.get("client"))
    monitor.interval_s = seconds(endpoint.get("interval")) or 60
    monitor.timeout_s = seconds(client.get("timeout"))
    monitor.paused = not truth(endpoint.get("enabled"), True)
    if text(endpoint.get("group")).strip():
        monitor.tags.append(text(endpoint["group"]))
    monitor.tags += [f"{name}:{text(value)}" for name, value in mapping(endpoint.get("extra-labels")).items()]
    if truth(client.get("insecure")) and monitor.kind in ("http", "tls", "tcp", "websocket", "grpc"):
        monitor.config["verify_tls"] = False
    family = {"ip4": "4", "ip6": "6"}.get(text(client.get("network")))
    if family and monitor.kind != "dns":
        monitor.config["family"] = family
    if client.get("proxy-url"):
        monitor.notes.append("it is checked directly, without its proxy")
    if client.get("dns-resolver"):
        monitor.notes.append("names are resolved by the region's own resolver")
    tls = mapping(client.get("tls"))
    if tls.get("certificate-file"):
        for part, path in (("client_certificate", "certificate-file"), ("client_key", "private-key-file")):
            variable = f"{draft.source.upper()}_{part}_{len(draft.items) + 1}".upper()
            monitor.secrets[part] = draft.variables.of_source(variable, f"the content of {text(tls.get(path))[:100]}")
    _add_alerts(endpoint, monitor)


def _add_alerts(endpoint: dict[str, Any], monitor: ImportedMonitor) -> None:
    alerts = [each for each in mappings(endpoint.get("alerts")) if truth(each.get("enabled"), True)]
    group = text(endpoint.get("group"))
    monitor.channels = list(dict.fromkeys(f"{text(each.get('type'))}|{group}" for each in alerts))
    thresholds = [seconds(each.get("failure-threshold")) or 3 for each in alerts]
    if thresholds:
        monitor.sensitivity, notes = sensitivity_for((min(thresholds) - 1) * monitor.interval_s)
        monitor.notes += notes
    if any(each.get("minimum-reminder-interval") for each in alerts):
        monitor.notes.append(NOT_REPEATED)
    if any(each.get("provider-override") for each in alerts):
        monitor.notes.append("settings of a channel for this endpoint alone are left out: make a channel of its own")


def _add_domain(draft: Draft, endpoint: dict[str, Any], monitor: ImportedMonitor, days: int) -> None:
    host = urlsplit(text(endpoint["url"])).hostname or host_and_port(text(endpoint["url"]))[0]
    config = {"domain": host, "down_days": days, "degraded_days": max(days, 30)}
    domain = ImportedMonitor(
        f"{monitor.name} (domain)", "domain", config, "the condition on [DOMAIN_EXPIRATION] of the one before"
    )
    domain.interval_s, domain.tags, domain.paused = 86_400 / 4, list(monitor.tags), monitor.paused
    domain.channels = list(monitor.channels)
    draft.add_monitor(domain)
