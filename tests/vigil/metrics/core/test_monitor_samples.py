"""Samples of monitors: each kind under blackbox_exporter's names, counts as scrapes see them, and what a probe says."""

from __future__ import annotations

from typing import Any

import pytest

from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Phases, Result
from vigil.metrics.core.blackbox import samples
from vigil.metrics.core.monitor_samples import FAMILIES, MeasuredMonitor, add_monitor, fresh
from vigil.metrics.core.probe_query import BadQuery, ProbeQuery, agreeing, debug_text, parse_query, probe_text
from vigil.metrics.core.scraped_checks import Scraped, ScrapedChecks, decode_scraped, encode_scraped
from vigil.metrics.core.text import SampleText, label

NOW_MS = 1_800_000_000_000
PHASES = Phases(10_000, 20_000, 30_000, 40_000, 150_000)


def result(status: Status = Status.UP, reason: Reason = Reason.OK, at_ms: int = NOW_MS, **more: Any) -> Result:
    return Result(WIRE_VERSION, "mon_1", at_ms, status, reason, at_ms, PHASES, **more)


def monitor(state: str = "up", **more: Any) -> MeasuredMonitor:
    named = {"public_id": "mon_1", "name": "Shop", "kind": "http", "target": "https://shop.test/", "team": "team_1"}
    return MeasuredMonitor(**{**named, "state": state, "interval_s": 60, **more})


def told(kind: str, found: Result) -> dict[str, float]:
    return {family + more: value for family, more, value in samples(kind, found)}


def test_an_http_check_has_the_phases_of_blackbox_exporter() -> None:
    facts: dict[str, Any] = {"address": "203.0.113.7", "body_bytes": 5, "tls": "TLSv1.3", "certificate_days": 2}
    assert told("http", result(code=200, facts=facts)) == {
        "probe_success": 1.0,
        "probe_duration_seconds": 0.15,
        "probe_dns_lookup_time_seconds": 0.01,
        "probe_failed_due_to_regex": 0.0,
        "vigil_region_last_result_timestamp_seconds": NOW_MS / 1000,
        'probe_http_duration_seconds,phase="resolve"': 0.01,
        'probe_http_duration_seconds,phase="connect"': 0.02,
        'probe_http_duration_seconds,phase="tls"': 0.03,
        'probe_http_duration_seconds,phase="processing"': 0.04,
        'probe_http_duration_seconds,phase="transfer"': 0.05,
        "probe_http_status_code": 200,
        "probe_ip_protocol": 4.0,
        "probe_ssl_earliest_cert_expiry": NOW_MS / 1000 + 172_800,
        'probe_tls_version_info,version="TLS 1.3"': 1.0,
        "probe_http_version": 1.1,
        "probe_http_ssl": 1.0,
        "probe_http_redirects": 0.0,
        "probe_http_uncompressed_body_length": 5.0,
    }


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        ("icmp", {}, {'probe_icmp_duration_seconds,phase="rtt"': 0.14, "probe_success": 1.0}),
        ("dns", {"answers": 3, "rcode": "NOERROR"}, {"probe_dns_answer_rrs": 3.0, "probe_dns_query_succeeded": 1.0}),
        ("dns", {}, {'probe_dns_duration_seconds,phase="request"': 0.09, "probe_dns_query_succeeded": 0.0}),
        ("tls", {"certificate_days": 1.0}, {"probe_ssl_earliest_cert_expiry": NOW_MS / 1000 + 86_400}),
        ("tls", {"certificate_days": 1, "certificate_expires_s": 1_900_000_001}, {
            "probe_ssl_earliest_cert_expiry": 1_900_000_001,
        }),
        ("tcp", {"address": "2001:db8::1"}, {"probe_ip_protocol": 6.0}),
        ("http", {"redirects": 2}, {"probe_http_redirects": 2.0}),
    ],
)  # fmt: skip
def test_each_kind_has_its_own_names(kind: str, facts: dict[str, Any], expected: dict[str, float]) -> None:
    found = told(kind, result(facts=facts))
    assert {name: found.get(name) for name in expected} == expected


def test_the_version_of_http_is_that_of_an_answer() -> None:
    assert told("http", result(code=200, facts={"http_version": 2.0}))["probe_http_version"] == 2.0


def test_what_did_not_answer_has_the_code_0_on_which_rules_count() -> None:
    found = told("http", result(Status.DOWN, Reason.REFUSED))
    assert (found["probe_http_status_code"], found["probe_http_version"]) == (0, 0)
    found = told("websocket", result(Status.DOWN, Reason.REFUSED))
    assert (found["probe_websocket_status_code"], found["probe_websocket_connection_upgraded"]) == (0, 0)
    assert told("websocket", result(code=101))["probe_websocket_connection_upgraded"] == 1
    assert "probe_http_status_code" not in told("http", result(Status.UNKNOWN, Reason.MISSED))


