"""Write path of planned maintenance: a public incident with a window. Raises `ValidationError` keyed by field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.clock import database_wall_now
from vigil.status.changes import note_change, refuse
from vigil.status.components import Problems
from vigil.status.core.states import PublicImpact, UpdateState
from vigil.status.incident_models import ScheduledMaintenance
from vigil.status.models import PublicIncident
from vigil.status.public_incidents.changes import note_edit, save_public_incident
from vigil.status.public_incidents.core.maintenance import next_change
from vigil.status.public_incidents.planned import keep_silence, window_of
from vigil.status.public_incidents.updates import lock_incident

#: Longest window, and how far ahead one may begin.
LENGTH_MOST, AHEAD_MOST = timedelta(days=31), timedelta(days=3_660)
#: A start that is just past is taken for the present: a form is filled in slower than time passes.
JUST_NOW = timedelta(minutes=5)
_WINDOW = ("starts_at", "ends_at", "is_automatic", "silences")


def save_maintenance(row: PublicIncident, wanted: Mapping[str, Any]) -> PublicIncident:
    """Announce planned maintenance, or change it. A new one has its first update in `text`, a draft with `is_draft`.

    Its window is `starts_at` and `ends_at`. With `silences`, the monitors behind its components are silenced for it.
    """
    is_new = row._state.adding
    window = ScheduledMaintenance(incident=row) if is_new else row.maintenance  # type: ignore[attr-defined]
    before = (window.starts_at, window.ends_at)
    for name in _WINDOW:
        if name in wanted:
            setattr(window, name, wanted[name])
    refuse(_problems(row, window, before, wanted))
    fields = {name: value for name, value in wanted.items() if name not in ("state", "impact", "started_at")}
    with transaction.atomic():
        if is_new:
            _announce(row, window, fields)
            return row
        lock_incident(row)
        window.refresh_from_db(fields=["began_at", "ended_at", "silence"])
        _refuse_late(row, window, before)
        save_public_incident(row, {**fields, "started_at": window.starts_at})
        published = row.published_at is not None
        window.due_at = next_change(UpdateState(row.state), window_of(window)) if published else None
        window.save()
        if (window.starts_at, window.ends_at) != before:
            note_edit(row)
        keep_silence(row, window)
        note_change(row.page)
    return row


def _announce(row: PublicIncident, window: ScheduledMaintenance, fields: Mapping[str, Any]) -> None:
    row.state = UpdateState.SCHEDULED
    made = {**fields, "impact": PublicImpact.NONE, "started_at": window.starts_at, "state": UpdateState.SCHEDULED}
    save_public_incident(row, made, window=window)
    # Its first update has changed it.
    window.refresh_from_db()


def _problems(
    row: PublicIncident, window: ScheduledMaintenance, before: tuple[Any, Any], wanted: Mapping[str, Any]
) -> Problems:
    problems: Problems = {}
    for name in ("starts_at", "ends_at"):
        if getattr(window, name) is None:
            problems[name] = ["Write when it begins." if name == "starts_at" else "Write when it ends."]
    if problems:
        return problems
    now = database_wall_now()
    if window.ends_at <= window.starts_at:
        problems["ends_at"] = ["It ends after its start."]
    elif window.ends_at - window.starts_at > LENGTH_MOST:
        problems["ends_at"] = [f"At most {LENGTH_MOST.days} days after its start."]
    elif window.ends_at != before[1] and window.ends_at <= now:
        problems["ends_at"] = ["A moment to come."]
    if window.starts_at != before[0] and not now - JUST_NOW <= window.starts_at <= now + AHEAD_MOST:
        problems["starts_at"] = [f"From now on, within {AHEAD_MOST.days} days."]
    components = wanted.get("components")
    names_none = not components if components is not None or row._state.adding else not row.components.exists()
    if window.silences and names_none:
        problems["silences"] = ["Choose components: a silence is about the monitors behind them."]
    return problems


def _refuse_late(row: PublicIncident, window: ScheduledMaintenance, before: tuple[datetime, datetime]) -> None:
    """What has begun keeps its start, and what is over its window."""
    if row.resolved_at is not None and (window.starts_at, window.ends_at) != before:
        raise ValidationError({"ends_at": ["It is completed: its window stays."]})
    if window.began_at is not None and window.starts_at != before[0]:
        raise ValidationError({"starts_at": ["It has begun: only its end can be moved."]})
