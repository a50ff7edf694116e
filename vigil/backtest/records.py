"""Backtest input: stored checks, present policy and real incidents of a monitor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from consensus.vocabulary import Sensitivity
from vigil.backtest.core.law import BacktestPage, Policy
from vigil.backtest.core.past import Past, PastResult
from vigil.history.reading import read
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor, Region

#: One day per read: a month of one monitor in five regions is 3,600 rows.
_PIECE_MS = 24 * 3_600_000
_KINDS = (IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT, IncidentKind.REGIONAL)


def find_monitor(name: str) -> Monitor | None:
    """A monitor by its id, or by its name if unique."""
    found = list(Monitor.objects.filter(Q(public_id=name) | Q(name=name), deleted_at=None)[:2])
    return found[0] if len(found) == 1 else None


def policy_of(monitor: Monitor) -> Policy:
    """Present policy of the monitor."""
    regions = monitor.regions.filter(enabled=True)
    return Policy(dict(regions.values_list("slug", "domain")), Sensitivity(monitor.sensitivity), monitor.timeout_ms)


def past_of(monitor: Monitor, start_ms: int, end_ms: int) -> Past:
    """Stored checks of a monitor in a range, in all its regions."""
    slugs = dict(Region.objects.values_list("pk", "slug"))
    checks: dict[str, list[PastResult]] = {}
    for begin in range(start_ms, end_ms, _PIECE_MS):
        found = read.checks(monitor.pk, list(slugs), begin, min(begin + _PIECE_MS, end_ms))
        for region, mine in found.items():
            if mine:
                slug = slugs[region]
                checks.setdefault(slug, []).extend(
                    PastResult(one.at_ms, slug, one.status, one.reason, round(one.total_us), one.look) for one in mine
                )
    return Past(checks, monitor.interval_s * 1000)


def incidents_of(monitor: Monitor, start: datetime, end: datetime) -> Sequence[BacktestPage]:
    """Real incidents of the monitor in a range."""
    rows = Incident.objects.filter(monitor=monitor, kind__in=_KINDS, opened_at__gte=start, opened_at__lt=end)
    return [
        BacktestPage(
            IncidentKind(row.kind),
            _ms(row.started_at),
            _ms(row.opened_at),
            row.title,
            _ms(row.resolved_at) if row.resolved_at else 0,
        )
        for row in rows.order_by("opened_at")
    ]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
