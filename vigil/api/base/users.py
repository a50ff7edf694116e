"""Users of a row: what would lose it when it is deleted, by name and id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Model, QuerySet

from vigil.alerts.models import Channel, EscalationPolicy, Person, Rotation, Route
from vigil.heartbeats.models import Heartbeat
from vigil.history.models import Objective
from vigil.monitors.models import Composite, Monitor, Region
from vigil.silences.models import Silence

#: At most so many are named.
_NAMED = 10
_Users = tuple[str, Callable[[Any], QuerySet[Any]]]


def _policies_with(field: str) -> Callable[[Any], QuerySet[Any]]:
    return lambda row: EscalationPolicy.objects.filter(**{f"steps__{field}": row}).distinct()


_OF_MONITOR: tuple[_Users, ...] = (
    ("composite", lambda row: Monitor.objects.filter(composite__members__monitor=row, deleted_at=None).distinct()),
    ("monitor that depends on it", lambda row: Monitor.objects.filter(dependencies__parent=row, deleted_at=None)),
    ("route", lambda row: Route.objects.filter(monitor=row)),
    ("objective", lambda row: Objective.objects.filter(monitor=row)),
    ("silence", lambda row: Silence.objects.filter(monitors=row, valid_until=None)),
)
_USERS: dict[type[Model], tuple[_Users, ...]] = {
    Channel: (
        ("route", lambda row: row.routes.all()),
        ("policy", _policies_with("channels")),
        ("person", lambda row: row.people.all()),
    ),
    EscalationPolicy: (("route", lambda row: Route.objects.filter(policy=row)),),
    Person: (("rotation", lambda row: row.rotations.distinct()), ("policy", _policies_with("people"))),
    Rotation: (("policy", _policies_with("rotations")),),
    Monitor: _OF_MONITOR,
    Region: (("monitor", lambda row: row.monitors.filter(deleted_at=None)),),
}


def users_of(row: Model) -> list[str]:
    """Each user as `route Night (rte_...)`; empty where nothing would change by its deletion."""
    if isinstance(row, Heartbeat | Composite):
        row = row.monitor
    return list(_named(row))[:_NAMED]


def _named(row: Model) -> Iterator[str]:
    for kind, found in _USERS.get(type(row), ()):
        for user in found(row)[:_NAMED]:
            yield f"{kind} {user.name} ({user.public_id})"
