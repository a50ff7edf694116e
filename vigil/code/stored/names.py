"""Names that change hands within one plan, such as two objects that swap theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import F

from vigil.code.core.plan import SHARED_NAMES, Change, PlanAction, names_of
from vigil.code.stored.rows import MODELS, TeamRows
from vigil.monitors.models import Monitor


def free_names(rows: TeamRows, changes: Iterable[Change]) -> None:
    """Give the ids of objects for their names where another one takes the name, until their own write names them.

    Names are unique within a team in every statement, not only at the end of the transaction, which alone is seen.
    """
    named = [
        (change, field.old, field.new)
        for change in changes
        if change.section not in SHARED_NAMES
        for field in change.fields
        if field.name == "name"
    ]
    taken = {(names_of(change.section), new) for change, _, new in named}
    freed = defaultdict(list)
    for change, old, _ in named:
        if change.action is not PlanAction.CREATE and (names_of(change.section), old) in taken:
            freed[names_of(change.section)].append(change.public_id)
    for section, ids in freed.items():
        model = Monitor if section == "monitors" else MODELS[section]
        model._default_manager.filter(team=rows.team, public_id__in=ids).update(name=F("public_id"))
