"""Write paths of public incidents, one transaction each. All raise `ValidationError` keyed by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.clock import YEARS_IN_WORDS, database_now, database_wall_now, is_storable
from vigil.problems.rows import row_problems
from vigil.status.changes import lock_page, named, note_change, refuse, set_fields
from vigil.status.components import Problems
from vigil.status.incident_models import ScheduledMaintenance
from vigil.status.models import PageComponent, PublicIncident, StatusPage
from vigil.status.public_incidents.planned import release_silence
from vigil.status.public_incidents.updates import add_update, lock_incident

#: Public incidents that a page gets in a year: what is older takes no place from new ones.
MAX_INCIDENTS, COUNTED = 10_000, timedelta(days=365)
#: What is said of a component that was removed while a form was open.
GONE = "One of them is gone. Choose again."
_INCIDENT = ("page", "incident", "title", "impact", "started_at")


def save_public_incident(
    row: PublicIncident,
    wanted: Mapping[str, Any],
    *,
    by_rule: bool = False,
    window: ScheduledMaintenance | None = None,
) -> PublicIncident:
    """Create or change a public incident. A new one has its first update in `state` and `text`.

    It is seen by nobody while that one is a draft, or waits. What a person changes takes an automatic one over. With a
    `window`, a new one is planned maintenance.
    """
    is_new, before = row._state.adding, None
    set_fields(row, wanted, _INCIDENT)
    row.started_at = row.started_at or database_now()
    problems: Problems = {**row_problems(row, exclude=["public_id"])}
    components = wanted.get("components")
    check_belongings(row, components or (), problems)
    if not is_storable(row.started_at):
        problems["started_at"] = [YEARS_IN_WORDS]
    refuse(problems)
    with transaction.atomic():
        if is_new:
            lock_page(row.page_id)
            if row.page.incidents.filter(created_at__gt=database_now() - COUNTED).count() >= MAX_INCIDENTS:
                raise ValidationError({"page": [f"A page gets at most {MAX_INCIDENTS:,} public incidents a year."]})
            row.is_automatic = by_rule
            row.save()
            if window is not None:
                window.save(force_insert=True)
        else:
            # Its state is that of its newest update, which may have come since the row was read.
            lock_incident(row)
            before = _shown(row)
            row.is_automatic = row.is_automatic and by_rule
            row.save(update_fields=[*named(_INCIDENT, wanted), "is_automatic"])
        if components is not None:
            refuse_gone(row.page, components)
            row.components.set(components)
        if is_new:
            add_update(row, wanted, by_rule=by_rule)
        elif _shown(row) != before:
            note_edit(row)
        note_change(row.page)
    return row


def note_edit(row: PublicIncident) -> None:
    """Note when what stands around the updates of a public incident was changed, for programs that keep it."""
    if row.published_at is not None:
        row.edited_at = database_wall_now()
        row.save(update_fields=["edited_at"])


def _shown(row: PublicIncident) -> tuple[object, ...]:
    """What is stored of it that readers see beside its updates."""
    stored = PublicIncident.objects.values_list("title", "impact", "started_at").get(pk=row.pk)
    return (*stored, set(row.components.values_list("pk", flat=True)))


def save_postmortem(row: PublicIncident, text: str, *, publish: bool) -> None:
    """Store what happened and what changes, as a draft or public; no text takes it away. Only when it is over."""
    with transaction.atomic():
        lock_incident(row)
        if row.resolved_at is None:
            raise ValidationError({"postmortem": ["Say first that it is over: a postmortem comes after."]})
        stored_at = row.postmortem_at
        row.postmortem = text.strip()
        refuse({**row_problems(row, exclude=["public_id"])})
        keeps = bool(row.postmortem) and (publish or stored_at is not None)
        row.postmortem_at = (stored_at or database_wall_now()) if keeps else None
        row.save(update_fields=["postmortem", "postmortem_at"])
        note_change(row.page)


def delete_public_incident(row: PublicIncident) -> None:
    """Delete a public incident with its updates, and the silence that was made with it."""
    with transaction.atomic():
        # As everywhere: the page, the incident, then the silence.
        lock_incident(row)
        release_silence(row)
        note_change(row.page)
        row.delete()


def check_belongings(row: PublicIncident, components: Sequence[PageComponent], problems: Problems) -> None:
    """Add to the problems what is another team's or another page's."""
    if row.page_id and row.page.team_id != row.team_id:
        problems["page"] = ["This page is another team's."]
    if row.incident is not None and row.incident.team_id != row.team_id:
        problems["incident"] = ["This incident is another team's."]
    if any(one.page_id != row.page_id for one in components):
        problems["components"] = ["Each must be a component of the page."]


def refuse_gone(page: StatusPage, components: Sequence[PageComponent]) -> None:
    """Refuse components that were removed since they were read."""
    ids = {one.pk for one in components}
    if page.components.filter(pk__in=ids).count() < len(ids):
        raise ValidationError({"components": [GONE]})
