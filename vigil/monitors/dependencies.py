"""Write path of dependencies: a monitor and its parents, such as a service and its gateway."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.accounts.models import Team
from vigil.monitors.core.composite_rules import find_circle
from vigil.monitors.models import ChangeKind, Dependency, Monitor, MonitorChange

PARENTS_MOST = 20


def parents_of(monitor: Monitor) -> list[Monitor]:
    """Names of its parents, without deleted ones."""
    return list(Monitor.objects.filter(dependents__child=monitor, deleted_at=None).order_by("name", "pk"))


def check_parents(monitor: Monitor, parents: Sequence[Monitor]) -> None:
    """Validate parents; raises `ValidationError` keyed by field."""
    if len({parent.pk for parent in parents}) > PARENTS_MOST:
        raise ValidationError({"parents": [f"A monitor depends on at most {PARENTS_MOST} others."]})
    if any(parent.team_id != monitor.team_id or parent.deleted_at is not None for parent in parents):
        raise ValidationError({"parents": ["A monitor can only depend on monitors of the same team."]})
    if monitor._state.adding:
        return
    above: dict[int, list[int]] = {}
    rows = Dependency.objects.filter(child__team_id=monitor.team_id).exclude(child=monitor)
    for child, parent in rows.values_list("child_id", "parent_id"):
        above.setdefault(child, []).append(parent)
    above[monitor.pk] = [parent.pk for parent in parents]
    circle = find_circle(above, monitor.pk)
    if circle:
        names = dict(Monitor.objects.filter(pk__in=circle).values_list("pk", "name"))
        way = " needs ".join(names[key] for key in circle)
        raise ValidationError({"parents": [f"This would create a cycle: {way}."]})


def set_parents(monitor: Monitor, parents: Sequence[Monitor]) -> None:
    """Replace parents; raises `ValidationError` keyed by field."""
    wanted = {parent.pk: parent for parent in parents}
    with transaction.atomic():
        # One writer at a time: two that each add half of a cycle would both find none.
        Team.objects.select_for_update(no_key=True).get(pk=monitor.team_id)
        check_parents(monitor, parents)
        before = set(Dependency.objects.filter(child=monitor).values_list("parent_id", flat=True))
        if before != wanted.keys():
            MonitorChange.record(monitor, ChangeKind.CHANGED, ["parents"])
        Dependency.objects.filter(child=monitor).exclude(parent__in=wanted).delete()
        Dependency.objects.bulk_create(
            (Dependency(child=monitor, parent=parent) for parent in wanted.values()), ignore_conflicts=True
        )
    # What was read before, or known of a new monitor, is no longer so.
    getattr(monitor, "_prefetched_objects_cache", {}).pop("dependencies", None)
