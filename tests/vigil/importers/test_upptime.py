"""Upptime: sites by each check, schedules, certificates, and texts that change in each request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.importers.imports import Result, planned


def sites(*given: dict[str, Any], **config: Any) -> Result:
    return planned("upptime", {"sites": list(given), **config})


def site(**fields: Any) -> dict[str, Any]:
    made = sites({"name": "site", "url": "https://shop.example", **fields})
    return next(iter(made.document["monitors"].values()))


@pytest.mark.parametrize(
    ("schedule", "interval", "notes"),
    [("*/15 * * * *", "15m", 1), ("0 * * * *", "1h", 1), ("7 */6 * * *", "6h", 1), ("1,31 * * * *", "5m", 2),
     ("", "5m", 1)],
)  # fmt: skip
def test_the_interval_comes_from_the_schedule(schedule: str, interval: str, notes: int) -> None:
    made = sites({"name": "site", "url": "https://shop.example"}, workflowSchedule={"uptime": schedule})
    assert made.document["monitors"]["site"]["interval"] == interval
    assert len(made.report.notes) == notes


def test_an_address_without_a_scheme_is_fetched_as_curl_does() -> None:
    assert site(url="shop.example")["http"]["url"] == "http://shop.example"
    assert site(url="shop.example", type="globalping")["http"]["url"] == "https://shop.example"
    assert site(url="$SITE/health")["http"]["url"] == "${env:SITE}/health"


def test_each_check_becomes_a_kind() -> None:
    assert site(check="tcp-ping", url="db.example", port=5432)["tcp"] == {"host": "db.example", "port": 5432}
    assert "icmp" in site(check="tcp-ping", url="db.example", type="globalping")
    assert site(check="ssl", url="shop.example")["tls"] == {
        "host": "shop.example", "port": 443, "degraded_days": 0, "down_days": 7
    }  # fmt: skip
    assert site(check="ws", url="wss://shop.example", body='{"token": "obviously-fake"}')["websocket"]["send"] == (
        "${env:SITE_SEND}"
    )
    # What it does not know, it fetches.
    assert "http" in site(check="https")


def test_the_switches_of_curl_are_kept() -> None:
    made = site(__dangerous__insecure=True, maxRedirects=2, requestTimeout=20, maxResponseTime=5000)
    assert made["http"] | {"expected_status": None} == {
        "url": "https://shop.example", "verify_tls": False, "redirect_limit": 2, "expected_status": None,
        "assertions": [{"type": "latency", "degraded_ms": 5000}],
    }  # fmt: skip
    assert made["timeout"] == "20s" and site()["timeout"] == "1m"


def test_a_text_that_changes_in_each_request_is_no_variable() -> None:
    made = sites({"name": "site", "url": "https://shop.example/?x=$DYNAMIC_RANDOM_NUMBER"})
    assert made.document["monitors"]["site"]["http"]["url"] == "https://shop.example/?x=0"
    assert made.report.variables == () and "sent as 0" in made.why("site")


def test_a_port_that_is_a_secret_is_asked_for() -> None:
    made = sites({"name": "db", "url": "db.example", "check": "tcp-ping", "port": "$PORT"})
    assert "write the number in" in made.why("db")
