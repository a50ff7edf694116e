"""Samples of a result under the names of blackbox_exporter, and of Grafana Synthetic Monitoring.

Names and meanings: https://github.com/prometheus/blackbox_exporter (prober/*.go) and
https://github.com/grafana/synthetic-monitoring-agent. A success is a check that passed, also a degraded one; of a check
that says nothing (unknown) there is no sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from probes.reasons import Reason, Status
from probes.wire import Result
from vigil.metrics.core.text import label

Sample = tuple[str, str, float]

_GAUGE = "gauge"
#: Families of one monitor seen from one region.
PROBE_FAMILIES: Mapping[str, tuple[str, str]] = {
    "probe_success": (_GAUGE, "Whether the probe was a success"),
    "probe_duration_seconds": (_GAUGE, "How long the probe took to complete in seconds"),
    "probe_dns_lookup_time_seconds": (_GAUGE, "The time taken for DNS lookup in seconds"),
    "probe_ip_protocol": (_GAUGE, "Whether the probe went over IP 4 or 6"),
    "probe_failed_due_to_regex": (_GAUGE, "Whether the probe failed because of an assertion on the body"),
    "probe_http_duration_seconds": (_GAUGE, "Duration of HTTP request by phase, summed over all redirects"),
    "probe_http_status_code": (_GAUGE, "Response HTTP status code"),
    "probe_http_uncompressed_body_length": (_GAUGE, "Length of the body as it was read"),
    "probe_http_redirects": (_GAUGE, "The number of redirects"),
    "probe_http_version": (_GAUGE, "The version of HTTP of the response"),
    "probe_http_ssl": (_GAUGE, "Whether TLS was used"),
    "probe_ssl_earliest_cert_expiry": (_GAUGE, "The time of the earliest expiry of a certificate, in unixtime"),
    "probe_tls_version_info": (_GAUGE, "The TLS version that was used"),
    "probe_icmp_duration_seconds": (_GAUGE, "Duration of ICMP request by phase"),
    "probe_dns_duration_seconds": (_GAUGE, "Duration of DNS request by phase"),
    "probe_dns_answer_rrs": (_GAUGE, "Number of answer records that were received"),
    "probe_dns_query_succeeded": (_GAUGE, "Whether the DNS query was answered"),
    "probe_grpc_duration_seconds": (_GAUGE, "Duration of gRPC request by phase"),
    "probe_grpc_status_code": (_GAUGE, "Response gRPC status code"),
    "probe_grpc_healthcheck_response": (_GAUGE, "Response HealthCheck response"),
    "probe_grpc_ssl": (_GAUGE, "Whether TLS was used"),
    "probe_websocket_duration_seconds": (_GAUGE, "Duration of WebSocket request by phase"),
    "probe_websocket_status_code": (_GAUGE, "Response HTTP status code of the upgrade"),
    "probe_websocket_connection_upgraded": (_GAUGE, "Whether the connection was upgraded"),
    "vigil_probe_reason": (_GAUGE, "Why the last check did not pass; 1"),
    "vigil_region_last_result_timestamp_seconds": (_GAUGE, "When the last check of the region began, in unixtime"),
}
#: Blackbox' and Synthetic Monitoring's word for a kind, where it is another.
CHECK_NAMES = {"icmp": "ping", "tls": "tcp"}
_DURATIONS = {
    "http": "probe_http_duration_seconds",
    "icmp": "probe_icmp_duration_seconds",
    "dns": "probe_dns_duration_seconds",
    "grpc": "probe_grpc_duration_seconds",
    "websocket": "probe_websocket_duration_seconds",
}
_RESOLVE, _CONNECT, _TLS, _PROCESSING, _TRANSFER, _SETUP, _RTT, _REQUEST, _CHECK = (
    f",{label('phase', phase)}"
    for phase in ("resolve", "connect", "tls", "processing", "transfer", "setup", "rtt", "request", "check")
)
#: What a gRPC client calls no answer, and none in time; the last status there is; and what a health service says.
_UNAVAILABLE, _DEADLINE_EXCEEDED, _GRPC_LAST = 14, 4, 16
_SERVING = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
_DAY_S, _UPGRADED = 86_400, 101
#: blackbox_exporter's name by OpenSSL's. A region writes the fact: any other text would be a new series each time.
_TLS_VERSIONS = {
    "SSLv3": "SSL 3.0", "TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3",
}  # fmt: skip


def passed(status: Status) -> bool | None:
    """Whether a check passed; None where it says nothing."""
    return None if status is Status.UNKNOWN else status is not Status.DOWN


def samples(kind: str, result: Result) -> Iterator[Sample]:
    """Every sample of a result: family, further labels, value."""
    success = passed(result.status)
    if success is not None:
        yield "probe_success", "", int(success)
    phases = result.phases
    yield "probe_duration_seconds", "", phases.total_us / 1e6
    yield "probe_dns_lookup_time_seconds", "", phases.dns_us / 1e6
    yield "probe_failed_due_to_regex", "", int(result.reason is Reason.BODY_MISMATCH)
    yield "vigil_region_last_result_timestamp_seconds", "", result.started_ms / 1e3
    if result.reason is not Reason.OK:
        yield "vigil_probe_reason", f",{label('reason', result.reason.value)}", 1
    yield from _durations(kind, result)
    if success is not None:
        yield from _codes(kind, result)
    yield from _of_facts(kind, result)


def _codes(kind: str, result: Result) -> Iterator[Sample]:
    """What was answered; blackbox_exporter tells 0 where nothing was, which rules on a code count on."""
    if kind == "http":
        yield "probe_http_status_code", "", result.code
        yield "probe_http_version", "", (_number(result.facts.get("http_version")) or 1.1) if result.code else 0
    elif kind == "websocket":
        yield "probe_websocket_status_code", "", result.code
        yield "probe_websocket_connection_upgraded", "", int(result.code == _UPGRADED)
    elif kind == "grpc":
        given, code = result.facts.get("grpc_status"), _UNAVAILABLE
        if result.reason is Reason.TIMEOUT:
            code = _DEADLINE_EXCEEDED
        if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= _GRPC_LAST:
            code = given
        yield "probe_grpc_status_code", "", code
        yield "probe_grpc_ssl", "", int(result.phases.tls_us > 0)
        for name in _SERVING:
            named = f",{label('serving_status', name)}"
            yield "probe_grpc_healthcheck_response", named, int(result.facts.get("serving") == name)


def _durations(kind: str, result: Result) -> Iterator[Sample]:
    family, phases = _DURATIONS.get(kind), result.phases
    if family is None:
        return
    rest_us = max(0, phases.total_us - phases.dns_us - phases.connect_us - phases.tls_us - phases.first_byte_us)
    yield family, _RESOLVE, phases.dns_us / 1e6
    if kind == "icmp":
        yield family, _SETUP, 0.0
        yield family, _RTT, max(0, phases.total_us - phases.dns_us) / 1e6
    elif kind == "dns":
        yield family, _CONNECT, phases.connect_us / 1e6
        yield family, _REQUEST, (phases.first_byte_us + rest_us) / 1e6
    elif kind == "grpc":
        yield family, _CHECK, max(0, phases.total_us - phases.dns_us) / 1e6
    else:
        yield family, _CONNECT, phases.connect_us / 1e6
        yield family, _TLS, phases.tls_us / 1e6
        yield family, _PROCESSING, phases.first_byte_us / 1e6
        yield family, _TRANSFER, rest_us / 1e6


def _of_facts(kind: str, result: Result) -> Iterator[Sample]:
    """What a region says of an answer: its types are checked, since the region wrote them."""
    facts = result.facts
    address, version, expires_s = facts.get("address"), facts.get("tls"), _expires_s(result)
    if isinstance(address, str) and address:
        yield "probe_ip_protocol", "", 6 if ":" in address else 4
    if expires_s is not None:
        yield "probe_ssl_earliest_cert_expiry", "", expires_s
    if isinstance(version, str) and version in _TLS_VERSIONS:
        yield "probe_tls_version_info", f",{label('version', _TLS_VERSIONS[version])}", 1
    if kind == "http":
        yield "probe_http_ssl", "", int(result.phases.tls_us > 0 or bool(version))
        yield "probe_http_redirects", "", _number(facts.get("redirects"))
        yield "probe_http_uncompressed_body_length", "", _number(facts.get("body_bytes"))
    elif kind == "dns":
        yield "probe_dns_answer_rrs", "", _number(facts.get("answers"))
        yield "probe_dns_query_succeeded", "", int("rcode" in facts)


def _expires_s(result: Result) -> int | None:
    """When the first certificate expires; of a worker of an older release to the day."""
    moment, days = result.facts.get("certificate_expires_s"), result.facts.get("certificate_days")
    if isinstance(moment, int) and not isinstance(moment, bool):
        return moment
    if isinstance(days, int | float) and not isinstance(days, bool):
        return round(result.started_ms / 1e3 + days * _DAY_S)
    return None


def _number(value: object) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
