"""What a component may show besides its states: response times of ninety days, and what a provider declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from urllib.parse import urlsplit

from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.models import FeedPost
from vigil.history.core.rollups import Rollup
from vigil.history.reading import series
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.monitors.core.providers import name_of
from vigil.monitors.models import Region
from vigil.read_models.core.strips import DAYS
from vigil.status.core.facts import DeclaredPost, ProviderFacts

#: Monitors of a component whose response times are read: the first.
LATENCY_MOST = 5
#: Monitors whose response times are read in one query.
READ_AT_ONCE = 50
#: Open posts of all providers of a page: the newest.
_POSTS_MOST = 50
#: What a feed said that has not been read for longer is not repeated.
_FEED_LASTS = timedelta(minutes=30)
#: Pages of providers whose feed is somewhere else than what people read.
_PAGES = {
    "aws-bedrock": "https://health.aws.amazon.com/health/status",
    "azure": "https://azure.status.microsoft/en-us/status",
}


def provider_facts(providers: Iterable[str], now: datetime) -> Mapping[str, ProviderFacts]:
    """What each of these providers declares now, by its key; one query."""
    wanted = {one for one in providers if one in SOURCES}
    if not wanted:
        return {}
    posts = FeedPost.objects.filter(
        ended_at=None, feed__enabled=True, feed__provider__in=wanted, feed__ok_at__gt=now - _FEED_LASTS
    ).order_by("-seen_at", "-id")
    declared: dict[str, list[DeclaredPost]] = {one: [] for one in wanted}
    for provider, title, at in posts.values_list("feed__provider", "title", "seen_at")[:_POSTS_MOST]:
        declared[provider].append(DeclaredPost(title, at))
    return {one: ProviderFacts(name_of(one), _page_of(one), declared[one]) for one in wanted}


def response_times(components: Mapping[str, Sequence[int]], now: datetime) -> dict[str, list[float | None]]:
    """p95 of each of the last ninety days (UTC) in ms, of the first monitors of each component, the oldest first.

    Monitors are read so many at once: a page with a hundred components holds little of its history in memory.
    """
    last = int(now.timestamp() * 1_000) // DAY_MS
    users: dict[int, list[str]] = {}
    for component, monitors in components.items():
        for monitor in monitors[:LATENCY_MOST]:
            users.setdefault(monitor, []).append(component)
    merged: dict[str, dict[int, Rollup]] = {component: {} for component in components}
    regions = list(Region.objects.values_list("pk", flat=True)) if users else []
    keys = list(users)
    for some in (keys[start : start + READ_AT_ONCE] for start in range(0, len(keys), READ_AT_ONCE)):
        for monitor, of_days in series.days_of(some, regions, last - DAYS + 1, last).items():
            for component, (day, rolled) in product(users[monitor], of_days.items()):
                merged[component].setdefault(day, Rollup()).add(rolled)
    found = {
        one: {day: rolled.percentiles_ms([0.95])[0] for day, rolled in days.items()} for one, days in merged.items()
    }
    return {one: [days.get(day) for day in range(last - DAYS + 1, last + 1)] for one, days in found.items()}


def _page_of(provider: str) -> str:
    """The provider's own page: never the address of a feed that somebody has put in its place."""
    parts = urlsplit(SOURCES[provider].url)
    return _PAGES.get(provider, f"https://{parts.hostname}/")
