"""Results as OTLP over HTTP in JSON: a span for each check, and histograms of a batch by the semantic conventions.

Conventions: https://github.com/open-telemetry/semantic-conventions (v1.44, http and dns); `user_agent.synthetic.type`
says that no person asked. The ids of a span follow from its check, as those of `traceparent`: the span is the parent
of what the target traced.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from probes.checks.traceparent import span_id
from probes.reasons import Reason, Status
from probes.wire import Result, check_id, is_canary, is_trial

Json = dict[str, Any]

#: Bounds of durations that the conventions advise (s).
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_CLIENT, _OK, _ERROR, _DELTA = 3, 1, 2, 1
#: What a status line can hold. A region may write any number, and each would be a new series of the collector.
_CODES = range(100, 1_000)
#: Characters of the words of a region.
DETAIL_MOST = 300
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class ExportedMonitor:
    """A monitor as its spans name it; `target` has no credentials."""

    public_id: str
    name: str
    kind: str
    target: str
    method: str
    team: str


@dataclass(frozen=True, slots=True)
class ExportedCheck:
    """One check of a monitor in a region."""

    monitor: ExportedMonitor
    region: str
    result: Result


#: A check, the attributes of a metric of it, and what was measured (µs).
_Measured = tuple[ExportedCheck, Mapping[str, object], int]


def is_exported(result: Result) -> bool:
    """Whether a result is of a check that was made; a warning, a trial and one that was missed are not."""
    is_check = not is_trial(result.round) and not is_canary(result.round)
    return is_check and result.reason is not Reason.OVERDUE and result.status is not Status.UNKNOWN


def traces(checks: Sequence[ExportedCheck], release: str) -> Json:
    """The body of POST /v1/traces."""
    spans = [_span(check) for check in checks]
    scope = {"name": "vigil", "version": release}
    return {"resourceSpans": [{"resource": _resource(release), "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def metrics(checks: Sequence[ExportedCheck], release: str, now_ns: int) -> Json:
    """The body of POST /v1/metrics: histograms of this batch alone (delta)."""
    http = [check for check in checks if check.monitor.kind == "http"]
    dns = [check for check in checks if check.result.phases.dns_us]
    requests = ((one, _common(one), one.result.phases.total_us) for one in http)
    lookups = ((one, _of_lookup(one), one.result.phases.dns_us) for one in dns)
    found = [
        _histogram("http.client.request.duration", requests, now_ns),
        _histogram("dns.lookup.duration", lookups, now_ns),
    ]
    scope = {"name": "vigil", "version": release}
    told = [one for one in found if one is not None]
    return {"resourceMetrics": [{"resource": _resource(release), "scopeMetrics": [{"scope": scope, "metrics": told}]}]}


def rejected(answer: Mapping[str, Any]) -> int:
    """How many spans or data points a collector did not take, although it answered 200 (partial success)."""
    partial = answer.get("partialSuccess")
    found = (partial.get("rejectedSpans") or partial.get("rejectedDataPoints")) if isinstance(partial, dict) else 0
    text = str(found or 0)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _span(check: ExportedCheck) -> Json:
    result, monitor = check.result, check.monitor
    made = check_id(monitor.public_id, check.region, result.at_ms, result.round, result.look)
    begun_ns = result.started_ms * 1_000_000
    about = {
        **_common(check),
        "url.full": monitor.target if "://" in monitor.target else None,
        "network.peer.address": _address(result.facts.get("address")),
        "vigil.monitor.id": monitor.public_id,
        "vigil.status": result.status.value,
        "vigil.reason": result.reason.value,
        "vigil.attempts": result.attempts,
        # What a region wrote, mostly in words of the target; cleaned and cut when it was admitted.
        "vigil.detail.untrusted": result.detail[:DETAIL_MOST] or None,
        "vigil.dns_ms": result.phases.dns_us / 1e3,
        "vigil.connect_ms": result.phases.connect_us / 1e3,
        "vigil.tls_ms": result.phases.tls_us / 1e3,
        "vigil.first_byte_ms": result.phases.first_byte_us / 1e3,
    }
    failed = result.status is Status.DOWN
    status: Json = {"code": _ERROR, "message": result.reason.value} if failed else {"code": _OK}
    return {
        "traceId": made.hex,
        "spanId": span_id(made),
        "name": monitor.method if monitor.kind == "http" else monitor.kind,
        "kind": _CLIENT,
        "startTimeUnixNano": str(begun_ns),
        "endTimeUnixNano": str(begun_ns + result.phases.total_us * 1_000),
        "attributes": _attributes(about),
        "status": status,
    }


def _common(check: ExportedCheck) -> dict[str, object]:
    """What spans and metrics both have. Its values are few: monitors, regions, codes and reasons."""
    result, monitor = check.result, check.monitor
    host, port = _server(monitor.target)
    is_http = monitor.kind == "http"
    return {
        "http.request.method": monitor.method if is_http else None,
        "http.response.status_code": result.code if is_http and result.code in _CODES else None,
        "error.type": None if result.reason is Reason.OK else result.reason.value,
        "server.address": host,
        "server.port": port,
        "user_agent.synthetic.type": "test",
        "vigil.monitor.name": monitor.name,
        "vigil.region": check.region,
        "vigil.team": monitor.team,
    }


def _of_lookup(check: ExportedCheck) -> dict[str, object]:
    """What metrics of the lookup of a name have: its errors are those of the lookup alone."""
    common = _common(check)
    named = ("server.address", "user_agent.synthetic.type", "vigil.monitor.name", "vigil.region", "vigil.team")
    failed = check.result.reason is Reason.DNS_ERROR
    return {
        "dns.question.name": common["server.address"],
        "error.type": Reason.DNS_ERROR.value if failed else None,
        **{name: common[name] for name in named},
    }


def _address(fact: object) -> str | None:
    """An address as a region tells it; any other text would stand under a name that the conventions explain."""
    try:
        return str(ip_address(fact)) if isinstance(fact, str) else None
    except ValueError:
        return None


def _server(target: str) -> tuple[str, int | None]:
    """Host and port of a target, as far as it names them."""
    try:
        parts = urlsplit(target if "://" in target else f"//{target}")
        return parts.hostname or target, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return target, None


def _histogram(name: str, seen: Iterable[_Measured], now_ns: int) -> Json | None:
    points: defaultdict[tuple[tuple[str, object], ...], list[tuple[int, float]]] = defaultdict(list)
    for check, named, duration_us in seen:
        labels = tuple((key, value) for key, value in named.items() if value is not None)
        points[labels].append((check.result.started_ms * 1_000_000, duration_us / 1e6))
    if not points:
        return None
    shown = [_point(labels, values, now_ns) for labels, values in points.items()]
    return {"name": name, "unit": "s", "histogram": {"aggregationTemporality": _DELTA, "dataPoints": shown}}


def _point(labels: tuple[tuple[str, object], ...], values: list[tuple[int, float]], now_ns: int) -> Json:
    counts = [0] * (len(BOUNDS_S) + 1)
    for _, seconds in values:
        counts[bisect_left(BOUNDS_S, seconds)] += 1
    return {
        "attributes": _attributes(dict(labels)),
        "startTimeUnixNano": str(min(min(begun for begun, _ in values), now_ns)),
        "timeUnixNano": str(now_ns),
        "count": str(len(values)),
        "sum": sum(seconds for _, seconds in values),
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": list(BOUNDS_S),
    }


def _resource(release: str) -> Json:
    return {"attributes": _attributes({"service.name": "vigil", "service.version": release})}


def _attributes(named: Mapping[str, object]) -> list[Json]:
    """Attributes of OTLP; 64-bit numbers are text there. What is not known is left out."""
    return [{"key": key, "value": _value(value)} for key, value in named.items() if value is not None]


def _value(value: object) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
