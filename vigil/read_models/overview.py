"""Overview of a team: counts by state, trouble, groups and rows, in a constant number of queries.

Seven queries, whatever the number of monitors: silences, counts, rows, regions, incidents, unwatched time, latency;
one more where more than a page is in trouble, or what is asked for is ordered by a measured figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, Q, When
from django.db.models.functions import Lower

from vigil.accounts.models import Team
from vigil.history.core.uptime import account
from vigil.history.reading.spans import settled_spans
from vigil.monitors.core.providers import name_of
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor, Region
from vigil.read_models.core.overview_query import GroupBy, OverviewQuery, Sort
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.core.silence_of_regions import silent_since
from vigil.read_models.core.strips import DAY_S
from vigil.read_models.latency import p95_of_last_hour
from vigil.read_models.monitor_facts import WINDOW, MonitorFacts
from vigil.read_models.monitor_rows import UPTIME_DAYS, MonitorRow, monitor_row
from vigil.read_models.states import (
    CALM,
    PURPOSE_NAMES,
    REGIONAL,
    TROUBLE_ORDER,
    Monitors,
    asked,
    grouped,
    loaded,
    rank_of,
    state_shown,
    trouble_order,
    with_states,
)
from vigil.read_models.team_silences import TeamSilences

#: Rows of a page without trouble, and the most of those in trouble that it shows.
ROWS, TROUBLE_MOST = 50, 100
#: Orders by measured figures read all monitors that are asked for; a larger team filters first.
MEASURED_MOST = 5_000
FAILED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class GroupHead:
    """A group of the monitors asked for: how many, how many of them in trouble, and the worst state."""

    key: str
    name: str
    monitors: int
    trouble: int
    worst: ShownState


@dataclass(frozen=True, slots=True)
class Overview:
    """A page of the overview. `counts` are of the whole team, `total` of them; `found` match the query.

    `trouble` holds the first `TROUBLE_MOST` of `trouble_found`, `rows` those after `query.after` of the others;
    `after` is the next place, 0 at the end. `latest_available` is False when Redis did not answer. `problems` are
    lines of words.
    """

    query: OverviewQuery
    now: datetime
    counts: Mapping[ShownState, int]
    regional: int
    total: int
    found: int
    attention: int
    trouble: Sequence[MonitorRow]
    trouble_found: int
    groups: Sequence[GroupHead]
    rows: Sequence[MonitorRow]
    after: int
    latest_available: bool
    problems: Sequence[str]
    changed_at: datetime | None
    #: When the newest result came, if results have stopped: what is shown is old then.
    silent_since: datetime | None


@dataclass(frozen=True, slots=True)
class _Count:
    group: str
    shown: str
    monitors: int
    found: int

    @property
    def rank(self) -> int:
        return rank_of(self.shown)

    @property
    def state(self) -> ShownState:
        return state_shown(self.shown)


def read_overview(team: Team, query: OverviewQuery, now: datetime, known: TeamSilences | None = None) -> Overview:
    """Read a page of the overview; `now` is shown, and decides nothing. The caller may have read the silences."""
    silences = known or TeamSilences.read(team, now - WINDOW, now)
    owned = grouped(team_monitors(team, silences), query.group)
    wanted = asked(owned, query, now - FAILED_WITHIN)
    counted = _counts(owned, wanted, query)
    found = sum(one.found for one in counted)
    problems = list(query.problems)
    if query.sort in (Sort.P95, Sort.UPTIME) and found > MEASURED_MOST:
        problems.append(f"`sort={query.sort}` needs {MEASURED_MOST:,} monitors or fewer; showing problems first.")
    monitors = _rows(wanted, query, counted, silences, now)
    facts = MonitorFacts(monitors, silences, now)
    p95 = p95_of_last_hour(monitors, _region_keys(facts), now)
    rows = [monitor_row(one, facts, p95) for one in monitors]
    calm = [row for row in rows if not row.is_trouble]
    trouble_found = _trouble(counted)
    shown = query.after + len(calm)
    return Overview(
        query=query,
        now=now,
        counts=_by_state(counted),
        regional=sum(one.monitors for one in counted if one.shown == REGIONAL),
        total=sum(one.monitors for one in counted),
        found=found,
        attention=sum(one.monitors for one in counted if one.rank < CALM),
        trouble=[row for row in rows if row.is_trouble],
        trouble_found=trouble_found,
        groups=_heads(counted, query.group),
        rows=calm,
        after=shown if shown < found - trouble_found else 0,
        latest_available=facts.latest.available,
        problems=problems,
        changed_at=max((row.since for row in rows if row.since), default=None),
        silent_since=_silent_since(monitors, rows, facts),
    )


def team_monitors(team: Team, silences: TeamSilences) -> Monitors:
    """Monitors of a team with their states."""
    owned = Monitor.objects.filter(team=team, deleted_at=None)
    return with_states(owned, silences.maintenance_filter())


def _silent_since(monitors: Sequence[Monitor], rows: Sequence[MonitorRow], facts: MonitorFacts) -> datetime | None:
    idle = (ShownState.PAUSED, ShownState.MAINTENANCE)
    watched = [one for one, row in zip(monitors, rows, strict=True) if row.state not in idle and facts.results(one)]
    newest = max((result.at_ms for one in watched for result in facts.results(one).values()), default=None)
    at = None if newest is None else instant(newest)
    return silent_since(at, [one.interval_s for one in watched], facts.now)


def _counts(owned: Monitors, wanted: Monitors, query: OverviewQuery) -> list[_Count]:
    shown = Count("pk", filter=Q(pk__in=wanted.values("pk"))) if query.is_filtered else Count("pk")
    found = owned.order_by().values("group_key", "shown").annotate(monitors=Count("pk"), found=shown)
    rows = found.values_list("group_key", "shown", "monitors", "found")
    return [_Count(group or "", *numbers) for group, *numbers in rows]


def _rows(
    wanted: Monitors, query: OverviewQuery, counted: Sequence[_Count], silences: TeamSilences, now: datetime
) -> list[Monitor]:
    """Monitors of the page: those in trouble, which only its first part shows, then calm ones. Mostly one query."""
    full = loaded(wanted)
    newest = F("believed__since").desc(nulls_last=True)
    first: list[Any] = {Sort.NAME: [], Sort.CHANGED: [newest]}.get(query.sort, ["group_key"])
    since = Case(When(shown__in=TROUBLE_ORDER, then=F("believed__since"))).desc(nulls_last=True)
    ordered = full.order_by(trouble_order().asc(nulls_last=True), since, *first, Lower("name"), "pk")
    found, trouble = sum(one.found for one in counted), _trouble(counted)
    if query.sort in (Sort.P95, Sort.UPTIME) and found <= MEASURED_MOST:
        keys = _measured(wanted.exclude(shown__in=TROUBLE_ORDER), query.sort, silences, now)
        calm = full.in_bulk(keys[query.after : query.after + ROWS])
        worst = [] if query.after else ordered[: min(trouble, TROUBLE_MOST)]
        return [*worst, *sorted(calm.values(), key=_place_in(keys))]
    if query.after or trouble > TROUBLE_MOST:
        start = trouble + query.after
        return [*([] if query.after else ordered[:TROUBLE_MOST]), *ordered[start : start + ROWS]]
    return list(ordered[: trouble + ROWS])


def _trouble(counted: Iterable[_Count]) -> int:
    return sum(one.found for one in counted if one.rank < CALM)


def _place_in(keys: Sequence[int]) -> Callable[[Monitor], int]:
    places = {key: place for place, key in enumerate(keys)}
    return lambda one: places[one.pk]


def _measured(calm: Monitors, sort: Sort, silences: TeamSilences, now: datetime) -> list[int]:
    """Keys in the order of a measured figure: the slowest, or the least up, first; those without a figure last."""
    monitors = list(calm.order_by(Lower("name"), "pk"))
    if sort is Sort.P95:
        p95 = p95_of_last_hour(monitors, list(Region.objects.values_list("pk", flat=True)), now)
        return [one.pk for one in sorted(monitors, key=lambda one: -p95.get(one.pk, -1.0))]
    end = int(now.timestamp())
    window = (end - UPTIME_DAYS * DAY_S, end)
    start = datetime.fromtimestamp(window[0], now.tzinfo)
    spans = settled_spans(monitors, window, silences.maintained(monitors, start, now))
    ratios = {key: account(one, window).ratio for key, one in spans.items()}
    return [one.pk for one in sorted(monitors, key=lambda one: _least_up(ratios[one.pk]))]


def _least_up(ratio: float | None) -> float:
    return 2.0 if ratio is None else ratio


def _region_keys(facts: MonitorFacts) -> list[int]:
    return sorted({region.key for each in facts.regions.values() for region in each})


def _by_state(counted: Iterable[_Count]) -> Mapping[ShownState, int]:
    found: Counter[ShownState] = Counter()
    for one in counted:
        found[one.state] += one.monitors
    return {state: found[state] for state in ShownState}


def _heads(counted: Iterable[_Count], group: GroupBy) -> list[GroupHead]:
    """Heads of the groups that have a monitor asked for, in the order of their keys."""
    by_key: dict[str, list[_Count]] = {}
    for one in counted:
        if one.found:
            by_key.setdefault(one.group, []).append(one)
    return [
        GroupHead(
            key,
            group_name(group, key),
            sum(one.found for one in each),
            sum(one.found for one in each if one.rank < CALM),
            min((one for one in each if one.found), key=lambda one: (one.rank, one.state is not ShownState.UP)).state,
        )
        for key, each in sorted(by_key.items())
    ]


def group_name(group: GroupBy, key: str) -> str:
    """A group's name for people."""
    if group is GroupBy.PURPOSE:
        return PURPOSE_NAMES[key]
    if group is GroupBy.PROVIDER:
        return name_of(key) if key else "No known provider"
    return key or ("Without a tag" if group is GroupBy.TAG else "All monitors")
