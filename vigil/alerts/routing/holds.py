"""What keeps an incident's alerts back now: one finder for each kind of reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db.models.functions import Now

from vigil.alerts.core.decision import Hold, Withheld
from vigil.alerts.models import Delivery, DeliveryState
from vigil.alerts.routing.parent_holds import held_by_parents
from vigil.alerts.routing.provider_holds import held_by_provider
from vigil.incidents.models import Incident
from vigil.silences.covering import has_silences, muted_by
from vigil.transaction_cache import read_once

Finder = Callable[[Incident, datetime], Iterable[Hold]]


def silences(incident: Incident, at: datetime) -> Iterable[Hold]:
    """The silences and maintenance windows that cover its monitor."""
    if incident.monitor is None:
        return []
    team = incident.monitor.team_id
    if not read_once(("silences", team), lambda: has_silences(team, at)):
        return []
    return [Hold(Withheld.SILENCED, cover.silence.name, cover.until) for cover in muted_by(incident.monitor, at)]


#: Who may hold an incident's alerts back: one line for each. A finder reads, and locks nothing.
FINDERS: tuple[Finder, ...] = (silences, held_by_parents, held_by_provider)

#: How long a hold is believed in without looking again: one whose end is known, and one whose end is not. Whoever ends
#: one says so with `look_again`, at once.
TRUST, TRUST_WITHOUT_END = timedelta(minutes=5), timedelta(seconds=30)


def holds_on(incident: Incident, now: datetime) -> tuple[Hold, ...]:
    """Everything that holds back the alerts of an incident at this moment."""
    return tuple(hold for find in FINDERS for hold in find(incident, now))


def look_again(incidents: Iterable[int]) -> int:
    """Have these incidents' held alerts looked at within a second: what held them may be over."""
    held = Delivery.objects.filter(incident_id__in=list(incidents), state=DeliveryState.HELD)
    return held.update(recheck_at=Now())


def look_again_in(team: int) -> int:
    """Have what silences hold back in a team looked at within a second: a silence has changed."""
    held = Delivery.objects.filter(team_id=team, state=DeliveryState.HELD, withheld=Withheld.SILENCED)
    return held.update(recheck_at=Now())


def hold_fields(hold: Hold, now: datetime) -> dict[str, object]:
    """The columns of a delivery that is held."""
    latest = now + (TRUST if hold.until else TRUST_WITHOUT_END)
    return {
        "withheld": hold.reason.value,
        "held_by": hold.by[:120],
        "held_until": hold.until,
        "recheck_at": min(hold.until, latest) if hold.until else latest,
    }
