"""Region access, settled and stored: one row a team, host and region, written when it changes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from vigil.access.core.region_access import Access, AccessSeen, SettledAccess, seen_by_region, settled, weightiest
from vigil.access.models import RegionAccess
from vigil.access.subjects import AccessSubject
from vigil.monitors.live.results import Latest, instant

#: A row of an access that stays as it is tells this often that it was seen (ms).
_TOLD_EVERY_MS = 300_000
_FIELDS = ("access", "since", "seen_at", "evidence", "next", "next_ms")

#: Team, provider and host.
Place = tuple[int, str, str]


def step_accesses(
    subjects: Sequence[AccessSubject], latest: Latest, now_ms: int
) -> dict[Place, dict[str, RegionAccess]]:
    """Settle what each region may do by the latest results, and store it; returns it by team and host."""
    told: dict[tuple[Place, str], list[AccessSeen]] = {}
    for subject in subjects:
        if not subject.host:
            continue
        place = subject.place
        seen = seen_by_region(latest.of(subject.public_id), now_ms, subject.interval_s)
        for region in subject.regions:
            told.setdefault((place, region), []).append(seen.get(region, AccessSeen(Access.UNKNOWN)))
    teams = {team for (team, _, _), _ in told}
    stored = _stored(teams)
    found: dict[Place, dict[str, RegionAccess]] = {}
    changed = []
    for (place, region), seen_here in told.items():
        key = (*place, region)
        before = stored.pop(key, None)
        row, differs = _next(before, key, weightiest(seen_here), now_ms)
        found.setdefault(place, {})[region] = row
        if differs:
            changed.append(row)
    RegionAccess.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["team", "provider", "host", "region"],
        update_fields=_FIELDS,
        batch_size=500,
    )
    _drop([row.pk for row in stored.values()], teams)
    return found


def _stored(teams: set[int]) -> dict[tuple[int, str, str, str], RegionAccess]:
    rows = RegionAccess.objects.filter(team__in=teams)
    return {(row.team_id, row.provider, row.host, row.region): row for row in rows}


def _next(
    before: RegionAccess | None, key: tuple[int, str, str, str], seen: AccessSeen, now_ms: int
) -> tuple[RegionAccess, bool]:
    """The row after what was seen, and whether it is to be written."""
    was = None
    if before is not None:
        was = SettledAccess(Access(before.access), Access(before.next) if before.next else None, before.next_ms)
    after = settled(was, seen)
    same = before is not None and before.access == after.access
    confirms = seen.access is after.access and seen.access is not Access.UNKNOWN
    at = instant(seen.at_ms if confirms else now_ms)
    row = RegionAccess(
        team_id=key[0],
        provider=key[1],
        host=key[2],
        region=key[3],
        access=after.access.value,
        since=before.since if before is not None and same else at,
        seen_at=at if before is None or confirms or not same else before.seen_at,
        evidence=seen.evidence if confirms or before is None else before.evidence,
        next=after.next.value if after.next else "",
        next_ms=after.next_ms,
    )
    if before is None or not same or before.next != row.next:
        return row, True
    told = (row.seen_at - before.seen_at).total_seconds() * 1000 >= _TOLD_EVERY_MS
    return (row, True) if told or before.next_ms != row.next_ms else (before, False)


def _drop(left_over: Sequence[int], teams: set[int]) -> None:
    """Drop the rows of hosts and regions that no monitor has any more."""
    RegionAccess.objects.filter(Q(pk__in=left_over) | ~Q(team__in=teams)).delete()