@pytest.mark.parametrize(
    ("reason", "facts", "code"),
    [
        (Reason.OK, {"grpc_status": 0, "serving": "SERVING"}, 0),
        (Reason.AUTH, {"grpc_status": 16}, 16),
        (Reason.REFUSED, {}, 14),
        (Reason.TIMEOUT, {}, 4),
        (Reason.HTTP_5XX, {"grpc_status": -1}, 14),
        (Reason.HTTP_5XX, {"grpc_status": 1_000}, 14),
        (Reason.HTTP_5XX, {"grpc_status": True}, 14),
    ],
)
def test_a_grpc_check_has_the_code_that_a_client_would_have(reason: Reason, facts: dict[str, Any], code: int) -> None:
    found = told("grpc", result(Status.UP if reason is Reason.OK else Status.DOWN, reason, facts=facts))
    assert (found["probe_grpc_status_code"], found["probe_grpc_ssl"]) == (code, 1)
    assert found['probe_grpc_healthcheck_response,serving_status="SERVING"'] == float(not code)
    assert found['probe_grpc_duration_seconds,phase="check"'] == 0.14


def test_what_a_region_makes_up_is_no_sample() -> None:
    facts: dict[str, Any] = {
        "address": 4,
        "certificate_days": "soon",
        "tls": True,
        "body_bytes": "many",
        "redirects": True,
    }
    found = told("http", result(facts=facts))
    assert not {"probe_ip_protocol", "probe_ssl_earliest_cert_expiry"} & found.keys()
    assert (found["probe_http_uncompressed_body_length"], found["probe_http_redirects"]) == (0.0, 0.0)
    assert not any("version_info" in name for name in told("http", result(facts={"tls": "made up at 12:01"})))


@pytest.mark.parametrize(
    ("status", "reason", "success"),
    [
        (Status.UP, Reason.OK, 1.0),
        (Status.DEGRADED, Reason.SLOW, 1.0),
        (Status.DOWN, Reason.TIMEOUT, 0.0),
        (Status.UNKNOWN, Reason.MISSED, None),
    ],
)
def test_a_check_that_says_nothing_is_neither_success_nor_failure(
    status: Status, reason: Reason, success: float | None
) -> None:
    found = told("http", result(status, reason))
    assert found.get("probe_success") == success
    assert (f'vigil_probe_reason,reason="{reason.value}"' in found) == (reason is not Reason.OK)


def test_labels_of_people_cannot_break_the_text() -> None:
    assert label("job", 'a"b\\c\nd') == r'job="a\"b\\c\nd"'
    assert len(label("job", "x" * 2_000)) == len('job=""') + 500


def rendered(found: dict[str, Result], remembered: Scraped) -> tuple[list[str], Scraped]:
    text = SampleText(FAMILIES)
    scraped = add_monitor(text, monitor(), found, remembered)
    return text.text().decode().splitlines(), scraped


def test_each_check_is_counted_once_however_often_it_is_scraped() -> None:
    scraped: Scraped = {}
    for results in (result(), result(), result(Status.DOWN, Reason.TIMEOUT, NOW_MS + 60_000), result(at_ms=NOW_MS)):
        lines, scraped = rendered({"eu": results}, decode_scraped(encode_scraped(scraped)))
    named = 'job="Shop",instance="https://shop.test/",monitor="mon_1",team="team_1",region="eu",probe="eu"'
    assert {f"probe_all_success_sum{{{named}}} 1", f"probe_all_success_count{{{named}}} 2"} <= set(lines)
    assert f"probe_all_duration_seconds_sum{{{named}}} 0.3" in lines
    steps = [f'probe_all_duration_seconds_bucket{{{named},le="{le}"}} {n}' for le, n in (("0.1", 0), ("0.25", 2))]
    assert {*steps, f'probe_all_duration_seconds_bucket{{{named},le="+Inf"}} 2'} <= set(lines)


def test_counts_of_a_silent_region_are_kept_until_it_is_back() -> None:
    before = {"eu": ScrapedChecks(1, 1, 1.0)}
    lines, scraped = rendered({}, before)
    assert scraped == before and not any(line.startswith("probe_all") for line in lines)


@pytest.mark.parametrize("body", [None, b"", b"\xc1", b"{}", encode_scraped({"eu": ScrapedChecks(1, 1, 1.0, (1, 2))})])
def test_counts_of_another_release_begin_anew(body: bytes | None) -> None:
    assert decode_scraped(body) == {}


