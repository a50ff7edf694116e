"""Headroom of keys, stepped and stored: one row a monitor, written when it changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from consensus.quorum import fewest_votes
from vigil.access.core.headroom import Headroom, stepped
from vigil.access.core.latch import OFF, Latch
from vigil.access.core.points import Points
from vigil.access.core.pooled import Lookers, quota_trend
from vigil.access.core.region_access import answered, heard
from vigil.access.core.rows import quota_rows, quotas_of
from vigil.access.models import KeyHeadroom
from vigil.access.subjects import AccessSubject
from vigil.monitors.live.results import Latest, instant

_FIELDS = ("at", "quotas", "warned", "warned_turning_s", "short", "short_turning_s")


def step_headroom(
    subjects: Sequence[AccessSubject],
    points: Mapping[str, Points],
    latest: Latest,
    now_s: float,
    held: Collection[str] = (),
) -> dict[int, Headroom]:
    """Step the headroom of these monitors by their points (public ids) and store it; returns it by key of monitor.

    Points of regions in quarantine (`held`) do not count.
    """
    rows = {row.monitor_id: row for row in KeyHeadroom.objects.filter(monitor__in=[one.pk for one in subjects])}
    found: dict[int, Headroom] = {}
    changed: list[KeyHeadroom] = []
    for subject in subjects:
        row, many = rows.get(subject.pk), _counted(points.get(subject.public_id, {}), held)
        if row is None and not many:
            continue
        before = headroom_of(row) if row is not None else Headroom([])
        after = _after(before, subject, many, latest, now_s)
        found[subject.pk] = after
        made = _row(subject.pk, after, now_s)
        if row is None or _differs(row, made):
            changed.append(made)
    KeyHeadroom.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["monitor"], update_fields=_FIELDS, batch_size=500
    )
    return found


def drop_headroom(subjects: Sequence[AccessSubject]) -> None:
    """Drop the rows of monitors that are none of all subjects: nothing would end their latches."""
    KeyHeadroom.objects.exclude(monitor__in=[one.pk for one in subjects]).delete()


def headroom_of(row: KeyHeadroom) -> Headroom:
    """The pure state of a row."""
    return Headroom(
        quotas_of(row.quotas), Latch(row.warned, row.warned_turning_s), Latch(row.short, row.short_turning_s)
    )


def _after(before: Headroom, subject: AccessSubject, many: Points, latest: Latest, now_s: float) -> Headroom:
    """The next headroom. Nothing turns while too few regions look to tell that it began, or that it ended."""
    seen, now_ms = subject.seen_in(latest), round(now_s * 1000)
    lookers = Lookers(len(subject.regions), answered(seen, now_ms, subject.interval_s))
    told = (quota_trend(counted, regions, now_s, lookers) for counted, regions in sorted(many.items()))
    quotas = [one for one in told if one]
    if len(heard(seen, now_ms, subject.interval_s)) >= fewest_votes(len(subject.regions)):
        return stepped(before, quotas, (subject.warning_minutes, subject.interval_s), now_s)
    # What had begun to turn begins anew: nobody saw that it lasted.
    warned = Latch(before.warned.on) if subject.warning_minutes is not None else OFF
    return Headroom(quotas or before.quotas, warned, Latch(before.short.on))


def _counted(points: Points, held: Collection[str]) -> Points:
    if not held:
        return points
    kept = {
        counted: {region: many for region, many in regions.items() if region not in held}
        for counted, regions in points.items()
    }
    return {counted: regions for counted, regions in kept.items() if regions}


def _row(monitor: int, one: Headroom, now_s: float) -> KeyHeadroom:
    return KeyHeadroom(
        monitor_id=monitor,
        at=instant(round(now_s * 1000)),
        quotas=quota_rows(one.quotas),
        warned=one.warned.on,
        warned_turning_s=one.warned.turning_s,
        short=one.short.on,
        short_turning_s=one.short.turning_s,
    )


def _differs(row: KeyHeadroom, made: KeyHeadroom) -> bool:
    return any(getattr(row, name) != getattr(made, name) for name in _FIELDS if name != "at")
