"""Grafana Synthetic Monitoring: checks of its Terraform provider, with settings like blackbox_exporter's. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.prometheus.http import http_monitor
from vigil.importers.core.prometheus.sockets import dns_monitor, grpc_monitor, icmp_monitor, tcp_monitor
from vigil.importers.core.values import entries, mapping, number, text, truth

_TLS_NAMES = {"ca_cert": "ca", "client_cert": "cert", "client_key": "key"}
_LEFT_OUT = ("cache_busting_query_param_name", "compression", "dont_fragment", "payload_size", "source_ip_address")
_FAMILIES = {"V4": "4", "V6": "6"}


def check_of(draft: Draft, given: dict[str, Any], origin: str) -> ImportedMonitor | str:
    """The monitor, or why there is none."""
    settings = mapping(given.get("settings"))
    kind = next((name for name, value in settings.items() if entries(value)), "")
    inner, target = mapping(settings.get(kind)), text(given.get("target"))
    name = text(given.get("job")) or target
    made = _monitor(draft, (kind, inner), name, target, origin)
    if isinstance(made, str):
        return made
    # In milliseconds, both.
    made.interval_s = (number(given.get("frequency")) or 60_000) / 1000
    made.timeout_s = (number(given.get("timeout")) or 3_000) / 1000
    made.paused = not truth(given.get("enabled"), True)
    made.tags = [f"{key}:{text(value)}" for key, value in sorted(mapping(given.get("labels")).items())]
    family = _FAMILIES.get(text(inner.get("ip_version")))
    if family == "6" and made.kind != "dns":
        made.config["family"] = family
    made.notes += [f"`{name}` is left out" for name in _LEFT_OUT if inner.get(name)]
    if not kind:
        made.notes.append("its settings are not in the file: a plain request is made")
    return made


def _monitor(
    draft: Draft, settings: tuple[str, dict[str, Any]], name: str, target: str, origin: str
) -> ImportedMonitor | str:
    kind, inner = settings
    tls = mapping(inner.get("tls_config"))
    inner = {**inner, "tls_config": {_TLS_NAMES.get(name, name): value for name, value in tls.items()}}
    if kind in ("http", ""):
        follows = {"follow_redirects": False} if truth(inner.get("no_follow_redirects")) else {}
        return http_monitor(
            draft, name, target, {**inner, **follows, "basic_auth": mapping(inner.get("basic_auth"))}, origin
        )
    if kind == "ping":
        return icmp_monitor(draft, name, target, {}, origin)
    if kind == "tcp":
        steps = [{**step, "starttls": step.get("start_tls")} for step in entries(inner.get("query_response"))]
        return tcp_monitor(draft, name, target, {**inner, "query_response": steps}, origin)
    if kind == "dns":
        server = f"{text(inner.get('server')) or '8.8.8.8'}:{text(inner.get('port')) or '53'}"
        asked = {"query_name": target, "query_type": text(inner.get("record_type")) or "A",
                 "valid_rcodes": inner.get("valid_r_codes")}  # fmt: skip
        made = dns_monitor(draft, name, server, asked, origin)
        if isinstance(made, ImportedMonitor) and any(inner.get(part) for part in inner if part.startswith("validate_")):
            made.notes.append("patterns of the answer are left out: a `dns` monitor compares whole values (`expected`)")
        return made
    if kind == "grpc":
        return grpc_monitor(draft, name, target, inner, origin)
    if kind in ("multihttp", "scripted", "browser"):
        return "Vigil runs no script and no browser: watch the addresses that it opens"
    return f"Vigil has no check like {kind[:40]!r}"
