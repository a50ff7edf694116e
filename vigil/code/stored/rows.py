"""Rows of a team by public id, locked where they are to be changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet

from vigil.accounts.models import Team
from vigil.alerts.models import Channel, EscalationPolicy, Person, Rotation, Route
from vigil.code.stored.regions import REGION
from vigil.code.stored.registered import REGISTERED
from vigil.feeds.models import Feed
from vigil.heartbeats.models import Heartbeat
from vigil.history.models import Objective, Report
from vigil.monitors.models import Composite, DerivedKind, Monitor, Region
from vigil.silences.models import Silence

#: Sections whose rows are found by their team; `maintenance` are silences.
MODELS: dict[str, type[Model]] = {
    "channels": Channel,
    "people": Person,
    "rotations": Rotation,
    "policies": EscalationPolicy,
    "routes": Route,
    "silences": Silence,
    "objectives": Objective,
    "reports": Report,
}
FEED = "feed:"


@dataclass(slots=True)
class TeamRows:
    """Rows by section and public id. `monitors` holds every monitor, with those of heartbeats and composites.

    `alone` where they hold one object of the team and nothing else.
    """

    team: Team
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    monitors: dict[str, Monitor] = field(default_factory=dict)
    alone: bool = False

    def of(self, path: str) -> dict[str, object]:
        """The filter of rows that belong to these monitors, which `path` leads to."""
        if not self.alone:
            return {f"{path}__team": self.team}
        return {f"{path}__in": [row.pk for row in self.monitors.values()]}

    def find(self, public_id: str) -> Any:
        """The row of an id; raises `KeyError`."""
        return next(rows[public_id] for rows in self.sections.values() if public_id in rows)


def load_rows(team: Team, lock: bool = False) -> TeamRows:
    """Every object of a team. With `lock`, within a transaction, no other writer changes them until its end."""
    found = TeamRows(team)
    living = Monitor.objects.filter(team=team, deleted_at=None).order_by("pk")
    monitors = {row.pk: row for row in _locked(living, lock)}
    found.monitors = {row.public_id: row for row in monitors.values()}
    found.sections["monitors"] = {key: row for key, row in found.monitors.items() if row.kind not in DerivedKind}
    for section, rows in (
        ("heartbeats", Heartbeat.objects.filter(team=team, monitor__deleted_at=None)),
        ("composites", Composite.objects.filter(monitor__team=team, monitor__deleted_at=None)),
    ):
        of_section = found.sections[section] = {}
        for row in _locked(rows.order_by("pk"), lock):
            if row.monitor_id in monitors:
                row.monitor = monitors[row.monitor_id]
                of_section[row.monitor.public_id] = row
    above = {section: one.model for section, one in REGISTERED.items()}
    for section, model in (MODELS | above).items():
        own = model._default_manager.filter(team=team).order_by("pk")
        own = own.filter(valid_until=None) if model is Silence else own
        found.sections[section] = {row.public_id: row for row in _locked(own, lock)}
    # Not locked: every check of every team refers to them. A region that is written is locked by its writer.
    found.sections["regions"] = {REGION + region.slug: region for region in Region.objects.order_by("pk")}
    found.sections["feeds"] = {FEED + feed.provider: feed for feed in Feed.objects.order_by("provider")}
    return found


def load_one(team: Team, section: str, public_id: str) -> TeamRows:
    """One monitor, heartbeat or composite of a team; no row where it is gone."""
    monitor = Monitor.objects.filter(team=team, public_id=public_id, deleted_at=None).first()
    found = TeamRows(team, alone=True)
    if monitor is None:
        return found
    found.monitors = {public_id: monitor}
    row: Any = monitor
    if section != "monitors":
        row = (Heartbeat if section == "heartbeats" else Composite)._default_manager.get(monitor=monitor)
        row.monitor = monitor
    found.sections[section] = {public_id: row}
    return found


def _locked(rows: QuerySet[Any], lock: bool) -> QuerySet[Any]:
    return rows.select_for_update(of=("self",)) if lock else rows
