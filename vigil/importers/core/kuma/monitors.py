"""Monitors of Uptime Kuma by type: mapped, approximated, or refused with what to do instead. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.kuma.http import http_monitor, websocket_monitor
from vigil.importers.core.kuma.rows import KumaRows, Row
from vigil.importers.core.kuma.servers import SERVERS
from vigil.importers.core.requests import STARTTLS_PORTS, host_and_port, request_of
from vigil.importers.core.values import entries, from_json, mappings, text, truth, whole

_UDP = "it speaks a protocol over UDP that Vigil has no check for: have a script call a heartbeat"
REFUSED = {
    "docker": "Vigil looks into no Docker host: watch a port or page of the container, or let it call a heartbeat",
    "steam": _UDP,
    "gamedig": _UDP,
    "radius": _UDP,
    "snmp": _UDP,
    "ntp": _UDP,
    "sip-options": _UDP,
    "manual": "its status is set by hand: write an incident note in Vigil instead",
    "system-service": "Vigil looks at no service of a machine's own: let the service call a heartbeat",
    "pm2": "Vigil looks at no process of a machine's own: let the process call a heartbeat",
}


def monitor_of(draft: Draft, rows: KumaRows, row: Row, origin: str) -> ImportedMonitor | str:
    """The monitor of a row, or why there is none. Groups and push monitors are none."""
    kind = text(row.get("type")).strip().lower()
    if truth(row.get("upside_down")):
        return "it is up while its target is down, which no monitor here asks for"
    if kind in ("http", "keyword", "json-query", "real-browser"):
        return http_monitor(draft, rows, row, origin)
    if kind == "websocket-upgrade":
        return websocket_monitor(draft, row, origin)
    if kind == "port":
        return _port(rows, row, origin)
    maker = _MAKERS.get(kind) or SERVERS.get(kind)
    if maker is not None:
        return maker(row, origin)
    if kind == "rabbitmq":
        return _rabbitmq(draft, row, origin)
    return REFUSED.get(kind, f"Vigil has no check of the type {kind[:40]!r}")


def _port(rows: KumaRows, row: Row, origin: str) -> ImportedMonitor | str:
    alert = text(row.get("expected_tls_alert"))
    if alert and alert != "none":
        return "it expects a TLS alert, which is always down here"
    port = whole(row.get("port")) or 0
    config: dict[str, Any] = {"host": _host(row), "port": port}
    monitor = ImportedMonitor(text(row.get("name")), "tcp", config, origin)
    security = text(row.get("smtp_security"))
    # TLS is spoken only where the certificate is watched, and never counts as down.
    if security not in ("secure", "starttls") or not truth(row.get("expiry_notification")):
        return monitor
    protocol = STARTTLS_PORTS.get(port)
    if security == "starttls" and protocol is None:
        monitor.notes.append(f"its certificate is left out: what begins TLS at port {port} is not known")
        return monitor
    config |= {"degraded_days": rows.expiry_days, "down_days": 0}
    if security == "starttls":
        config["starttls"] = protocol
    return ImportedMonitor(monitor.name, "tls", config, origin)


def _ping(row: Row, origin: str) -> ImportedMonitor:
    # Uptime Kuma has no port to fall back on.
    config: dict[str, Any] = {"host": _host(row), "tcp_port": 0}
    echoes = whole(row.get("ping_count"))
    if echoes:
        config["echoes"] = min(max(echoes, 1), 5)
    monitor = ImportedMonitor(text(row.get("name")), "icmp", config, origin)
    if text(row.get("type")) == "tailscale-ping":
        monitor.notes.append("it is a plain ping: a region inside the tailnet has to check it")
    return monitor


def _dns(row: Row, origin: str) -> ImportedMonitor:
    record = text(row.get("dns_resolve_type")).upper() or "A"
    config: dict[str, Any] = {"name": _host(row), "record": record}
    monitor = ImportedMonitor(text(row.get("name")), "dns", config, origin)
    servers = [each.strip() for each in text(row.get("dns_resolve_server")).split(",") if each.strip()]
    address = servers[0].strip("[]") if servers else ""
    port = whole(row.get("port")) or 53
    if address and (address.replace(".", "").isdigit() or ":" in address):
        config["resolver"] = address if port == 53 else f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    elif address:
        monitor.notes.append(f"its resolver {address} is a name, so the region's own one is asked: name an IP address")
    if len(servers) > 1:
        monitor.notes.append("only the first of its resolvers is asked")
    conditions = list(mappings(from_json(row.get("conditions"))))
    plain = [each for each in conditions if text(each.get("operator")) == "equals" and each.get("type") != "group"]
    if conditions and len(plain) == len(conditions) and all(
        text(each.get("andOr")) == "or" for each in conditions[1:]
    ):  # fmt: skip
        config["expected"] = [text(each.get("value")) for each in plain]
    elif conditions:
        monitor.notes.append("its conditions on the record are left out: a `dns` monitor compares whole values")
    return monitor


def _globalping(row: Row, origin: str) -> ImportedMonitor | str:
    subtype = text(row.get("subtype")) or "ping"
    name, note = text(row.get("name")), "it is checked from Vigil's regions, and not by Globalping"
    if subtype == "ping":
        return ImportedMonitor(name, "icmp", {"host": _host(row), "tcp_port": 0}, origin, notes=[note])
    if subtype == "dns":
        made = _dns(row, origin)
        made.notes.append(note)
        return made
    if subtype == "http" and text(row.get("url")):
        return ImportedMonitor(name, "http", {"url": text(row["url"])}, origin, notes=[note])
    return f"it is a Globalping measurement of the kind {subtype[:20]!r}: make the monitor by hand"


def _rabbitmq(draft: Draft, row: Row, origin: str) -> ImportedMonitor | str:
    nodes = [text(each).rstrip("/") for each in entries(from_json(row.get("rabbitmq_nodes"))) if text(each)]
    if not nodes:
        return "it names no node"
    name = text(row.get("name"))
    request = request_of(draft.owner(name), f"{nodes[0]}/api/health/checks/alarms/")
    user, password = text(row.get("rabbitmq_username")), text(row.get("rabbitmq_password"))
    if user:
        request.secrets["basic"] = f"{user}:{password}"
    request.config["expected_status"] = ["200"]
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets)
    if len(nodes) > 1:
        monitor.notes.append(f"only the first of its {len(nodes)} nodes is asked: add a monitor for each")
    return monitor


def _host(row: Row) -> str:
    return host_and_port(text(row.get("hostname")))[0]


_MAKERS: dict[str, Callable[[Row, str], ImportedMonitor | str]] = {
    "ping": _ping, "tailscale-ping": _ping, "dns": _dns, "globalping": _globalping,
}  # fmt: skip
