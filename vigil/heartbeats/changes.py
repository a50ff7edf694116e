"""Write path of heartbeat settings: validated, in one transaction with the monitor."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.text import slugify

from vigil.accounts.models import Team
from vigil.clock import database_wall_now
from vigil.heartbeats import rows, validation
from vigil.heartbeats.core import lifecycle
from vigil.heartbeats.core.pings.address import RESERVED
from vigil.heartbeats.core.states import HeartbeatStatus
from vigil.heartbeats.core.suggestions import SUGGESTIONS
from vigil.heartbeats.models import SLUG_CONSTRAINT, Heartbeat, TeamPings, new_key
from vigil.monitors import changes as monitors
from vigil.monitors.models import DerivedKind
from vigil.problems.rows import duplicate

#: Fields of the monitor's row; the others belong to the heartbeat's.
OF_MONITOR = frozenset({"name", "tags", "priority"})
TERMS = frozenset(
    {"schedule", "period_s", "expression", "time_zone", "grace_s", "run_limit_s", "wakes_on_ping", "keywords", "budget"}
)
SETTABLE = OF_MONITOR | TERMS | {"slug", "job"}
_TIMING = frozenset({"schedule", "period_s", "expression", "time_zone", "grace_s", "run_limit_s"})
SLUG_TAKEN = "A heartbeat with this slug already exists."


def create_heartbeat(team: Team, wanted: Mapping[str, Any]) -> Heartbeat:
    """Create a heartbeat; `job` fills in defaults for a kind of job. Raises `ValidationError` keyed by field."""
    _refuse_unknown(wanted)
    terms = {**_suggested(wanted.get("job")), **{name: value for name, value in wanted.items() if name in TERMS}}
    with transaction.atomic():
        monitor = monitors.create_derived(team, DerivedKind.HEARTBEAT, _of_monitor(wanted))
        slug = wanted.get("slug") or _free_slug(team, monitor.name)
        return _save(Heartbeat(monitor=monitor, team=team, slug=slug), terms, creating=True)


def create_by_slug(team: Team, slug: str) -> Heartbeat:
    """Create a heartbeat for a slug that a job has called: period of a day, grace of an hour."""
    name = slug
    while team.monitors.filter(name=name, deleted_at=None).exists():
        name = f"{slug} ({uuid.uuid4().hex[:6]})"
    return create_heartbeat(team, {"name": name, "slug": slug})


def update_heartbeat(heartbeat: Heartbeat, wanted: Mapping[str, Any]) -> Heartbeat:
    """Change the given fields; a new schedule restarts the waiting. Raises `ValidationError`."""
    _refuse_unknown(wanted)
    with transaction.atomic():
        current = _locked(heartbeat)
        if OF_MONITOR & wanted.keys():
            current.monitor = monitors.update_monitor(current.monitor, _of_monitor(wanted))
        terms = {name: value for name, value in wanted.items() if name in TERMS or name == "slug"}
        changed = {name: value for name, value in terms.items() if getattr(current, name) != value}
        timing = bool(_TIMING & changed.keys())
        saved = _save(current, changed)
        if timing:
            subject = rows.load(saved)
            subject.state = lifecycle.rescheduled(subject.state, subject.terms, database_wall_now())
            rows.store([subject])
    return saved


def set_paused(heartbeat: Heartbeat, paused: bool, until_ping: bool = False) -> Heartbeat:
    """Pause or resume; `until_ping` lets the next ping resume it. Open incidents are resolved."""
    with transaction.atomic():
        current = _locked(heartbeat)
        if paused and current.wakes_on_ping is not until_ping:
            current.wakes_on_ping = until_ping
            current.save(update_fields=["wakes_on_ping"])
        current.monitor = monitors.set_paused(current.monitor, paused)
        sync_pause(current)
    return current


def sync_pause(row: Heartbeat) -> bool:
    """Sync a locked row with its monitor's pause or deletion; returns whether anything changed."""
    subject = rows.load(row)
    stopped = row.monitor.paused or row.monitor.deleted_at is not None
    asleep = subject.state.status is HeartbeatStatus.PAUSED
    if stopped is asleep:
        return False
    now = database_wall_now()
    state = subject.state
    subject.state = lifecycle.paused(state, now) if stopped else lifecycle.resumed(state, subject.terms, now)
    rows.store([subject])
    return True


