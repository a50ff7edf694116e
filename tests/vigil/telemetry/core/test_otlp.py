"""Documents of OTLP: spans with the ids of their checks, histograms by the conventions, and nothing that is secret."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from probes.checks.traceparent import traceparent_of
from probes.reasons import Reason, Status
from probes.specs.http import HttpSpec
from probes.wire import WIRE_VERSION, Check, Phases, Result
from vigil.telemetry.core.otlp import (
    BOUNDS_S,
    DETAIL_MOST,
    ExportedCheck,
    ExportedMonitor,
    is_exported,
    metrics,
    rejected,
    traces,
)
from vigil.telemetry.settings import TelemetrySettings, read_headers

NOW_MS = 1_800_000_000_000
SHOP = ExportedMonitor("mon_1", "Shop", "http", "https://shop.test:8443/health", "GET", "team_1")


def check(status: Status = Status.UP, reason: Reason = Reason.OK, **more: Any) -> ExportedCheck:
    monitor = more.pop("monitor", SHOP)
    phases = Phases(12_000, 20_000, 30_000, 40_000, more.pop("total_us", 160_000))
    made = Result(WIRE_VERSION, "mon_1", NOW_MS, status, reason, NOW_MS + 250, phases, **more)
    return ExportedCheck(monitor, "eu-west", made)


def attributes(found: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in found["attributes"]}


def spans(*checks: ExportedCheck) -> list[dict[str, Any]]:
    [resource] = traces(checks, "1.2.3")["resourceSpans"]
    assert attributes(resource["resource"]) == {"service.name": "vigil", "service.version": "1.2.3"}
    found: list[dict[str, Any]] = resource["scopeSpans"][0]["spans"]
    return found


def test_a_check_is_a_span_with_the_names_of_the_conventions() -> None:
    [span] = spans(check(code=200, facts={"address": "203.0.113.7"}))
    assert (span["name"], span["kind"], span["status"]) == ("GET", 3, {"code": 1})
    assert int(span["startTimeUnixNano"]) == (NOW_MS + 250) * 1_000_000
    assert int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) == 160_000_000
    told = attributes(span)
    assert told["http.request.method"] == "GET" and told["http.response.status_code"] == "200"
    assert (told["server.address"], told["server.port"]) == ("shop.test", "8443")
    assert told["user_agent.synthetic.type"] == "test" and told["vigil.region"] == "eu-west"
    assert told["vigil.dns_ms"] == 12.0 and "error.type" not in told


def test_the_span_is_the_parent_of_what_the_target_traced() -> None:
    order = Check(WIRE_VERSION, "mon_1", "http", NOW_MS, NOW_MS + 1, 500, msgspec.Raw(b""))
    _, trace, parent, _ = traceparent_of(order, HttpSpec(url="https://shop.test/", traceparent=True), "eu-west").split(
        "-"
    )
    [span] = spans(check())
    assert (span["traceId"], span["spanId"]) == (trace, parent)


@pytest.mark.parametrize("code", [-1, 99, 1_000, 2**53])
def test_a_code_that_a_region_made_up_is_no_label(code: int) -> None:
    assert "http.response.status_code" not in attributes(spans(check(code=code))[0])


def test_a_failure_says_why() -> None:
    [span] = spans(check(Status.DOWN, Reason.TIMEOUT, detail="no answer within 5 s"))
    assert span["status"] == {"code": 2, "message": "timeout"}
    told = attributes(span)
    assert (told["error.type"], told["vigil.detail.untrusted"]) == ("timeout", "no answer within 5 s")


def test_words_of_a_region_are_short_and_under_a_name_that_says_so() -> None:
    [span] = spans(check(Status.DOWN, Reason.BODY_MISMATCH, detail="x" * 5_000, facts={"address": "not one"}))
    told = attributes(span)
    assert len(told["vigil.detail.untrusted"]) == DETAIL_MOST
    assert "network.peer.address" not in told and "xxx" not in span["status"]["message"]


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        ("tcp", "mail.test:25", ("tcp", "mail.test", "25")),
        ("dns", "shop.test", ("dns", "shop.test", None)),
        ("websocket", "wss://live.test/socket", ("websocket", "live.test", "443")),
        ("http", "https://[bad", ("GET", "https://[bad", None)),
    ],
)
def test_every_kind_is_a_span_of_its_server(kind: str, target: str, expected: tuple[Any, ...]) -> None:
    [span] = spans(check(monitor=ExportedMonitor("mon_1", "m", kind, target, "GET", "team_1")))
    told = attributes(span)
    assert (span["name"], told["server.address"], told.get("server.port")) == expected
    assert ("http.request.method" in told) == (kind == "http")


def test_durations_of_a_batch_are_histograms_of_it_alone() -> None:
    found = [check(total_us=took, code=200) for took in (4_000, 160_000, 20_000_000)]
    found.append(check(Status.DOWN, Reason.TIMEOUT))
    document = metrics(found, "1.2.3", (NOW_MS + 9_000) * 1_000_000)
    http, dns = document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    assert (http["name"], http["unit"], http["histogram"]["aggregationTemporality"]) == (
        "http.client.request.duration",
        "s",
        1,
    )
    well, failed = http["histogram"]["dataPoints"]
    assert (well["count"], well["sum"]) == ("3", 20.164)
    assert well["bucketCounts"][0] == "1" and well["bucketCounts"][-1] == "1"
    assert len(well["bucketCounts"]) == len(BOUNDS_S) + 1
    assert attributes(failed)["error.type"] == "timeout"
    assert dns["name"] == "dns.lookup.duration"
    [looked_up] = dns["histogram"]["dataPoints"]
    told = attributes(looked_up)
    assert told["dns.question.name"] == "shop.test" and "error.type" not in told


def test_the_error_of_a_lookup_is_that_of_the_lookup() -> None:
    document = metrics([check(Status.DOWN, Reason.DNS_ERROR)], "1", (NOW_MS + 9_000) * 1_000_000)
    _, dns = document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    assert attributes(dns["histogram"]["dataPoints"][0])["error.type"] == "dns_error"


def test_a_batch_without_such_checks_has_no_such_metric() -> None:
    ping = ExportedMonitor("mon_1", "m", "icmp", "gw.test", "GET", "team_1")
    one = ExportedCheck(ping, "eu", Result(WIRE_VERSION, "mon_1", NOW_MS, Status.UP, Reason.OK, NOW_MS, Phases()))
    assert metrics([one], "1", 1)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"] == []


@pytest.mark.parametrize(
    ("status", "reason", "round_id", "expected"),
    [
        (Status.UP, Reason.OK, "", True),
        (Status.DOWN, Reason.TIMEOUT, "round-1", True),
        (Status.UNKNOWN, Reason.OVERDUE, "", False),
        (Status.UNKNOWN, Reason.MISSED, "", False),
        (Status.UP, Reason.OK, "trl_1", False),
    ],
)
def test_only_checks_that_were_made_are_exported(status: Status, reason: Reason, round_id: str, expected: bool) -> None:
    assert is_exported(check(status, reason, round=round_id).result) is expected


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ({}, 0), ({"partialSuccess": {}}, 0), ({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "x"}}, 3),
        ({"partialSuccess": {"rejectedDataPoints": 2}}, 2), ({"partialSuccess": {"errorMessage": "a warning"}}, 0),
        ({"partialSuccess": []}, 0), ({"partialSuccess": {"rejectedSpans": "-1"}}, 0),
        ({"partialSuccess": {"rejectedSpans": "9" * 30}}, 0),
    ],
)  # fmt: skip
def test_what_a_collector_rejects_is_counted(answer: dict[str, Any], count: int) -> None:
    assert rejected(answer) == count


def test_headers_are_those_of_opentelemetrys_own_setting() -> None:
    assert read_headers("Authorization=Bearer%20fake, x-team = a") == {"authorization": "Bearer fake", "x-team": "a"}


@pytest.mark.parametrize("text", ["a", "a b=c", "a=", "a=%0d%0ax", "=b"])
def test_wrong_headers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be headers like"):
        read_headers(text)


@pytest.mark.parametrize("url", ["collector:4318", "ftp://collector", "https://user@collector"])
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        TelemetrySettings(otlp_endpoint=url)
