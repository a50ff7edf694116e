"""Write paths of updates: drafts, those that wait for their moment, edits, and the one way in which one is published.

All raise `ValidationError` keyed by field. Each is one transaction that locks the page, then the incident.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.accounts.models import Team
from vigil.clock import database_wall_now
from vigil.problems.rows import row_problems
from vigil.status.changes import lock_page, note_change, refuse
from vigil.status.components import Problems
from vigil.status.core.states import INCIDENT_STATES, MAINTENANCE_STATES, OVER, UpdateState
from vigil.status.incident_models import EarlierText
from vigil.status.models import PublicIncident, PublicUpdate, StatusPage
from vigil.status.public_incidents.core.maintenance import can_follow
from vigil.status.public_incidents.planned import note_state

MAX_UPDATES, MAX_EDITS = 200, 50
#: The furthest moment at which an update may be published by itself.
AHEAD = timedelta(days=366)


def add_update(row: PublicIncident, wanted: Mapping[str, Any], *, by_rule: bool = False) -> PublicUpdate:
    """Add an update: a draft with `is_draft`, one that waits with `publish_at`, else public at once.

    The state of the newest public one is that of the incident; the same words in the same state twice are one. What a
    person publishes takes an automatic incident over.
    """
    with transaction.atomic():
        lock_incident(row)
        update = PublicUpdate(
            incident=row,
            state=wanted.get("state") or states_of(row)[0],
            text=wanted.get("text") or "",
            written_by=str(wanted.get("written_by") or "")[:120],
        )
        waits = _set_moment(update, wanted)
        _check(row, update)
        newest = None if waits else row.updates.newest_first().first()
        if newest is not None and (newest.state, newest.text) == (update.state, update.text):
            return newest
        if row.updates.count() >= MAX_UPDATES:
            raise ValidationError({"text": [f"A public incident has at most {MAX_UPDATES} updates."]})
        update.save()
        if not waits:
            publish_update(row, update, by_rule=by_rule)
    return update


def change_update(update: PublicUpdate, wanted: Mapping[str, Any]) -> PublicUpdate:
    """Change an update. Of a public one only the text: readers see when, the team what it said before.

    One that is not public yet is published by `publish`, waits with `publish_at`, and is a draft with `is_draft`.
    """
    with transaction.atomic():
        row = update.incident
        lock_incident(row)
        stored = row.updates.select_for_update().filter(pk=update.pk).first()
        if stored is None:
            raise ValidationError({"text": ["This update was deleted."]})
        if stored.published_at is not None:
            _edit(row, stored, wanted)
            return stored
        stored.state, stored.text = wanted.get("state") or stored.state, wanted.get("text", stored.text)
        if "publish_at" in wanted or "is_draft" in wanted:
            _set_moment(stored, wanted)
        _check(row, stored)
        stored.held_at = None
        stored.save()
        if wanted.get("publish"):
            publish_update(row, stored)
    return stored


def delete_update(update: PublicUpdate) -> None:
    """Delete an update that nobody outside has seen; what was public stays, and can be edited."""
    with transaction.atomic():
        lock_incident(update.incident)
        if update.incident.updates.published().filter(pk=update.pk).exists():
            raise ValidationError({"text": ["It was published. Change its text instead."]})
        PublicUpdate.objects.filter(pk=update.pk).delete()


def publish_update(row: PublicIncident, update: PublicUpdate, *, by_rule: bool = False) -> None:
    """Make an update public, inside the caller's transaction, which has locked its incident: the only way there is.

    It is newer than all that were published before. Who follows a page is told of updates by `published_at`.
    """
    newest = row.updates.newest_first().first()
    # After the locks: of two at once, the one that is written last is the newest.
    now = database_wall_now()
    if newest is not None and newest.published_at is not None:
        now = max(now, newest.published_at)
    update.published_at, update.publish_at = now, None
    update.save(update_fields=["published_at", "publish_at"])
    row.state = update.state
    row.published_at = row.published_at or now
    row.resolved_at = now if update.state in OVER else None
    row.is_automatic = row.is_automatic and by_rule
    row.save(update_fields=["state", "published_at", "resolved_at", "is_automatic"])
    note_state(row, UpdateState(update.state), now, by_rule=by_rule)
    note_change(row.page)


def lock_incident(row: PublicIncident) -> None:
    """Lock a public incident behind its page, and read what others may have changed."""
    lock_page(row.page_id)
    stored = PublicIncident.objects.select_for_update(no_key=True).filter(pk=row.pk).first()
    if stored is None:
        raise ValidationError({"incident": ["This public incident was deleted."]})
    for name in ("state", "published_at", "resolved_at", "is_automatic"):
        setattr(row, name, getattr(stored, name))


def lock_page_of(team: Team, public_id: str) -> None:
    """Lock the page of a public incident for who is about to lock the incident; nothing where the team has none."""
    mine = PublicIncident.objects.filter(team=team, public_id=public_id)
    StatusPage.objects.select_for_update(no_key=True).filter(pk__in=mine.values("page_id")).first()


def states_of(row: PublicIncident) -> tuple[UpdateState, ...]:
    """States that updates of it may have: those of incidents, or of planned work."""
    return MAINTENANCE_STATES if hasattr(row, "maintenance") else INCIDENT_STATES


def _set_moment(update: PublicUpdate, wanted: Mapping[str, Any]) -> bool:
    """Take the moment of an update over; whether it is not public at once."""
    at: datetime | None = wanted.get("publish_at")
    if at is not None and wanted.get("is_draft"):
        raise ValidationError({"publish_at": ["A draft has no moment: it waits for a person."]})
    now = database_wall_now()
    if at is not None and not now < at <= now + AHEAD:
        raise ValidationError({"publish_at": [f"A moment to come, within {AHEAD.days} days."]})
    update.publish_at = at
    return at is not None or bool(wanted.get("is_draft"))


def _check(row: PublicIncident, update: PublicUpdate) -> None:
    problems: Problems = {**row_problems(update, exclude=["public_id", "incident"])}
    if "state" not in problems:
        states = states_of(row)
        said = UpdateState(row.state) if row.published_at else None
        if update.state not in states:
            problems["state"] = [f"One of {', '.join(states)}."]
        elif not can_follow(said, UpdateState(update.state)):
            problems["state"] = [f"It is {said.words.lower() if said else 'new'} now: that cannot come next."]
    refuse(problems)


def _edit(row: PublicIncident, update: PublicUpdate, wanted: Mapping[str, Any]) -> None:
    fixed = [name for name in ("publish_at", "is_draft", "publish") if wanted.get(name)]
    if wanted.get("state") not in (None, update.state):
        fixed.append("state")
    if fixed:
        raise ValidationError({fixed[0]: ["It was published: only its text can be changed."]})
    before, update.text = update.text, wanted.get("text", update.text)
    if update.text == before:
        return
    refuse({**row_problems(update, exclude=["public_id", "incident"])})
    if update.earlier.count() >= MAX_EDITS:
        raise ValidationError({"text": [f"An update is edited at most {MAX_EDITS} times. Add another one."]})
    now = database_wall_now()
    by = str(wanted.get("written_by") or "")[:120]
    EarlierText.objects.create(update_row=update, text=before, replaced_at=now, replaced_by=by)
    update.edited_at = now
    update.save(update_fields=["text", "edited_at"])
    if row.is_automatic:
        PublicIncident.objects.filter(pk=row.pk).update(is_automatic=False)
        row.is_automatic = False
    note_change(row.page)
