"""Monitors of a plan, validated one by one and written in few statements, however many they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.core.exceptions import ValidationError

from vigil.accounts.sealed import Secrets
from vigil.code.core.objects import Wanted
from vigil.code.stored.writing import Writing, monitor_columns
from vigil.monitors.changes import check_destination, default_regions, write_regions
from vigil.monitors.core.composite_rules import find_circle
from vigil.monitors.models import Dependency, Monitor, Region

BATCH = 1_000
_JUDGED = ("team", "public_id", "config", "secrets", "tags")
_COLUMNS = (
    "name", "kind", "config", "secrets", "interval_s", "timeout_ms", "sensitivity", "priority", "tags", "paused",
    "paused_why", "headroom_warning_minutes", "revision", "updated_at",
)  # fmt: skip


class ObjectRefused(ValidationError):
    """A `ValidationError` of one object of a document."""

    def __init__(self, one: Wanted, refused: ValidationError) -> None:
        super().__init__(refused)
        self.wanted = one


def write_monitors(writing: Writing, created: Sequence[Wanted], updated: Sequence[tuple[Wanted, str]]) -> None:
    """Create and change monitors; raises `ObjectRefused`."""
    if not created and not updated:
        return
    known = {region.slug: region for region in Region.objects.all()}
    usual = default_regions()
    chosen: dict[str, list[Region]] = {}
    rows = []
    for one in created:
        row = Monitor(team=writing.rows.team)
        _assign(writing, one, row)
        chosen[row.public_id] = _regions(one, known, usual)
        rows.append(row)
        writing.made(one, row.public_id, row)
        writing.rows.monitors[row.public_id] = row
    Monitor.objects.bulk_create(rows, batch_size=BATCH)
    changed = []
    for one, public_id in updated:
        row = writing.rows.monitors[public_id]
        _assign(writing, one, row)
        row.revision += 1
        if "regions" in one.fields:
            chosen[public_id] = _regions(one, known, usual)
        changed.append(row)
    # One statement for many rows, where an update would compare each row with every other.
    Monitor.objects.bulk_create(
        changed, batch_size=BATCH, update_conflicts=True, unique_fields=["id"], update_fields=_COLUMNS
    )
    _write_regions(writing, chosen, {row.pk for row in changed})


def write_parents(writing: Writing, wanted: Iterable[Wanted]) -> None:
    """Replace the parents of monitors, once everything that they may name is there."""
    graph: dict[int, list[int]] = {}
    for one in wanted:
        child = writing.monitor(one.key)
        graph[child.pk] = [writing.monitor(key).pk for key in one.fields["parents"]]
    if not graph:
        return
    others = Dependency.objects.filter(child__team=writing.rows.team).exclude(child__in=graph)
    for child_id, parent in others.values_list("child_id", "parent_id"):
        graph.setdefault(child_id, []).append(parent)
    _refuse_circle(writing, graph)
    mine = [writing.monitor(one.key).pk for one in wanted]
    Dependency.objects.filter(child__in=mine).delete()
    made = (Dependency(child_id=child, parent_id=parent) for child in mine for parent in graph[child])
    Dependency.objects.bulk_create(made, batch_size=BATCH)


def _refuse_circle(writing: Writing, graph: dict[int, list[int]]) -> None:
    """The document has no cycle of its own; one may lead through monitors that are not in it."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        names = {row.pk: row.name for row in writing.rows.monitors.values()}
        circle = next(found for key in graph if (found := find_circle(graph, key)))
        way = " needs ".join(names.get(key, "?") for key in circle)
        raise ValidationError({"parents": [f"This would create a cycle: {way}."]}) from None


def _assign(writing: Writing, one: Wanted, row: Monitor) -> None:
    wanted: dict[str, Any] = monitor_columns(one.fields)
    wanted["secrets"] = dict(writing.secrets.get((one.section, one.key), {}))
    try:
        if row.pk is not None:
            check_destination(row, wanted)
        for name, value in wanted.items():
            setattr(row, name, Secrets(value) if name == "secrets" else value)
        if not row.paused:
            row.paused_why = ""
        # Plans have judged the fields and their names, and constraints hold what another writer does meanwhile.
        row.full_clean(exclude=_JUDGED, validate_unique=False, validate_constraints=False)
    except ValidationError as refused:
        raise ObjectRefused(one, refused) from None


def _regions(one: Wanted, known: dict[str, Region], usual: list[Region]) -> list[Region]:
    names = one.fields.get("regions")
    if names is None:
        return usual
    strange = sorted(set(names) - known.keys())
    if strange:
        there = ", ".join(sorted(known))
        raise ObjectRefused(
            one, ValidationError({"regions": [f"There is no region {strange[0][:40]}. There are {there}."]})
        )
    return [known[name] for name in names]


def _write_regions(writing: Writing, chosen: dict[str, list[Region]], changed: set[int]) -> None:
    rows = {key: writing.rows.monitors[key] for key in chosen}
    outdated = [row.pk for row in rows.values() if row.pk in changed]
    Monitor.regions.through.objects.filter(monitor__in=outdated).delete()
    write_regions(list(rows.values()), list(chosen.values()))
