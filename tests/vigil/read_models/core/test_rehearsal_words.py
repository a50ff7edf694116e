"""A rehearsal says how often another rule would have paged, and how short those pages were."""

from __future__ import annotations

from vigil.backtest.core.law import BacktestPage
from vigil.incidents.core.model import IncidentKind
from vigil.read_models.core.rehearsal_words import days_within, in_words


def page(opened_ms: int, lasted_s: int) -> BacktestPage:
    return BacktestPage(IncidentKind.OUTAGE, opened_ms, opened_ms, "down", opened_ms + lasted_s * 1000)


def test_it_says_how_often_and_how_short() -> None:
    long, short, shorter = page(0, 600), page(10_000_000, 40), page(20_000_000, 30)
    assert in_words("high", 30, [long], [long, short, shorter]) == (
        "Under high, 30 days would have paged 3 times instead of 1. Two of them ended within 40 s."
    )
    assert in_words("low", 1, [long], [long]) == "Under low, 1 day would have paged once, as now."
    assert in_words("low", 30, [long], []) == "Under low, 30 days would not have paged. Now they page once."
    assert in_words("low", 30, [], []) == "Under low, 30 days would not have paged, as now."


def test_a_monitor_with_many_checks_is_replayed_over_fewer_days() -> None:
    assert days_within(250_000, 60, 5) == 30
    assert days_within(250_000, 5, 5) == 2
    assert days_within(250_000, 5, 50) == 1