def rotate_address(heartbeat: Heartbeat) -> Heartbeat:
    """Issue a new address for pings and badges; the old one stops working."""
    with transaction.atomic():
        current = _locked(heartbeat)
        current.code, current.badge_code = uuid.uuid4(), new_key()
        current.save(update_fields=["code", "badge_code"])
    return current


def delete_heartbeat(heartbeat: Heartbeat) -> None:
    """Delete a heartbeat. Its incidents stay; its slug and name are free again."""
    with transaction.atomic():
        current = _locked(heartbeat)
        monitors.delete_monitor(current.monitor)
        current.monitor.refresh_from_db()
        sync_pause(current)
        release_names(current)


def release_names(row: Heartbeat) -> None:
    """Free slug and addresses of a heartbeat whose monitor is deleted."""
    row.slug, row.code, row.badge_code = f"{RESERVED}{uuid.uuid4().hex}", uuid.uuid4(), new_key()
    row.save(update_fields=["slug", "code", "badge_code"])


def team_pings(team: Team) -> TeamPings:
    """The ping settings of a team, created on first use."""
    return TeamPings.objects.get_or_create(team=team)[0]


def rotate_team_key(team: Team, badges: bool = False) -> TeamPings:
    """Give a team a new key for pings by slug, or for badges of tags; the old one stops working at once."""
    found = team_pings(team)
    setattr(found, "badge_key" if badges else "key", new_key())
    found.save(update_fields=["badge_key" if badges else "key"])
    return found


def lock_heartbeats(found: QuerySet[Heartbeat]) -> None:
    """Lock heartbeats in order, before their monitors are: every writer of both takes them so, and none cross."""
    list(found.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _locked(heartbeat: Heartbeat) -> Heartbeat:
    rows_now = Heartbeat.objects.select_for_update(of=("self",)).select_related("monitor", "team")
    return rows_now.get(pk=heartbeat.pk, monitor__deleted_at=None)


def _save(row: Heartbeat, wanted: Mapping[str, Any], creating: bool = False) -> Heartbeat:
    for name, value in wanted.items():
        setattr(row, name, value)
    validation.validate(row, database_wall_now())
    if row.slug and Heartbeat.objects.filter(team=row.team, slug=row.slug).exclude(pk=row.pk).exists():
        raise ValidationError({"slug": [duplicate(SLUG_TAKEN)]})
    try:
        # Never the state columns: a ping may have changed them meanwhile.
        row.save(force_insert=True) if creating else row.save(update_fields=[*TERMS, "slug"])
    except IntegrityError as refused:
        if SLUG_CONSTRAINT in str(refused):
            raise ValidationError({"slug": [duplicate(SLUG_TAKEN)]}) from None
        raise
    return row


def _of_monitor(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if name in OF_MONITOR}


def _suggested(job: Any) -> dict[str, Any]:
    if not job:
        return {}
    if job not in SUGGESTIONS:
        raise ValidationError({"job": [f"Choose one of {', '.join(SUGGESTIONS)}, or leave it out."]})
    return dict(SUGGESTIONS[job].terms)


def _refuse_unknown(wanted: Mapping[str, Any]) -> None:
    unknown = sorted(set(wanted) - SETTABLE)
    if unknown:
        raise ValidationError({unknown[0]: ["This cannot be set."]})


def _free_slug(team: Team, name: str) -> str:
    base = re.sub(r"^[-_]+|[-_]+$", "", slugify(name)[:80]) or "heartbeat"
    base = f"job-{base}" if base.startswith(RESERVED) else base
    taken = set(Heartbeat.objects.filter(team=team, slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)
