"""Facts of status pages, read in twelve queries a page, whatever it holds, and from Redis in three."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import redis
from django.db.models import Q

from probes.process.liveness import silent_parts
from vigil.control_keys import control_macs
from vigil.history.core.uptime import Settled, Span, maintained
from vigil.history.reading.spans import settled_spans
from vigil.monitors.live.results import instant, latest_results, redis_client
from vigil.monitors.models import DerivedKind, Monitor, Region
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.core.silence_of_regions import silent_since
from vigil.read_models.core.strips import DAY_S, DAYS, last_slots
from vigil.read_models.overview import team_monitors
from vigil.read_models.states import state_shown
from vigil.read_models.team_silences import TeamSilences
from vigil.status.component_facts import provider_facts, response_times
from vigil.status.core.facts import ComponentFacts, PageFacts, ProviderFacts, PublicIncidentFacts
from vigil.status.core.history.year import YEAR_DAYS, PageYear, incidents_by_day, year_of
from vigil.status.core.look.pictures import CheckedPicture, PictureRole
from vigil.status.models import PageComponent, PagePicture, StatusPage
from vigil.status.public_incidents.reading import incidents_since, maintained_spans, public_incidents

#: How old a year may be: but for today its days are over.
YEAR_KEPT = timedelta(minutes=10)
#: Monitors behind a page; a page with more shows the first.
MONITORS_MOST = 2_000
#: Monitors that are asked whether results come: those with the shortest intervals, of which the silence tells first.
ASKED_MOST = 50
#: Parts between a result and the state that it leads to.
_JUDGING = ("consensus", "ingest")
_IDLE = (ShownState.PAUSED, ShownState.MAINTENANCE)
_UNCHECKED = frozenset(DerivedKind)


@dataclass(slots=True)
class _Seen:
    """What is known of the monitors behind a page: themselves, what is by key, and their keys by tag."""

    monitors: Sequence[Monitor] = ()
    shown: dict[int, ShownState] = field(default_factory=dict)
    spans: Mapping[int, Settled] = field(default_factory=dict)
    tagged: dict[str, list[int]] = field(default_factory=dict)
    #: Spans of planned maintenance, by the key of a component.
    maintained: Mapping[int, list[Span]] = field(default_factory=dict)
    providers: Mapping[str, ProviderFacts] = field(default_factory=dict)


def read_facts(page: StatusPage, now: datetime, heard_before: datetime | None = None) -> PageFacts:
    """All that the projection of a page may know. `heard_before`: when it was heard last, as far as was known."""
    components = list(page.components.all())
    seen = _seen(page, components, now)
    incidents, earlier = public_incidents(page, now)
    seen.providers = provider_facts({one.provider for one in components}, now)
    return PageFacts(
        id=page.public_id,
        slug=page.slug,
        title=page.title,
        header=page.header,
        footer=page.footer,
        access=page.readers,
        domain=page.domain,
        language=page.language,
        accent=page.accent,
        pictures={PictureRole(one.role): _picture(one) for one in page.pictures.all()},
        created_at=page.created_at,
        now=now,
        changed_at=_changed_at(page, seen, incidents),
        heard_at=_heard_at(seen, heard_before, now),
        components=_in_groups([_component(one, seen) for one in components]),
        incidents=incidents,
        earlier=earlier,
    )


def read_year(page: StatusPage, now: datetime) -> PageYear:
    """The last 365 days of a page, in a number of queries that depends on none of what it holds."""
    components = list(page.components.all())
    seen = _seen(page, components, now, YEAR_DAYS)
    year = year_of([_component(one, seen) for one in components], _year_incidents(page, now), now)
    shown = {one.public_id: _keys(one, seen) for one in components if one.shows_latency}
    return replace(year, latency=response_times(shown, now))


def _year_incidents(page: StatusPage, now: datetime) -> list[PublicIncidentFacts]:
    return incidents_since(page, now - timedelta(days=YEAR_DAYS), now)


class PageYears:
    """Years by the ids of pages, with the revision of which they are. A page is not held up by the reading of one."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, PageYear]] = {}

    def at_hand(self, page: StatusPage, now: datetime) -> PageYear:
        """The year of a page as it was read last, with what was said since; read now for the first time alone."""
        if page.public_id not in self._kept:
            return self.renew(page, now)
        revision, year = self._kept[page.public_id]
        if revision == page.revision:
            return year
        # What was taken back is on no page from now on.
        return replace(year, incidents=incidents_by_day(_year_incidents(page, now), now, YEAR_DAYS))

    def old_ones(self, pages: Sequence[StatusPage], now: datetime) -> list[StatusPage]:
        """Those whose year was read of another revision, or too long ago; the oldest year first."""
        found = [(*self._kept[one.public_id], one) for one in pages if one.public_id in self._kept]
        old = [each for each in found if each[0] != each[2].revision or now - each[1].at >= YEAR_KEPT]
        return [page for _, _, page in sorted(old, key=lambda each: each[1].at)]

    def renew(self, page: StatusPage, now: datetime) -> PageYear:
        """Read the year of a page."""
        year = read_year(page, now)
        self._kept[page.public_id] = (page.revision, year)
        return year

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget the years of other pages."""
        self._kept = {key: kept for key, kept in self._kept.items() if key in ids}


def _seen(page: StatusPage, components: Sequence[PageComponent], now: datetime, count: int = DAYS) -> _Seen:
    named = Q(pk__in=[one.monitor_id for one in components if one.monitor_id])
    tags = {one.tag for one in components if one.tag}
    for tag in tags:
        named |= Q(tags__contains=[tag])
    slots = last_slots(int(now.timestamp()), DAY_S, count)
    window = (slots[0][0], min(slots[-1][1], int(now.timestamp())))
    start = datetime.fromtimestamp(window[0], now.tzinfo)
    silences = TeamSilences.read(page.team, start, now)
    monitors: list[Any] = list(
        team_monitors(page.team, silences)
        .filter(named)
        .select_related("believed", "heartbeat")
        .order_by("pk")[:MONITORS_MOST]
    )
    spans = settled_spans(monitors, window, silences.maintained(monitors, start, now))
    seen = _Seen(monitors, {one.pk: state_shown(one.shown) for one in monitors}, spans)
    seen.maintained = maintained_spans(page, start, now)
    for one in monitors:
        for tag in tags.intersection(one.tags):
            seen.tagged.setdefault(tag, []).append(one.pk)
    return seen


def _changed_at(page: StatusPage, seen: _Seen, incidents: Sequence[PublicIncidentFacts]) -> datetime:
    """The newest time of what it shows: of the page, of what was said, and of the states of its monitors."""
    states = (getattr(one, name, None) for one in seen.monitors for name in ("believed", "heartbeat"))
    times = [page.updated_at, *(one.updated_at for one in incidents)]
    return max([*times, *(one.since for one in states if one is not None and one.since is not None)])


def _heard_at(seen: _Seen, before: datetime | None, now: datetime) -> datetime:
    """When what is measured was heard last; `now` while results come, and where none are to come."""
    watched = [one for one in seen.monitors if one.kind not in _UNCHECKED and seen.shown[one.pk] not in _IDLE]
    asked = sorted(watched, key=lambda one: one.interval_s)[:ASKED_MOST]
    regions = Region.objects.filter(enabled=True, monitors__in=asked).distinct() if asked else Region.objects.none()
    latest = latest_results([one.public_id for one in asked], [one.slug for one in regions])
    if not latest.available:
        return before or now
    heard = [one for one in asked if latest.of(one.public_id)]
    newest = max((result.at_ms for one in heard for result in latest.of(one.public_id).values()), default=None)
    at = None if newest is None else instant(newest)
    silent = silent_since(at, [one.interval_s for one in heard], now)
    if silent is not None:
        return silent
    return now if not asked or _is_judged() else before or now


def _is_judged() -> bool:
    """Whether results lead to states: else they come, and change nothing that is shown."""
    try:
        return not silent_parts(redis_client(), _JUDGING, control_macs())
    except redis.RedisError:
        return False


def _keys(row: PageComponent, seen: _Seen) -> list[int]:
    keys = [row.monitor_id] if row.monitor_id else seen.tagged.get(row.tag, [])
    return [key for key in keys if key is not None and key in seen.shown]


def _component(row: PageComponent, seen: _Seen) -> ComponentFacts:
    keys = _keys(row, seen)
    return ComponentFacts(
        id=row.public_id,
        name=row.name,
        group=row.group,
        description=row.description,
        position=row.position,
        created_at=row.created_at,
        provider=seen.providers.get(row.provider),
        shown=[seen.shown[key] for key in keys],
        spans=[maintained(seen.spans[key], seen.maintained.get(row.pk, ())) for key in keys],
    )


def _picture(row: PagePicture) -> CheckedPicture:
    return CheckedPicture(bytes(row.content), row.ending, row.width, row.height)


def _in_groups(components: Sequence[ComponentFacts]) -> list[ComponentFacts]:
    """Members of a group side by side, groups in the order of their first."""
    first: dict[str, int] = {}
    for one in components:
        first.setdefault(one.group, one.position)
    return sorted(components, key=lambda one: (first[one.group], one.position))
