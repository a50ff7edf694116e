"""What keeps an incident's alerts back now, and letting go of them once nothing does any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min
from django.db.models.functions import Now

from vigil.alerts.decision import Hold, strongest
from vigil.alerts.models import Delivery, DeliveryState
from vigil.alerts.parents import held_by_parents
from vigil.clock import database_now
from vigil.incidents.models import Incident

Finder = Callable[[Incident, datetime], Iterable[Hold]]

#: Who may hold an incident's alerts back: one line for each. A finder reads, and locks nothing.
FINDERS: tuple[Finder, ...] = (held_by_parents,)

#: How long a hold is believed in without looking again. Whoever ends one says so with `look_again`, at once.
TRUST = timedelta(seconds=30)
LIMIT = 100


def holds_on(incident: Incident, now: datetime) -> tuple[Hold, ...]:
    """Everything that holds back the alerts of an incident at this moment."""
    return tuple(hold for find in FINDERS for hold in find(incident, now))


def look_again(incidents: Iterable[int]) -> int:
    """Have these incidents' held alerts looked at within a second: what held them may be over."""
    held = Delivery.objects.filter(incident_id__in=list(incidents), state=DeliveryState.HELD)
    return held.update(recheck_at=Now())


def release_due() -> int:
    """Send what nothing holds any more; returns how many messages that makes.

    Each incident is one transaction under its lock: two processes, or one that is killed anywhere, send each once.
    """
    due = Delivery.objects.filter(state=DeliveryState.HELD, recheck_at__lte=Now())
    incidents = due.values("incident_id").annotate(first=Min("recheck_at")).order_by("first")
    return sum(_release(key) for key in list(incidents.values_list("incident_id", flat=True)[:LIMIT]))


def _release(key: int) -> int:
    with transaction.atomic():
        free = Incident.objects.select_for_update(of=("self",), skip_locked=True).select_related("monitor")
        incident = free.filter(pk=key).first()
        if incident is None:
            return 0
        now = database_now()
        held = Delivery.objects.filter(incident=incident, state=DeliveryState.HELD)
        hold = strongest(holds_on(incident, now))
        if hold is not None:
            held.update(**hold_fields(hold, now))
            return 0
        # As new: its age, and the two minutes until a fallback channel, count from now on.
        return held.update(state=DeliveryState.PENDING, created_at=Now(), due_at=Now(), recheck_at=None)


def hold_fields(hold: Hold, now: datetime) -> dict[str, object]:
    """The columns of a delivery that is held."""
    latest = now + TRUST
    return {
        "withheld": hold.reason.value,
        "held_by": hold.by[:120],
        "held_until": hold.until,
        "recheck_at": min(hold.until, latest) if hold.until else latest,
    }
