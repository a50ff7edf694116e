"""Page of one monitor: its row, uptime beside reachability, last results and incidents; its provider's own status.

Eight queries. The provider's status, the chart (`latency_chart`) and who would be told are read apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Q

from probes.wire import Result
from vigil.accounts.models import Team
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.feeds.core.testimony import lead_s
from vigil.feeds.models import Feed, FeedPost
from vigil.feeds.witnesses import declared_of
from vigil.history.core import rollups
from vigil.history.core.rollups import Rollup
from vigil.history.core.uptime import Span, Uptime, account
from vigil.history.reading import read
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.incidents.models import Incident
from vigil.monitors.core.providers import name_of
from vigil.monitors.core.result_facts import KeyAllowance, allowances, as_number, engine_load
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.core.strips import DAY_S
from vigil.read_models.latency import p95_of_last_hour
from vigil.read_models.monitor_facts import WINDOW, MonitorFacts, PageRegion
from vigil.read_models.monitor_rows import UPTIME_DAYS, MonitorRow, monitor_row
from vigil.read_models.overview import team_monitors
from vigil.read_models.states import loaded
from vigil.read_models.team_silences import TeamSilences

BANDS_MOST = 200
POSTS_MOST = 3
#: A post is about our incident if it came this near to it.
_NEAR = timedelta(hours=3)

_DAYS = "SELECT day, payload FROM history_rolledday WHERE monitor = %s AND day BETWEEN %s AND %s"


@dataclass(frozen=True, slots=True)
class LastResult:
    """The last result of one region; durations in ms by phase; `state` is UNKNOWN and the rest empty without one."""

    region: str
    domain: str
    state: ShownState
    at: datetime | None = None
    reason: str = ""
    detail: str = ""
    code: int = 0
    phases_ms: Mapping[str, float] | None = None
    facts: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time behind charts: an incident (its kind, title and id) or maintenance; `end` None while open."""

    kind: str
    start: datetime
    end: datetime | None
    title: str = ""
    incident: str = ""


@dataclass(frozen=True, slots=True)
class ProviderPost:
    """A post of the provider's status page; `lead_s` is how much sooner we saw the incident it is about."""

    title: str
    seen_at: datetime
    ended_at: datetime | None
    lead_s: float | None


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """What the provider says itself: open posts, the last ended ones, and when its page was last readable."""

    name: str
    read_at: datetime | None
    problem: str
    posts: Sequence[ProviderPost]

    @property
    def is_operational(self) -> bool:
        return all(post.ended_at is not None for post in self.posts)


@dataclass(frozen=True, slots=True)
class MonitorPage:
    """Everything of the page but its chart. `window` bounds uptime, reachability and unknown time, in UTC.

    `reachability` is the share of single checks that passed; `uptime` time not down; `unknown_s` is in neither.
    """

    monitor: Monitor
    row: MonitorRow
    regions: Sequence[PageRegion]
    window: tuple[datetime, datetime]
    uptime: Uptime
    reachability: float | None
    checks: int
    unknown_s: int
    results: Sequence[LastResult]
    certificate_days: float | None
    headroom: KeyAllowance | None
    engine: Mapping[str, float]
    bands: Sequence[Band]


def read_monitor_page(team: Team, public_id: str, now: datetime) -> MonitorPage | None:
    """Read the page; None where the team has no such monitor."""
    silences = TeamSilences.read(team, now - WINDOW, now)
    monitor = _load(team, public_id, silences)
    if monitor is None:
        return None
    facts = MonitorFacts([monitor], silences, now)
    regions = facts.regions.get(monitor.pk, [])
    keys = [region.key for region in regions]
    row = monitor_row(monitor, facts, p95_of_last_hour([monitor], keys, now))
    end = int(now.timestamp())
    window = (end - UPTIME_DAYS * DAY_S, end)
    spans = facts.spans(monitor)
    rolled = _checks(monitor.pk, keys, window)
    told = facts.counted(monitor)
    return MonitorPage(
        monitor=monitor,
        row=row,
        regions=regions,
        window=(datetime.fromtimestamp(window[0], UTC), datetime.fromtimestamp(end, UTC)),
        uptime=account(spans.settled, window),
        reachability=_reachability(rolled),
        checks=rolled.checks,
        unknown_s=sum(max(0, min(until, end) - max(start, window[0])) for start, until in spans.unknown),
        results=_last_results(row, regions, facts.results(monitor)),
        certificate_days=_least(told, "certificate_days"),
        headroom=_least_left(told),
        engine=_engine(told),
        bands=bands_of(facts, monitor),
    )