def test_states_and_votes_are_told_beside_what_regions_saw() -> None:
    lines = rendered({"eu": result(), "us": result(Status.DOWN, Reason.TIMEOUT)}, {})[0]
    own = 'job="Shop",instance="https://shop.test/",monitor="mon_1",team="team_1"'
    assert (
        f'vigil_monitor_state{{{own},state="up"}} 1' in lines
        and f'vigil_monitor_state{{{own},state="down"}} 0' in lines
    )
    assert f'vigil_monitor_votes{{{own},vote="down"}} 1' in lines
    assert sum(line.startswith("# TYPE vigil_monitor_state") for line in lines) == 1


def test_the_regions_of_a_canary_are_fresh_for_their_turns() -> None:
    canary = monitor(kind="canary", interval_s=600)
    ages_s = {"ap": 600, "eu": 1200, "us": 1800, "us-2": 2400, "us-3": 3000}
    results = {region: result(at_ms=NOW_MS - 1000 * age_s) for region, age_s in ages_s.items()}
    assert list(fresh(canary, results, NOW_MS)) == sorted(ages_s)
    assert list(fresh(monitor(interval_s=600), results, NOW_MS)) == ["ap", "eu", "us"]
    assert fresh(canary, results, NOW_MS + 10 * 3_600_000) == {}


@pytest.mark.parametrize(
    ("age_ms", "interval_s", "is_told"),
    [
        (0, 60, True), (299_000, 60, True), (301_000, 60, False), (899_000, 300, True), (-59_000, 60, True),
        (-61_000, 60, False),
    ],
)  # fmt: skip
def test_a_region_that_is_silent_has_no_samples(age_ms: int, interval_s: int, is_told: bool) -> None:
    found = fresh(monitor(interval_s=interval_s), {"eu": result(at_ms=NOW_MS - age_ms)}, NOW_MS)
    assert bool(found) is is_told


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"target": " shop ", "module": "http_2xx"}, ProbeQuery("shop", "http")),
        ({"target": "mon_1"}, ProbeQuery("mon_1")),
        ({"target": "gw", "module": "icmp", "region": "eu"}, ProbeQuery("gw", "icmp", "eu")),
    ],
)
def test_a_query_is_that_of_blackbox_exporter(given: dict[str, str], expected: ProbeQuery) -> None:
    assert parse_query(given) == expected


@pytest.mark.parametrize("given", [{}, {"target": " "}, {"target": "x" * 2_001}, {"target": "x", "module": "no"}])
def test_a_query_that_cannot_be_answered_says_what_to_send(given: dict[str, str]) -> None:
    with pytest.raises(BadQuery, match=r"Give \?target=|Unknown module: use one of"):
        parse_query(given)


def test_the_success_of_a_probe_is_what_most_regions_agreed_on() -> None:
    results = {"eu": result(Status.DOWN, Reason.TIMEOUT, NOW_MS + 5), "us": result(code=200)}
    text = probe_text(monitor("up"), results, "").decode()
    assert "probe_success 1\n" in text and "probe_http_status_code 200\n" in text
    assert "probe_success 0\n" in probe_text(monitor("up"), results, "eu").decode()
    assert "probe_success 0\n" in probe_text(monitor("down"), results, "").decode()


def test_debug_says_which_results_the_answer_is_made_of() -> None:
    results = {"eu": result(Status.DOWN, Reason.TIMEOUT, NOW_MS + 5), "us": result(code=200)}
    text = debug_text(monitor("up"), results, "").decode()
    assert "eu: down (timeout)" in text and "us: up (ok), begun at 1800000000.000 <- told" in text
    assert text.endswith(probe_text(monitor("up"), results, "").decode())


@pytest.mark.parametrize(
    ("target", "address", "endpoint"),
    [
        ("shop.test", "http://shop.test", None),
        ("https://shop.test", "https://shop.test/", None),
        ("https://shop.test/", "https://shop.test", None),
        ("mail.test:25", "mail.test:25", ("mail.test", 25)),
        ("[2001:db8::1]:25", "[2001:db8::1]:25", ("2001:db8::1", 25)),
        ("mail.test:smtp", "mail.test:smtp", None),
    ],
)
def test_a_target_is_looked_for_as_monitors_write_it(target: str, address: str, endpoint: object) -> None:
    assert address in ProbeQuery(target).addresses and ProbeQuery(target).endpoint == endpoint


@pytest.mark.parametrize("state", ["paused", "unknown"])
def test_a_monitor_without_a_verdict_has_no_success(state: str) -> None:
    text = probe_text(monitor(state), {}, "").decode()
    assert "probe_success" not in text and f'vigil_monitor_state{{state="{state}"}} 1\n' in text
    assert agreeing(state, {}) is None
