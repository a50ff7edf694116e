"""Application of a plan: all of it in one transaction, once, and only to the state that it was made for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.accounts.models import Team
from vigil.accounts.sealed import Secrets
from vigil.alerts.routing.holds import look_again_in
from vigil.clock import database_now
from vigil.code.core.objects import Wanted
from vigil.code.core.plan import Change, PlanAction
from vigil.code.core.references import without_values
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.state import Address
from vigil.code.core.tree import DocumentError
from vigil.code.drift import applied_of
from vigil.code.models import ConfigurationPlan, ManagedObject
from vigil.code.plans import Comparison, compare, problems_of
from vigil.code.stored.as_written import written_of
from vigil.code.stored.monitors import ObjectRefused, write_monitors, write_parents
from vigil.code.stored.names import free_names
from vigil.code.stored.plan_documents import document_of, is_complete
from vigil.code.stored.writing import Writing, delete_object, write_object

_log = structlog.get_logger(__name__)


class PlanMoved(Exception):
    """The configuration has changed since the plan was made."""

    def __init__(self) -> None:
        super().__init__("The configuration has changed since this plan was made: make a new one.")


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """A plan that is applied; `before` if it was so already, and nothing was done."""

    plan: ConfigurationPlan
    before: bool = False


def apply_plan(team: Team, public_id: str, by: str) -> AppliedPlan:
    """Apply a plan of the team, or find that it was applied; raises `PlanMoved`, `DocumentError` or `DoesNotExist`.

    Everything and the mark on the plan are one transaction: a process that dies leaves all or nothing, and a second
    application finds the mark.
    """
    with transaction.atomic():
        row = ConfigurationPlan.objects.select_for_update().get(team=team, public_id=public_id)
        if row.applied_at is not None:
            return AppliedPlan(row, before=True)
        if not is_complete(row):
            raise PlanMoved
        document, secrets = document_of(row)
        found = compare(team, document, secrets, row.prune, lock=True)
        if found.state.revision() != row.revision:
            raise PlanMoved
        try:
            _carry_out(found, by)
        except DocumentError as refused:
            values = {f"{key}.{name}": value for (_, key), named in secrets.items() for name, value in named.items()}
            raise DocumentError(without_values(refused.problems, values)) from None
        row.applied_at, row.applied_by = database_now(), by[:150]
        row.sealed = Secrets()
        row.save(update_fields=["applied_at", "applied_by", "sealed"])
    _log.info("plan.applied", plan=row.public_id, project=row.project, commit=row.commit, by=row.applied_by)
    return AppliedPlan(row)


def _carry_out(found: Comparison, by: str) -> None:
    writing = Writing(found.rows, dict(found.planned.ids), found.secrets, by)
    wanted = {(one.section, one.key): one for one in found.document.all()}
    changes = found.planned.effective
    for change in changes:
        if change.action is PlanAction.DELETE:
            delete_object(writing, change.section, change.public_id)
            del writing.ids[change.address]
    free_names(found.rows, changes)
    for section in SECTIONS:
        of_section = [
            (wanted[change.address], change)
            for change in changes
            if change.section == section and change.action is not PlanAction.DELETE and _writes(change)
        ]
        if section == "monitors":
            _write_monitors(writing, of_section)
        else:
            _write_each(writing, _members_first(of_section) if section == "composites" else of_section)
    with_parents = [
        wanted[change.address]
        for change in changes
        if change.section == "monitors" and any(one.name == "parents" for one in change.fields)
    ]
    write_parents(writing, with_parents)
    own(found, writing.ids)
    if any(change.section in ("silences", "maintenance") for change in changes):
        look_again_in(found.rows.team.pk)


def _writes(change: Change) -> bool:
    return change.action is PlanAction.CREATE or any(one.name != "key" for one in change.fields)


def _write_monitors(writing: Writing, pairs: list[tuple[Wanted, Change]]) -> None:
    created = [one for one, change in pairs if change.action is PlanAction.CREATE]
    updated = [(one, change.public_id) for one, change in pairs if change.action is not PlanAction.CREATE]
    try:
        write_monitors(writing, created, updated)
    except ObjectRefused as refused:
        raise problems_of(refused, refused.wanted) from None


def _write_each(writing: Writing, pairs: Iterable[tuple[Wanted, Change]]) -> None:
    for one, change in pairs:
        try:
            write_object(writing, one, change.public_id)
        except ValidationError as refused:
            raise problems_of(refused, one) from None


def _members_first(pairs: list[tuple[Wanted, Change]]) -> list[tuple[Wanted, Change]]:
    """Composites after those that they contain."""
    known = {one.key: (one, change) for one, change in pairs}
    graph = {
        key: [member for link in one.fields["members"] for member in link["monitors"] if member in known]
        for key, (one, _) in known.items()
    }
    return [known[key] for key in TopologicalSorter(graph).static_order()]


def own(found: Comparison, ids: Mapping[Address, str]) -> None:
    """Store who owns what after an application: keys that moved, new objects, and those that are gone."""
    team, project = found.rows.team, found.document.project
    wanted = {(one.section, one.key): one for one in found.document.all()}
    changed = {change.address for change in found.planned.effective}
    stored = {row.public_id: row for row in ManagedObject.objects.filter(team=team, project=project)}
    rows = []
    for address, one in wanted.items():
        old = stored.get(ids[address])
        # What nothing was changed of was applied as it is.
        kept = old.applied if old is not None and address not in changed else {}
        rows.append(
            ManagedObject(
                team=team, project=project, section=one.section, key=one.key, public_id=ids[address],
                file=one.place.file[:500], line=one.place.line, references=dict(one.secrets),
                written=written_of(one), applied=kept or applied_of(one, found.hashes.get(address, {})),
            )
        )  # fmt: skip
    same = {
        row.public_id
        for row in rows
        if (old := stored.get(row.public_id)) is not None and _described(old) == _described(row)
    }
    left = {public_id for address, public_id in ids.items() if address not in wanted}
    gone = [row.pk for public_id, row in stored.items() if public_id not in same and public_id not in left]
    ManagedObject.objects.filter(pk__in=gone).delete()
    ManagedObject.objects.bulk_create([row for row in rows if row.public_id not in same], batch_size=1_000)


def _described(row: ManagedObject) -> tuple[object, ...]:
    return row.section, row.key, row.file, row.line, row.references, row.written, row.applied
