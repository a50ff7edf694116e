"""Users of a row: what would lose it when it is deleted, by name and id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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


def _components_of(rows: Sequence[Monitor]) -> QuerySet[Any]:
    # By the relation's name: status pages are above this layer.
    component: Any = Monitor._meta.get_field("components").related_model
    found: QuerySet[Any] = component.objects.filter(monitor__in=rows)
    return found


#: Of any of some monitors.
_OF_MONITORS: tuple[_Users, ...] = (
    ("composite", lambda rows: _living(rows).filter(composite__members__monitor__in=rows).distinct()),
    ("monitor that depends on it", lambda rows: _living(rows).filter(dependencies__parent__in=rows).distinct()),
    ("route", lambda rows: Route.objects.filter(monitor__in=rows)),
    ("objective", lambda rows: Objective.objects.filter(monitor__in=rows)),
    ("silence", lambda rows: Silence.objects.filter(monitors__in=rows, valid_until=None).distinct()),
    ("status page component", _components_of),
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
    Region: (("monitor", lambda row: row.monitors.filter(deleted_at=None)),),
}


def users_of(row: Model) -> list[str]:
    """Each user as `route Night (rte_...)`; empty where nothing would change by its deletion."""
    if isinstance(row, Heartbeat | Composite):
        row = row.monitor
    if isinstance(row, Monitor):
        return users_of_monitors([row])
    return list(_named(row, _USERS.get(type(row), ())))[:_NAMED]


def users_of_monitors(rows: Sequence[Monitor]) -> list[str]:
    """Each user of any of them that is not one of them itself."""
    return list(_named(rows, _OF_MONITORS))[:_NAMED] if rows else []


def _living(rows: Sequence[Monitor]) -> QuerySet[Monitor]:
    return Monitor.objects.filter(deleted_at=None).exclude(pk__in=[row.pk for row in rows])


def _named(row: Any, users: Iterable[_Users]) -> Iterator[str]:
    for kind, found in users:
        for user in found(row)[:_NAMED]:
            yield f"{kind} {user.name} ({user.public_id})"
