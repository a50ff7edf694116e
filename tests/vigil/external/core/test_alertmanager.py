"""Alertmanager's payloads: what group they tell of, until when it is vouched for, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vigil.external.core import alertmanager
from vigil.external.core.alertmanager import ALERTS_MOST, VOUCHED, VOUCHED_MOST, BadReport, ReportedTrouble

NOW = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
NO_END = "0001-01-01T00:00:00Z"


def one(status: str = "firing", ends_at: str = NO_END, **more: Any) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "DiskFull", "instance": "db-1"},
        "annotations": {"summary": "97 % used"},
        "startsAt": "2030-01-02T11:50:00.5Z",
        "endsAt": ends_at,
        "generatorURL": "http://prometheus.test/graph",
        "fingerprint": "ab",
        **more,
    }


def payload(status: str = "firing", *alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": '{}:{alertname="DiskFull"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "vigil",
        "groupLabels": {"alertname": "DiskFull"},
        "commonLabels": {"alertname": "DiskFull", "severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.test",
        "alerts": list(alerts) or [one(status)],
        **more,
    }


def read_report(document: object, now: datetime) -> ReportedTrouble:
    found = alertmanager.read_report(document, now, "https://vigil.test/incidents/")
    assert found is not None
    return found


def test_what_came_from_here_is_no_report() -> None:
    ours = one(generatorURL="https://vigil.test/incidents/inc_1")
    for status in ("firing", "resolved"):
        assert (
            alertmanager.read_report(payload(status, {**ours, "status": status}), NOW, "https://vigil.test/i") is None
        )
    assert read_report(payload("firing", ours, one()), NOW).text.count("DiskFull") == 1


def test_of_a_group_with_our_own_the_others_say_whether_it_fires() -> None:
    ours = one(generatorURL="https://vigil.test/incidents/inc_1")
    assert not read_report(payload("firing", ours, one("resolved")), NOW).is_firing


def test_grafana_s_contact_point_tells_the_same() -> None:
    of_grafana = {"orgId": 1, "title": "[FIRING:1]", "state": "alerting", "message": "**Firing**"}
    alert = one(silenceURL="http://grafana.test/s", values={"B": 44.2, "C": 1}, annotations=None)
    found = read_report(payload("firing", alert, version="1", commonAnnotations=None, **of_grafana), NOW)
    assert (found.is_firing, found.title, found.text) == (True, "DiskFull", "DiskFull: instance=db-1")
    assert found.key == read_report(payload(), NOW).key


def test_no_character_in_a_text_keeps_a_group_from_being_told() -> None:
    told = json.dumps(payload("firing", one(annotations={"summary": "a\x00\u202eb\x1b[31m"}))).encode()
    found = alertmanager.read_body(told, NOW)
    assert found is not None and found.text == "DiskFull: a b [31m: instance=db-1"
    for body in (b"", b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}'):
        with pytest.raises(BadReport, match=r"no JSON|no payload"):
            alertmanager.read_body(body, NOW)


def test_a_firing_group_is_one_trouble_since_its_first_alert() -> None:
    found = read_report(payload(), NOW)
    assert (found.is_firing, found.title) == (True, "DiskFull")
    assert found.text == "DiskFull: 97 % used: instance=db-1"
    assert found.started_at == datetime(2030, 1, 2, 11, 50, 0, 500_000, tzinfo=UTC)


def test_the_key_is_that_of_the_group_whatever_its_alerts_are() -> None:
    keys = {read_report(payload(*given), NOW).key for given in (("firing",), ("resolved",), ("firing", one(), one()))}
    assert len(keys) == 1
    assert read_report(payload(groupKey="another"), NOW).key not in keys


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([NO_END], NOW + VOUCHED),
        (["2030-01-02T12:05:00Z"], NOW + timedelta(minutes=5)),
        (["2030-01-02T12:05:00Z", "2030-01-02T14:10:00+02:00"], NOW + timedelta(minutes=10)),
        (["2030-01-02T12:05:00Z", NO_END], NOW + VOUCHED),
        (["2031-01-02T12:05:00Z"], NOW + VOUCHED_MOST),
        (["2029-01-02T12:05:00Z"], NOW + VOUCHED),
        (["soon"], NOW + VOUCHED),
        (["9999-12-31T23:59:59-14:00"], NOW + VOUCHED),
    ],
)
def test_a_group_is_vouched_for_until_its_last_alert_ends(ends: list[str], expected: datetime) -> None:
    assert read_report(payload("firing", *(one(ends_at=end) for end in ends)), NOW).ends_at == expected


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({"commonAnnotations": {"summary": "Disk of db-1"}}, "DiskFull: Disk of db-1"),
        ({"commonLabels": {}, "groupLabels": {"job": "db"}}, "Alerts: db"),
        ({"alerts": [one(), one(), one("resolved")], "truncatedAlerts": 3}, "DiskFull (5 alerts)"),
        ({"commonLabels": {"alertname": "a\u202eb\nc\x00"}}, "a b c"),
        ({"commonLabels": {"alertname": "x" * 5_000}}, "x" * 250),
    ],
)
def test_a_title_is_one_line_whatever_was_sent(more: dict[str, Any], title: str) -> None:
    assert read_report(payload(**more), NOW).title == title


def test_a_start_that_cannot_be_is_now_at_the_latest_and_a_week_ago_at_most() -> None:
    for starts_at, expected in (("2040-01-01T00:00:00Z", NOW), ("2000-01-01T00:00:00Z", NOW - VOUCHED_MOST), ("", NOW)):
        assert read_report(payload("firing", one(startsAt=starts_at)), NOW).started_at == expected


def test_many_alerts_are_told_in_few_lines() -> None:
    found = read_report(payload("firing", *(one() for _ in range(10_000))), NOW)
    assert len(found.text.splitlines()) == 11 and found.text.endswith("and 9990 more.")


@pytest.mark.parametrize(
    "document",
    [
        None, [], {}, {"version": "4"}, payload(version="3"), payload(status="pending"), payload(groupKey=""),
        payload(groupKey=7), payload("firing", one("resolved")), payload(alerts=[one()] * (ALERTS_MOST + 1)),
        payload(commonLabels={str(number): "x" for number in range(65)}), payload("firing", one(labels={"a": {}})),
    ],
)  # fmt: skip
def test_what_is_no_such_payload_is_refused_with_why(document: object) -> None:
    with pytest.raises(BadReport, match=r"no payload of an Alertmanager webhook|none of its alerts is"):
        read_report(document, NOW)
