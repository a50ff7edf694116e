"""What planned maintenance carries along when its state changes: its times, and the silence that was made with it."""

from __future__ import annotations

from datetime import datetime

from vigil.silences.changes import change_silence, create_silence, delete_silence, end_now
from vigil.silences.models import Silence
from vigil.status.core.states import OVER, UNDER_WAY, UpdateState
from vigil.status.incident_models import ScheduledMaintenance
from vigil.status.models import PublicIncident
from vigil.status.public_incidents.core.maintenance import MaintenanceWindow, began_at, ended_at, next_change


def window_of(maintenance: ScheduledMaintenance) -> MaintenanceWindow:
    """Its window as the pure functions take it."""
    return MaintenanceWindow(maintenance.starts_at, maintenance.ends_at, maintenance.is_automatic)


def note_state(row: PublicIncident, state: UpdateState, now: datetime, *, by_rule: bool) -> None:
    """Store what a published state means for the window, inside the caller's transaction. Nothing for an incident."""
    maintenance = ScheduledMaintenance.objects.filter(incident=row).first()
    if maintenance is None:
        return
    window = window_of(maintenance)
    if maintenance.began_at is None and (state in UNDER_WAY or (state in OVER and by_rule)):
        maintenance.began_at = began_at(window, row.published_at or now, now, by_rule)
    if state in OVER:
        maintenance.ended_at = ended_at(window, now, by_rule)
    maintenance.due_at = next_change(state, window)
    maintenance.save(update_fields=["began_at", "ended_at", "due_at"])
    # In between nothing of it changes: what happens by itself does not depend on a silence.
    if state is UpdateState.SCHEDULED or state in OVER:
        keep_silence(row, maintenance)


def keep_silence(row: PublicIncident, maintenance: ScheduledMaintenance) -> None:
    """Make the silence what the maintenance says: made when that is public, ended with it, deleted without it."""
    silence = Silence.objects.filter(public_id=maintenance.silence, valid_until=None).first()
    if row.published_at is None:
        return
    if not maintenance.silences:
        if silence is not None:
            delete_silence(silence)
            _name(maintenance, "")
        return
    if row.resolved_at is not None:
        if silence is not None:
            end_now(silence)
        return
    components = list(row.components.select_related("monitor"))
    monitors = [one.monitor for one in components if one.monitor is not None]
    tags = sorted({one.tag for one in components if one.tag})
    wanted = {
        "name": row.title[:100], "mutes": True, "excludes": True, "tags": tags, "starts_at": maintenance.starts_at,
        "ends_at": maintenance.ends_at,
    }  # fmt: skip
    if silence is not None:
        change_silence(silence, wanted, monitors)
    elif not maintenance.silence:
        # One that a person has deleted is not made again.
        made = create_silence(Silence(team_id=row.team_id), wanted, monitors)
        _name(maintenance, made.public_id)


def release_silence(row: PublicIncident) -> None:
    """Delete the silence that was made with planned maintenance: what it has held is told, if it is still due."""
    maintenance = ScheduledMaintenance.objects.filter(incident=row).first()
    if maintenance is not None:
        for silence in Silence.objects.filter(public_id=maintenance.silence, valid_until=None):
            delete_silence(silence)


def _name(maintenance: ScheduledMaintenance, public_id: str) -> None:
    maintenance.silence = public_id
    maintenance.save(update_fields=["silence"])
