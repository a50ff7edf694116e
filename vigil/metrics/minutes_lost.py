"""Metrics of the error budgets of providers and models: minutes lost by whose fault, and what is left."""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.db.models import Exists, OuterRef
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from vigil.accounts.models import Team
from vigil.clock import database_now
from vigil.history.core.minutes_lost import LossClass
from vigil.history.reading.minutes_lost import ProviderBudget, provider_budgets
from vigil.metrics.registry import OTHERS
from vigil.monitors.models import Monitor

#: Reading incidents and checks of a month may take longer than a scrape should: a hundredth of the time at most (s).
FRESH_LEAST_S, FRESH_MOST_S, COST = 30.0, 600.0, 100
TEAMS_MOST = 50
#: Models with labels of their own; members name them, so their number is bounded.
MODELS_MOST = 200


class MinutesLostCollector(Collector):
    """Reads the budgets twice a minute at most. Of a pair that several teams watch, minutes add up.

    Raises `django.db.Error` when PostgreSQL is away.
    """

    def __init__(self) -> None:
        self._found: list[GaugeMetricFamily] = []
        self._fresh_until_s = 0.0

    def collect(self) -> Iterable[GaugeMetricFamily]:
        begun_s = time.monotonic()
        if begun_s >= self._fresh_until_s:
            now = database_now()
            watched = Monitor.objects.filter(team=OuterRef("pk"), deleted_at=None).exclude(provider="")
            teams = Team.objects.filter(Exists(watched)).order_by("pk")[:TEAMS_MOST]
            self._found = families([one for team in teams for one in provider_budgets(team, now)])
            took_s = time.monotonic() - begun_s
            self._fresh_until_s = begun_s + min(FRESH_MOST_S, max(FRESH_LEAST_S, COST * took_s))
        return self._found


def families(budgets: Iterable[ProviderBudget]) -> list[GaugeMetricFamily]:
    """The metrics of some budgets; `model` is empty for a provider as a whole."""
    minutes: dict[tuple[str, str, str], float] = {}
    left: dict[tuple[str, str], float] = {}
    named: set[tuple[str, str]] = set()
    for one in budgets:
        key = (one.provider, one.model)
        if one.model and key not in named and len(named) >= MODELS_MOST:
            key = (one.provider, OTHERS)
        named.add(key)
        for loss in LossClass:
            place = (*key, loss.value)
            minutes[place] = minutes.get(place, 0.0) + one.lost.of(loss) / 60
        left[key] = min(left.get(key, 1.0), one.status.budget.left)
    lost = GaugeMetricFamily(
        "vigil_ai_minutes_lost",
        "Minutes down, refused or degraded within the objective's window, by whose fault.",
        labels=["provider", "model", "class"],
    )
    for labels, value in sorted(minutes.items()):
        lost.add_metric(labels, value)
    remaining = GaugeMetricFamily(
        "vigil_ai_error_budget_left", "Part of the error budget that is left, the least of any team.",
        labels=["provider", "model"],
    )  # fmt: skip
    for pair, value in sorted(left.items()):
        remaining.add_metric(pair, value)
    return [lost, remaining]
