"""TCP, ICMP, DNS and gRPC modules of blackbox_exporter. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.prometheus.http import Settings, add_family, add_tls
from vigil.importers.core.requests import STARTTLS_PORTS, header_pairs, host_and_port, sent_of
from vigil.importers.core.values import entries, mapping, mappings, text, truth

#: What a client says before TLS -> the protocol; SMTP has its own greeting, and IMAP numbers its commands.
_BEGINS = ((r"\bEHLO\b|\bHELO\b", "smtp"), (r"\bSTLS\b", "pop3"), (r"\bAUTH TLS\b", "ftp"), (r"\S+ STARTTLS\b", "imap"))


def tcp_monitor(draft: Draft, name: str, target: str, tcp: Settings, origin: str) -> ImportedMonitor | str:
    host, port = host_and_port(target)
    if not port:
        return "its target names no port, which a TCP probe needs"
    steps = list(mappings(tcp.get("query_response")))
    if any(truth(step.get("starttls")) for step in steps):
        return _starttls(draft, name, (host, port), tcp, origin)
    config: dict[str, Any] = {"host": host, "port": port}
    if truth(tcp.get("tls")):
        config["tls"] = True
    monitor = ImportedMonitor(name, "tcp", config, origin)
    add_tls(draft, mapping(tcp.get("tls_config")), monitor)
    if not config.get("tls"):
        # Without TLS these would be of no use.
        monitor.config = {key: value for key, value in config.items() if key not in ("server_name", "ca_pem")}
    add_family(tcp, monitor)
    _add_steps(steps, monitor)
    if monitor.config.get("send"):
        monitor.config["send"] = sent_of(draft.owner(name), monitor.config["send"])
    return monitor


def _add_steps(steps: list[Settings], monitor: ImportedMonitor) -> None:
    sent: list[str] = []
    for place, step in enumerate(steps):
        if text(step.get("send")):
            sent.append(text(step["send"]) + "\n")
        if text(step.get("expect")):
            monitor.config["assertions"] = [{"type": "regex", "pattern": text(step["expect"])}]
            if sent:
                monitor.config["send"] = "".join(sent)
            if any(text(each.get("expect")) for each in steps[place + 1 :]):
                monitor.notes.append("only the first answer of its conversation is asked for")
            return
        if text(step.get("expect_bytes")):
            monitor.config["expect"] = text(step["expect_bytes"])
            return
    if sent:
        monitor.config["send"] = "".join(sent)


def _starttls(draft: Draft, name: str, endpoint: tuple[str, int], tcp: Settings, origin: str) -> ImportedMonitor | str:
    protocol = _protocol_of(mappings(tcp.get("query_response"))) or STARTTLS_PORTS.get(endpoint[1])
    if protocol is None:
        return (
            f"its module begins TLS within a conversation at port {endpoint[1]}: make a `tls` monitor with `starttls`"
        )
    config: dict[str, Any] = {"host": endpoint[0], "port": endpoint[1], "starttls": protocol}
    monitor = ImportedMonitor(name, "tls", config | {"degraded_days": 14, "down_days": 0}, origin)
    add_tls(draft, mapping(tcp.get("tls_config")), monitor)
    monitor.notes.append("its conversation goes as far as TLS")
    return monitor


def _protocol_of(steps: Iterable[Settings]) -> str:
    """The protocol of a conversation, by what its probe says to begin TLS."""
    said = " ".join(text(step.get("send")).upper() for step in steps)
    found = (protocol for word, protocol in _BEGINS if re.search(word, said))
    return next(found, "")


def icmp_monitor(draft: Draft, name: str, target: str, icmp: Settings, origin: str) -> ImportedMonitor | str:
    monitor = ImportedMonitor(name, "icmp", {"host": host_and_port(target)[0], "tcp_port": 0}, origin)
    add_family(icmp, monitor)
    return monitor


def dns_monitor(draft: Draft, name: str, target: str, dns: Settings, origin: str) -> ImportedMonitor | str:
    """The target is the resolver, and the module names what is asked."""
    codes = [text(each) for each in entries(dns.get("valid_rcodes"))]
    if codes and "NOERROR" not in codes:
        return "it expects a DNS error, which is always down here"
    record = text(dns.get("query_type")).upper()
    if record in ("", "ANY"):
        return "it asks for ANY record, which resolvers refuse today: make a `dns` monitor for one type"
    host, port = host_and_port(target, 53)
    config: dict[str, Any] = {"name": text(dns.get("query_name")).rstrip("."), "record": record}
    monitor = ImportedMonitor(name, "dns", config, origin)
    if host.replace(".", "").isdigit() or ":" in host:
        config["resolver"] = host if port == 53 else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    else:
        monitor.notes.append(f"its resolver {host} is a name, so the region's own one is asked: name an IP address")
    if any(
        mapping(dns.get(part)) for part in ("validate_answer_rrs", "validate_authority_rrs", "validate_additional_rrs")
    ):
        monitor.notes.append("patterns of the answer are left out: a `dns` monitor compares whole values (`expected`)")
    if truth(dns.get("dns_over_tls")):
        monitor.notes.append("it is asked without TLS")
    return monitor


def grpc_monitor(draft: Draft, name: str, target: str, grpc: Settings, origin: str) -> ImportedMonitor | str:
    host, port = host_and_port(target, 443)
    config: dict[str, Any] = {"host": host, "port": port, "tls": truth(grpc.get("tls"))}
    if text(grpc.get("service")):
        config["service"] = text(grpc["service"])
    monitor = ImportedMonitor(name, "grpc", config, origin)
    add_tls(draft, mapping(grpc.get("tls_config")), monitor)
    add_family(grpc, monitor)
    monitor.secrets |= {f"header.{header}": value for header, value in header_pairs(grpc.get("metadata"))}
    return monitor