def _load(team: Team, public_id: str, silences: TeamSilences) -> Monitor | None:
    found = loaded(team_monitors(team, silences).filter(public_id=public_id))
    monitor: Monitor | None = found.first()
    return monitor


def _checks(monitor: int, regions: Sequence[int], window: Span) -> Rollup:
    """Counts of the window's checks: days that are rolled up, and the checks of the others."""
    first, last = window[0] // DAY_S + 1, window[1] // DAY_S
    total, rolled = Rollup(), set()
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [monitor, first, last - 1])
        for day, payload in cursor.fetchall():
            rolled.add(day)
            rollups.add_regions(payload, total, frozenset(regions))
    # Days are rolled up in order, so what is missing are the newest.
    begin = max((day + 1 for day in rolled), default=max(first, last - 1))
    for steps in read.by_step(monitor, regions, begin * DAY_MS, window[1] * 1000, DAY_MS).values():
        for one in steps.values():
            total.add(one)
    return total


def _reachability(rolled: Rollup) -> float | None:
    up, degraded, down, _ = rolled.counts
    seen = up + degraded + down
    return (up + degraded) / seen if seen else None


def _last_results(
    row: MonitorRow, regions: Sequence[PageRegion], results: Mapping[str, Result]
) -> Sequence[LastResult]:
    states = {shape.region: shape.state for shape in row.regions}
    return [_last(region, states.get(region.slug, ShownState.UNKNOWN), results.get(region.slug)) for region in regions]


def _last(region: PageRegion, state: ShownState, result: Result | None) -> LastResult:
    if result is None:
        return LastResult(region.slug, region.domain, ShownState.UNKNOWN)
    phases = result.phases
    measured = {
        "dns": phases.dns_us,
        "connect": phases.connect_us,
        "tls": phases.tls_us,
        "first byte": phases.first_byte_us,
        "total": phases.total_us,
    }
    return LastResult(
        region.slug,
        region.domain,
        state,
        instant(result.started_ms or result.at_ms),
        reason_in_words(result.reason.value),
        result.detail,
        result.code,
        {name: us / 1000 for name, us in measured.items()},
        result.facts,
    )


def _least(told: Sequence[Mapping[str, object]], name: str) -> float | None:
    return min((number for facts in told if (number := as_number(facts.get(name))) is not None), default=None)


def _least_left(told: Sequence[Mapping[str, object]]) -> KeyAllowance | None:
    """The quota with the least left, in any region."""
    found = [one for facts in told for one in allowances(facts) if one.left is not None]
    return min(found, key=lambda one: one.left or 0.0, default=None)


def _engine(told: Sequence[Mapping[str, object]]) -> Mapping[str, float]:
    return next((load for facts in told if (load := engine_load(facts))), {})


def bands_of(facts: MonitorFacts, monitor: Monitor) -> list[Band]:
    """Incidents and maintenance of ninety days, newest first."""
    found = [Band(one.kind, one.started_at, one.resolved_at, one.title, one.public_id) for one in facts.incidents]
    for start, end in facts.spans(monitor).settled.maintenance:
        found.append(Band("maintenance", datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)))
    return sorted(found, key=lambda band: band.start, reverse=True)[:BANDS_MOST]


def read_provider_status(monitor: Monitor) -> ProviderStatus | None:
    """What the provider says itself, where its feed is read; the lead is over our incident nearest to the post."""
    feed = Feed.objects.filter(provider=monitor.provider, enabled=True).first() if monitor.provider else None
    if feed is None:
        return None
    posts = list(feed.posts.order_by("-seen_at")[:POSTS_MOST])
    near = Q(pk__in=[])
    for post in posts:
        near |= Q(opened_at__range=(post.seen_at - _NEAR, post.seen_at + _NEAR))
    ours = list(Incident.objects.filter(near, monitor=monitor)[:BANDS_MOST]) if posts else []
    shown = [ProviderPost(post.title, post.seen_at, post.ended_at, _lead_s(post, ours)) for post in posts]
    return ProviderStatus(name_of(monitor.provider), feed.ok_at, feed.problem, shown)


def _lead_s(post: FeedPost, incidents: Sequence[Incident]) -> float | None:
    near = [one.opened_at for one in incidents if abs(post.seen_at - one.opened_at) < _NEAR]
    return lead_s(declared_of(post), min(near, key=lambda at: abs(post.seen_at - at))) if near else None
