"""Drift of stored models lists: decides what is to be told, and remembers it with the notice in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import transaction

from probes.ai.models.listed import LIST_LIFE_S
from probes.process.isolation import Each, plainly
from vigil.model_watch.core.drift import AGAIN, DriftState, SeenChange, begin, decide, told_key
from vigil.model_watch.core.drift_words import before_and_after, digest_of, title_of
from vigil.model_watch.core.list_changes import Rows
from vigil.model_watch.core.used_models import PROVIDERS, models_named
from vigil.model_watch.models import ListState, SeenList
from vigil.model_watch.packed import packed, unpacked
from vigil.monitors.models import Monitor
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.tell import EnqueueNotices, tell, told_lately

#: Drift notices of one team in a day: a region that lies, or a server that lists at random, tells no more.
A_DAY_MOST = 50
#: Lists of other monitors that are asked whether they told a change.
OTHERS_MOST = 200
#: Providers whose list is that of the reader's own server: the monitor's name says more.
_OWN = frozenset({"litellm"})


def waiting() -> set[int]:
    """Monitors with a list that was not looked at yet, or a change that had not settled."""
    return set(ListState.objects.filter(waits=True).values_list("pk", flat=True))


def look_at(
    monitors: Iterable[int],
    now: datetime,
    enqueue: EnqueueNotices,
    each: Each = plainly,
    held: Collection[str] = (),
) -> int:
    """Decide about the lists of these monitors; returns how many notices were told.

    Lists of regions in quarantine (`held`) do not count.
    """
    return sum(each("drift", sorted(monitors), lambda monitor: _look_at_one(monitor, now, enqueue, held), 0))


def _look_at_one(monitor: int, now: datetime, enqueue: EnqueueNotices, held: Collection[str]) -> int:
    with transaction.atomic():
        found = Monitor.objects.filter(pk=monitor, deleted_at=None).first()
        if found is None:
            ListState.objects.filter(pk=monitor).delete()
            return 0
        # Locked before the lists are read: one that comes meanwhile is looked at again.
        row = ListState.objects.select_for_update().filter(pk=monitor).first()
        seen = _seen(found, now, held)
        if not seen:
            ListState.objects.filter(pk=monitor, waits=True).update(waits=False)
            return 0
        if row is None or row.revision != found.revision:
            begun = begin(seen, now, _moments(row.told)) if row else begin(seen, now, {})
            _store(monitor, found.revision, replace(begun, told_at=row.told_at if row else None), waits=True)
            return 0
        drift = decide(_state(row), seen, now, {one.model for one in models_named(found.config)})
        if not drift.tell:
            _store(monitor, found.revision, drift.state, waits=drift.waits)
            return 0
        if told_lately(NoticeKind.MODELS_CHANGED, now, team=found.team_id) >= A_DAY_MOST:
            return 0
        others = _told_by_others(found, now)
        new = [one for one in drift.tell if told_key(one) not in others]
        state = drift.state if new else replace(drift.state, told_at=row.told_at)
        _store(monitor, found.revision, state, waits=drift.waits)
        return len(tell([_notice(found, new, now)], enqueue)) if new else 0


def _seen(monitor: Monitor, now: datetime, held: Collection[str]) -> dict[str, Rows]:
    """The fresh lists of a monitor as it is now, by region; none that was cut."""
    fresh = SeenList.objects.filter(
        monitor=monitor, revision=monitor.revision, at__gt=now - timedelta(seconds=LIST_LIFE_S)
    ).exclude(region__slug__in=held)
    found = {row.region.slug: (unpacked(row.rows), row.total) for row in fresh.select_related("region")}
    return {slug: rows for slug, (rows, total) in found.items() if rows and total <= len(rows)}


def _state(row: ListState) -> DriftState:
    return DriftState(unpacked(row.rows), _moments(row.pending), _moments(row.told), row.told_at)


def _store(monitor: int, revision: int, state: DriftState, *, waits: bool) -> None:
    stored = {
        "revision": revision,
        "rows": packed(state.rows.values()),
        "pending": {key: at.isoformat() for key, at in state.pending.items()},
        "told": {key: at.isoformat() for key, at in state.told.items()},
        "told_at": state.told_at,
        "waits": waits,
    }
    ListState.objects.update_or_create(pk=monitor, defaults=stored)


def _moments(stored: Mapping[str, str]) -> dict[str, datetime]:
    return {key: datetime.fromisoformat(at).astimezone(UTC) for key, at in stored.items()}


def _told_by_others(monitor: Monitor, now: datetime) -> set[str]:
    """Changes that were told of other monitors of this provider: they read the same list, a little later or earlier."""
    provider = _shared_provider(monitor)
    if not provider:
        return set()
    others = ListState.objects.filter(
        monitor__team=monitor.team_id, monitor__config__provider=provider, told_at__gt=now - AGAIN
    ).exclude(pk=monitor.pk)
    return {key for told in others.values_list("told", flat=True)[:OTHERS_MOST] for key in told}


def _others_of(monitor: Monitor, provider: str) -> tuple[int, ...]:
    """Other monitors that read the same provider's list."""
    reading = Monitor.objects.filter(team=monitor.team_id, deleted_at=None, seen_lists__provider=provider)
    keys = reading.exclude(pk=monitor.pk).order_by("pk").distinct().values_list("pk", flat=True)
    return tuple(keys[:OTHERS_MOST]) if provider else ()


def _shared_provider(monitor: Monitor) -> str:
    """The provider whose list monitors share; empty where the list is that of a server of one's own."""
    provider = str(monitor.config.get("provider") or "")
    return provider if provider in PROVIDERS and provider not in _OWN else ""


def _notice(monitor: Monitor, changes: Collection[SeenChange], now: datetime) -> Notice:
    told = list(changes)
    provider = _shared_provider(monitor)
    before, after = before_and_after(told)
    about = PROVIDERS[provider] if provider else monitor.name
    # Monitors of one provider see the same change: it is told once in a week.
    place = provider or monitor.public_id
    return Notice(
        team=monitor.team_id,
        kind=NoticeKind.MODELS_CHANGED,
        key=f"{place}/{digest_of(told)}/{now:%G-W%V}",
        title=title_of(about, told),
        at=now,
        monitor=monitor.pk,
        before=before,
        after=after,
        others=_others_of(monitor, provider),
    )
