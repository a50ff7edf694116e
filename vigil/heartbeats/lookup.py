"""Heartbeat lookup: locks the heartbeats of a batch of pings, and auto-creates those of unknown slugs."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from vigil.heartbeats import changes, rows
from vigil.heartbeats.core.pings.wire import Address, Ping
from vigil.heartbeats.models import Heartbeat, TeamPings
from vigil.heartbeats.rows import HeartbeatSubject

MADE_MOST = 2_000


class HeartbeatLookup:
    """Heartbeats of one batch, locked in a fixed order to avoid deadlock."""

    def __init__(self, pings: Sequence[Ping]) -> None:
        addresses = {ping.address for ping in pings}
        keys = {address.key for address in addresses if address.key}
        self._teams = {team.key: team for team in TeamPings.objects.filter(key__in=keys)} if keys else {}
        wanted = Q(code__in=[UUID(address.code) for address in addresses if address.code])
        for key, team in self._teams.items():
            slugs = [address.slug for address in addresses if address.key == key]
            self._make_missing(
                team, slugs, {address.slug for address in addresses if address.key == key and address.create}
            )
            wanted |= Q(team_id=team.pk, slug__in=slugs)
        found = (
            Heartbeat.objects.select_for_update(of=("self",))
            .select_related("monitor")
            .filter(wanted, monitor__deleted_at=None)
            .order_by("pk")
        )
        subjects = [rows.load(row) for row in found]
        self._by_code = {str(subject.row.code): subject for subject in subjects}
        self._by_slug = {(subject.row.team_id, subject.row.slug): subject for subject in subjects}

    @property
    def called(self) -> list[HeartbeatSubject]:
        return list(self._by_code.values())

    def find(self, address: Address) -> HeartbeatSubject | None:
        """Find the target heartbeat; None if there is none and none may be created."""
        if address.code:
            return self._by_code.get(address.code)
        team = self._teams.get(address.key)
        return self._by_slug.get((team.pk, address.slug)) if team else None

    def _make_missing(self, team: TeamPings, slugs: Sequence[str], wanted: set[str]) -> None:
        if not wanted or not team.creates:
            return
        there = set(Heartbeat.objects.filter(team_id=team.pk, slug__in=slugs).values_list("slug", flat=True))
        missing = sorted(wanted - there)
        if not missing:
            return
        room = MADE_MOST - Heartbeat.objects.filter(team_id=team.pk, monitor__deleted_at=None).count()
        for slug in missing[: max(0, room)]:
            changes.create_by_slug(team.team, slug)
