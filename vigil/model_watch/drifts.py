"""Drift of stored models lists: decides what is to be told, and remembers it with the notice in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction

from probes.ai.models.listed import LIST_LIFE_S
from probes.process.isolation import Each, plainly
from vigil.model_watch.core.drift import DriftState, Rows, SeenChange, decide
from vigil.model_watch.core.drift_words import before_and_after, digest_of, title_of
from vigil.model_watch.core.used_models import PROVIDERS, models_named
from vigil.model_watch.models import ListState, SeenList
from vigil.model_watch.packed import packed, unpacked
from vigil.monitors.models import Monitor
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.models import StoredNotice
from vigil.notices.tell import EnqueueNotices, tell

#: Drift notices of one team in a day: a region that lies, or a server that lists at random, tells no more.
A_DAY_MOST = 50
#: Providers whose list is that of the reader's own server: the monitor's name says more.
_OWN = frozenset({"litellm"})


def waiting() -> set[int]:
    """Monitors with a change that had not settled."""
    return set(ListState.objects.filter(waits=True).values_list("pk", flat=True))


def look_at(monitors: Iterable[int], now: datetime, enqueue: EnqueueNotices, each: Each = plainly) -> int:
    """Decide about the lists of these monitors; returns how many notices were told."""
    return sum(each("drift", sorted(monitors), lambda monitor: _look_at_one(monitor, now, enqueue), 0))


def _look_at_one(monitor: int, now: datetime, enqueue: EnqueueNotices) -> int:
    with transaction.atomic():
        found = Monitor.objects.filter(pk=monitor, deleted_at=None).first()
        if found is None:
            ListState.objects.filter(pk=monitor).delete()
            return 0
        seen = _seen(found, now)
        if not seen:
            return 0
        row = ListState.objects.select_for_update().filter(pk=monitor).first()
        if row is None or row.revision != found.revision:
            _begin(found, seen, row)
            return 0
        drift = decide(_state(row), seen, now, {one.model for one in models_named(found.config)})
        if drift.tell and _told_today(found.team_id, now) >= A_DAY_MOST:
            return 0
        _store(row, drift.state)
        return len(tell([_notice(found, drift.tell, now)], enqueue)) if drift.tell else 0


def _seen(monitor: Monitor, now: datetime) -> dict[str, Rows]:
    """The fresh lists of a monitor as it is now, by region; none that was cut."""
    fresh = SeenList.objects.filter(
        monitor=monitor, revision=monitor.revision, at__gt=now - timedelta(seconds=LIST_LIFE_S)
    )
    found = {row.region.slug: (unpacked(row.rows), row.total) for row in fresh.select_related("region")}
    return {slug: rows for slug, (rows, total) in found.items() if rows and total <= len(rows)}


def _begin(monitor: Monitor, seen: Mapping[str, Rows], row: ListState | None) -> None:
    """Begin with what is seen: a first list, or one of another key or address, is no change."""
    rows = packed(seen[min(seen)].values())
    told = row.told if row is not None else {}
    ListState.objects.update_or_create(
        pk=monitor.pk,
        defaults={"revision": monitor.revision, "rows": rows, "pending": {}, "told": told, "waits": True},
    )


def _state(row: ListState) -> DriftState:
    return DriftState(unpacked(row.rows), _moments(row.pending), _moments(row.told), row.told_at)


def _store(row: ListState, state: DriftState) -> None:
    row.rows = packed(state.rows.values())
    row.pending = {key: at.isoformat() for key, at in state.pending.items()}
    row.told = {key: at.isoformat() for key, at in state.told.items()}
    row.told_at = state.told_at
    row.waits = bool(state.pending)
    row.save()


def _moments(stored: Mapping[str, str]) -> dict[str, datetime]:
    return {key: datetime.fromisoformat(at).astimezone(UTC) for key, at in stored.items()}


def _told_today(team: int, now: datetime) -> int:
    told = StoredNotice.objects.filter(team=team, kind=NoticeKind.MODELS_CHANGED, at__gt=now - timedelta(days=1))
    return told.count()


def _notice(monitor: Monitor, changes: Collection[SeenChange], now: datetime) -> Notice:
    told = list(changes)
    provider = str(monitor.config.get("provider") or "")
    before, after = before_and_after(told)
    is_own = provider in _OWN or provider not in PROVIDERS
    about = monitor.name if is_own else PROVIDERS[provider]
    # Monitors of one provider see the same change: it is told once in a week.
    place = monitor.public_id if is_own else provider
    return Notice(
        team=monitor.team_id,
        kind=NoticeKind.MODELS_CHANGED,
        key=f"{place}/{digest_of(told)}/{now:%G-W%V}",
        title=title_of(about, told),
        at=now,
        monitor=monitor.pk,
        before=before,
        after=after,
    )
