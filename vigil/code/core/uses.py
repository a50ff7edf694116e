"""Uses of what a plan deletes by objects that are not in its document. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from vigil.code.core.plan import PlanAction, PlannedChanges
from vigil.code.core.sections.table import SECTIONS, references_of_field
from vigil.code.core.state import Actual, TeamState
from vigil.code.core.tree import shown

LINES_MOST = 50


def uses_of_deleted(state: TeamState, planned: PlannedChanges) -> list[str]:
    """A sentence for each object that loses something; the document itself names nothing that is deleted."""
    deleted = {change.public_id: change for change in planned.changes if change.action is PlanAction.DELETE}
    mine = set(planned.ids.values())
    lines = [
        f"{change.section}.{change.key} is deleted, and {SECTIONS[one.section].noun} {shown(one.name)} "
        f"({one.public_id}) uses it, which this document does not name"
        for one in (state.objects.values() if deleted else ())
        if one.public_id not in mine
        for found in dict.fromkeys(_named(one))
        if (change := deleted.get(found)) is not None
    ]
    more = len(lines) - LINES_MOST
    return [*lines[:LINES_MOST], f"and {more} more uses of what is deleted"] if more > 0 else lines


def _named(one: Actual) -> Iterator[str]:
    for name, kind in SECTIONS[one.section].fields.items():
        for _, found in references_of_field(kind.type, one.fields.get(name)):
            yield found
