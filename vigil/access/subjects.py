"""Monitors whose keys and regions are looked at: those of AI providers and engines, and those with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import Q

from probes.wire import Result
from vigil.monitors.live.results import Latest
from vigil.monitors.models import Monitor

#: Monitors that are looked at; each is one lookup a region in Redis.
SUBJECTS_MOST = 5_000


@dataclass(frozen=True, slots=True)
class AccessSubject:
    """A monitor with a key: its provider, the host and port that it asks, its warning, and its regions (slugs)."""

    pk: int
    public_id: str
    team_id: int
    name: str
    provider: str
    host: str
    interval_s: int
    warning_minutes: int | None
    regions: tuple[str, ...]

    @property
    def place(self) -> tuple[int, str, str]:
        """Team, provider and host: what has one access from each region."""
        return self.team_id, self.provider, self.host

    def seen_in(self, latest: Latest) -> Mapping[str, Result]:
        """The newest results of its own regions: another one may write of any monitor, and has no say."""
        return {region: one for region, one in latest.of(self.public_id).items() if region in self.regions}


def read_subjects() -> list[AccessSubject]:
    """The living ones, in two queries."""
    with_key = ~Q(provider="") | Q(headroom_warning_minutes__gt=0) | Q(config__has_key="provider")
    monitors = Monitor.objects.filter(with_key, deleted_at=None, paused=False).order_by("pk")[:SUBJECTS_MOST]
    rows = list(monitors.only("public_id", "team_id", "name", "provider", "config", "interval_s",
                              "headroom_warning_minutes"))  # fmt: skip
    watched = Monitor.regions.through.objects.filter(monitor__in=[row.pk for row in rows], region__enabled=True)
    regions: dict[int, list[str]] = {}
    for monitor, slug in watched.order_by("region__slug").values_list("monitor_id", "region__slug"):
        regions.setdefault(monitor, []).append(slug)
    return [
        AccessSubject(
            row.pk,
            row.public_id,
            row.team_id,
            row.name,
            row.provider or str(row.config.get("provider") or "")[:40],
            _host(row.config),
            row.interval_s,
            row.headroom_warning_minutes,
            tuple(regions.get(row.pk, ())),
        )
        for row in rows
    ]


def _host(config: object) -> str:
    if not isinstance(config, dict):
        return ""
    try:
        parts = urlsplit(str(config.get("url") or ""))
        host = parts.hostname or str(config.get("host") or "")
        return (f"{host}:{parts.port}" if parts.port else host)[:253]
    except ValueError:
        return ""
