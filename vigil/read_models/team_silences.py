"""Silences of whole monitors, read once for a page: what holds now, and which time of the past was maintenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q

from vigil.accounts.models import Team
from vigil.history.core.uptime import Span
from vigil.monitors.models import Monitor
from vigil.silences.core.windows import current, windows
from vigil.silences.models import Silence

#: Of the newest silences; a team with more has them written by a program.
SILENCES_MOST = 500


@dataclass(frozen=True, slots=True)
class CurrentSilence:
    """A silence that holds now, and its end."""

    silence: Silence
    until: datetime

    @property
    def is_maintenance(self) -> bool:
        """Whether its time does not count in uptime; others only hold alerts."""
        return self.silence.excludes or self.silence.pauses


class TeamSilences:
    """Silences of a team that overlap [start, now], with the monitors that they name; not those of regions."""

    def __init__(self, silences: Sequence[Silence], now: datetime) -> None:
        self._silences = silences
        self._named: dict[int, frozenset[int]] = {
            one.pk: frozenset(one.named or ())  # type: ignore[attr-defined]
            for one in silences
        }
        held = ((one, current(one.schedule, now)) for one in silences)
        self.current = [CurrentSilence(one, window.ends) for one, window in held if window is not None]

    @classmethod
    def read(cls, team: Team, start: datetime, now: datetime) -> TeamSilences:
        """Read them in one query."""
        over = Q(cron="", ends_at__lte=start) | Q(valid_until__lte=start) | Q(cron="", starts_at__gt=now)
        found = Silence.objects.filter(team=team, regions=[]).exclude(over).order_by("-pk")
        named = ArrayAgg("monitors", filter=Q(monitors__isnull=False), default=None)
        return cls(list(found.annotate(named=named)[:SILENCES_MOST]), now)

    def maintenance_filter(self) -> Q:
        """Monitors that are in maintenance now, as a filter of monitors; of none if there is none."""
        found = Q(pk__in=[])
        for one in self.current:
            if one.is_maintenance:
                found |= self._filter(one.silence)
        return found

    def covering(self, monitor: Monitor) -> list[CurrentSilence]:
        """The silences that hold for a monitor now, the one that ends last first."""
        found = [one for one in self.current if self._covers(one.silence, monitor)]
        return sorted(found, key=lambda one: one.until, reverse=True)

    def maintained(self, monitors: Iterable[Monitor], start: datetime, end: datetime) -> dict[int, list[Span]]:
        """Spans of maintenance in [start, end), by monitor."""
        counted = [one for one in self._silences if one.excludes or one.pauses]
        held = [(one, [_span(window.starts, window.ends) for window in windows(one.schedule, start, end)])
                for one in counted]  # fmt: skip
        found: dict[int, list[Span]] = {}
        for monitor in monitors:
            for silence, spans in held:
                if spans and self._covers(silence, monitor):
                    found.setdefault(monitor.pk, []).extend(spans)
        return found

    def _filter(self, silence: Silence) -> Q:
        if silence.every_monitor:
            return Q(pk__isnull=False)
        found = Q(pk__in=sorted(self._named[silence.pk]))
        for tag in silence.tags:
            found |= Q(tags__contains=[tag])
        return found

    def _covers(self, silence: Silence, monitor: Monitor) -> bool:
        if silence.every_monitor or monitor.pk in self._named[silence.pk]:
            return True
        return any(tag in monitor.tags for tag in silence.tags)


def _span(start: datetime, end: datetime) -> Span:
    return int(start.timestamp()), int(end.timestamp())
