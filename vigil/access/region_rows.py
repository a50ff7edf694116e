"""Region access, settled and stored: one row a team, host and region, written when it changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vigil.access.core.region_access import Access, AccessSeen, SettledAccess, seen_by_region, settled, weightiest
from vigil.access.models import RegionAccess
from vigil.access.subjects import AccessSubject
from vigil.monitors.live.results import Latest, instant

#: A row of an access that stays as it is tells this often that it was seen (ms).
_TOLD_EVERY_MS = 300_000
IN_QUARANTINE = "in quarantine: what it sees does not count"
_FIELDS = ("access", "since", "seen_at", "evidence", "next", "next_ms")

#: Team, provider and host.
Place = tuple[int, str, str]


def step_accesses(
    subjects: Sequence[AccessSubject], latest: Latest, now_ms: int, held: Collection[str] = ()
) -> dict[Place, dict[str, RegionAccess]]:
    """Settle what each region may do by the latest results, and store it; returns it by place.

    Of a region in quarantine (`held`) nothing is known: what it saw before may be its own fault as well.
    """
    told: dict[tuple[Place, str], list[AccessSeen]] = {}
    for subject in subjects:
        if not subject.host:
            continue
        place = subject.place
        seen = seen_by_region(subject.seen_in(latest), now_ms, subject.interval_s)
        for region in subject.regions:
            told.setdefault((place, region), []).append(seen.get(region, AccessSeen(Access.UNKNOWN)))
    stored = _stored({place for place, _ in told})
    found: dict[Place, dict[str, RegionAccess]] = {}
    changed = []
    for (place, region), seen_here in told.items():
        key = (*place, region)
        before = stored.get(key)
        row, differs = (
            _held(before, key, now_ms) if region in held else _next(before, key, weightiest(seen_here), now_ms)
        )
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
    return found


def drop_others(subjects: Sequence[AccessSubject]) -> None:
    """Drop the rows of hosts and regions that none of all subjects has."""
    known = {(*subject.place, region) for subject in subjects for region in subject.regions}
    rows = RegionAccess.objects.values_list("pk", "team_id", "provider", "host", "region")
    gone = [key for key, *place in rows if tuple(place) not in known]
    if gone:
        RegionAccess.objects.filter(pk__in=gone).delete()


def _stored(places: set[Place]) -> dict[tuple[int, str, str, str], RegionAccess]:
    teams, hosts = {team for team, _, _ in places}, {host for _, _, host in places}
    rows = RegionAccess.objects.filter(team__in=teams, host__in=hosts)
    return {(row.team_id, row.provider, row.host, row.region): row for row in rows}


def _held(before: RegionAccess | None, key: tuple[int, str, str, str], now_ms: int) -> tuple[RegionAccess, bool]:
    """The row of a region in quarantine, and whether it is to be written."""
    if before is not None and (before.access, before.evidence, before.next) == (Access.UNKNOWN, IN_QUARANTINE, ""):
        return before, False
    team, provider, host, region = key
    at = instant(now_ms)
    return RegionAccess(
        team_id=team,
        provider=provider,
        host=host,
        region=region,
        access=Access.UNKNOWN.value,
        since=at,
        seen_at=at,
        evidence=IN_QUARANTINE,
    ), True


def _next(
    before: RegionAccess | None, key: tuple[int, str, str, str], seen: AccessSeen, now_ms: int
) -> tuple[RegionAccess, bool]:
    """The row after what was seen, and whether it is to be written."""
    was = None
    released = before is not None and before.evidence == IN_QUARANTINE
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
        evidence=seen.evidence if confirms or released or before is None else before.evidence,
        next=after.next.value if after.next else "",
        next_ms=after.next_ms,
    )
    if before is None or not same or before.next != row.next or released:
        return row, True
    told = (row.seen_at - before.seen_at).total_seconds() * 1000 >= _TOLD_EVERY_MS
    return (row, True) if told or before.next_ms != row.next_ms else (before, False)
