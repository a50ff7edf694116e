"""Write path of many monitors at once: set-based, all or nothing, with the rules of the write path of one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from vigil.accounts.models import Team
from vigil.monitors.changes import assign, default_regions, derived_problem, write_regions
from vigil.monitors.dependencies import check_parents
from vigil.monitors.live.version import touch
from vigil.monitors.models import NAME_TAKEN, ChangeKind, Dependency, Monitor, MonitorChange
from vigil.monitors.relations import know_as_new
from vigil.monitors.validation import Problems, tags_problem
from vigil.problems.rows import duplicate

#: Rows of one INSERT.
_BATCH = 500
_RETAG = """
UPDATE monitors_monitor m SET tags = wanted.tags::jsonb, revision = revision + 1, updated_at = now()
FROM unnest(%s::bigint[], %s::text[]) AS wanted(id, tags) WHERE m.id = wanted.id
"""


def create_monitors(
    team: Team, wanted: Sequence[Mapping[str, Any]], parents: Sequence[Sequence[Monitor]]
) -> list[Monitor]:
    """Create a monitor from each item, in order; raises `ValidationError` keyed by `items.3.name` and the like."""
    regions = default_regions()
    items = [item if "regions" in item else {**item, "regions": regions} for item in wanted]
    monitors = [Monitor(team=team) for _ in items]
    found = [_problems(one, item, needed) for one, item, needed in zip(monitors, items, parents, strict=True)]
    _refuse_taken_names(team, monitors, found)
    problems = {f"items.{place}.{field}": each for place, one in enumerate(found) for field, each in one.items()}
    if problems:
        raise ValidationError(problems)
    with transaction.atomic():
        touch(team.pk)
        Monitor.objects.bulk_create(monitors, batch_size=_BATCH)
        write_regions(monitors, [item["regions"] for item in items])
        Dependency.objects.bulk_create(
            (
                Dependency(child=monitor, parent=parent)
                for monitor, needed in zip(monitors, parents, strict=True)
                for parent in {one.pk: one for one in needed}.values()
            ),
            batch_size=_BATCH,
        )
        alike: dict[tuple[str, ...], list[Monitor]] = {}
        for monitor, item in zip(monitors, items, strict=True):
            alike.setdefault(tuple(sorted(item)), []).append(monitor)
        for fields, made in alike.items():
            MonitorChange.record_many(made, ChangeKind.CREATED, fields)
    for monitor, item in zip(monitors, items, strict=True):
        know_as_new(monitor, item["regions"])
    return monitors


def pause_monitors(monitors: Sequence[Monitor], paused: bool) -> int:
    """Pause or resume locked monitors that are no heartbeats; returns how many changed."""
    changed = [monitor for monitor in monitors if monitor.paused is not paused]
    Monitor.objects.filter(pk__in=[monitor.pk for monitor in changed]).update(
        paused=paused, paused_why="", revision=F("revision") + 1, updated_at=Now()
    )
    _record(changed, "paused")
    return len(changed)


def retag_monitors(monitors: Iterable[Monitor], add: Collection[str], remove: Collection[str]) -> int:
    """Add and remove tags of locked monitors; returns how many changed. Raises `ValidationError` keyed by `tags`."""
    changed: dict[int, list[str]] = {}
    rows = []
    for monitor in monitors:
        tags = [tag for tag in dict.fromkeys([*monitor.tags, *add]) if tag not in remove]
        if tags != monitor.tags:
            problem = tags_problem(tags)
            if problem:
                raise ValidationError({"tags": [f"{monitor.public_id}: {problem}"]})
            changed[monitor.pk] = tags
            rows.append(monitor)
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(_RETAG, [list(changed), [json.dumps(tags) for tags in changed.values()]])
        _record(rows, "tags")
    return len(rows)


def _record(changed: Sequence[Monitor], field: str) -> None:
    """Record a change of locked rows, whose revisions the statement before has raised."""
    for monitor in changed:
        monitor.revision += 1
    MonitorChange.record_many(changed, ChangeKind.CHANGED, [field])


def _problems(monitor: Monitor, wanted: Mapping[str, Any], parents: Sequence[Monitor]) -> Problems:
    problems = derived_problem(wanted.get("kind")) or assign(monitor, wanted)
    try:
        check_parents(monitor, parents)
    except ValidationError as refused:
        problems |= refused.error_dict
    return problems


def _refuse_taken_names(team: Team, monitors: Sequence[Monitor], found: Sequence[Problems]) -> None:
    names = [monitor.name for monitor in monitors]
    taken = set(Monitor.objects.filter(team=team, deleted_at=None, name__in=names).values_list("name", flat=True))
    for monitor, problems in zip(monitors, found, strict=True):
        if monitor.name in taken:
            problems.setdefault("name", [duplicate(NAME_TAKEN)])
        # A second of this name in the request has the first before it.
        taken.add(monitor.name)
