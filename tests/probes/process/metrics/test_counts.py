"""Counts of a process: what is added, what is bounded, and the text that Prometheus' own checker takes."""

from __future__ import annotations

import subprocess
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from probes.process.health import Health
from probes.process.metrics.counts import OTHERS, SERIES_MOST, ProcessCounts
from probes.process.metrics.families import (
    AWAY,
    CHECKS,
    FAMILIES,
    IN_FLIGHT,
    LEADING,
    PINGS,
    READY,
    ROUNDS_OPEN,
    SCHEDULE_LAG,
    TURN_AGE,
    MetricKind,
)
from probes.process.metrics.page import servers_away


def test_counters_add_up_over_batches_and_gauges_are_replaced() -> None:
    counts = ProcessCounts()
    counts.add_each(CHECKS, {("eu", "UP", "ok"): 3.0, ("eu", "DOWN", "timeout"): 1.0})
    counts.add(CHECKS, "eu", "UP", "ok", by=2)
    for load in (5, 2):
        counts.set(IN_FLIGHT, load, "eu")
    assert counts.values() == {
        CHECKS: {("eu", "UP", "ok"): 5.0, ("eu", "DOWN", "timeout"): 1.0},
        IN_FLIGHT: {("eu",): 2.0},
    }


def test_an_observation_falls_into_the_first_bucket_that_holds_it() -> None:
    counts = ProcessCounts()
    for seconds in (-3.0, 0.01, 0.2, 1_000.0):
        counts.observe(SCHEDULE_LAG, seconds)
    [found] = counts.histograms()[SCHEDULE_LAG].values()
    assert (found.counts[0], found.counts[4], found.counts[-1], sum(found.counts)) == (2, 1, 1, 4)
    assert found.total == pytest.approx(1_000.21)


def test_series_beyond_the_bound_are_one() -> None:
    counts = ProcessCounts()
    for number in range(SERIES_MOST + 50):
        counts.add(PINGS, f"made-up-{number}")
    found = counts.values()[PINGS]
    assert len(found) == SERIES_MOST + 1 and found[(OTHERS,)] == 50


def test_a_sample_with_other_labels_than_its_family_is_refused() -> None:
    with pytest.raises(ValueError, match="vigil_checks has the labels"):
        ProcessCounts().add(CHECKS, "eu")


def test_nothing_is_lost_between_threads() -> None:
    counts = ProcessCounts()

    def count() -> None:
        for _ in range(500):
            counts.add(PINGS, "accepted")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.values()[PINGS] == {("accepted",): 2_000.0}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, set()),
        ({"away": None}, set()),
        ({"away": "Redis is away: timeout"}, {"redis"}),
        ({"away": "PostgreSQL takes no connections yet"}, {"postgresql"}),
        ({"away": "a turn failed: KeyError"}, set()),
        ({"database": False}, {"postgresql"}),
        ({"redis": False, "database": True}, {"redis"}),
    ],
)
def test_the_servers_that_a_process_is_without_are_told(facts: dict[str, object], expected: set[str]) -> None:
    assert servers_away(facts) == expected


def everything_counted() -> Health:
    """A process that has a sample of every family."""
    health = Health("dispatch", stale_after_s=15)
    health.mark_ready()
    health.beat(leading=True, open_rounds=2, away="Redis is away")
    for family in FAMILIES:
        labels = [f"a-{name}" for name in family.labels]
        if family.kind is MetricKind.HISTOGRAM:
            health.counts.observe(family, 0.3, *labels)
        elif family not in (READY, TURN_AGE, AWAY, LEADING, ROUNDS_OPEN):
            health.counts.add_each(family, {tuple(labels): 1.0})
    return health


def test_prometheus_own_checker_finds_nothing_to_say_of_any_family() -> None:
    text, content_type = everything_counted().metrics("")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    assert content_type.startswith("text/plain; version=")
    found = {family.name for family in text_string_to_metric_families(text.decode())}
    assert {family.name for family in FAMILIES} | {"vigil_build_info"} == found
