"""Fallback escalation: pages that no channel accepted in time go to the fallback channels."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models.functions import Now

from probes.process.isolation import Each, plainly
from vigil.alerts.core.decision import EVENTS, Choice, Concern, Disposition, Event, Why
from vigil.alerts.core.pipeline import StepKeys
from vigil.alerts.core.retry import FALLBACK_AFTER, GIVE_UP_AFTER
from vigil.alerts.crashpoints import CrashPoint, reach
from vigil.alerts.models import UNTOLD_STATES, Channel, Delivery
from vigil.alerts.outbox import write_choices
from vigil.incidents.core.model import Step
from vigil.incidents.models import Incident, Transition

_log = structlog.get_logger(__name__)

_UNACCEPTED = """
SELECT d.incident_id, d.transition_id
FROM alerts_delivery d JOIN alerts_channel c ON c.id = d.channel_id AND NOT c.fallback
JOIN incidents_incident i ON i.id = d.incident_id AND i.kind <> 'self_test'
WHERE d.event = 'trigger' AND d.escalated_at IS NULL
  AND d.state NOT IN ('sent', 'held', 'withheld') AND d.created_at > now() - %(oldest)s
  AND NOT EXISTS (
      SELECT 1 FROM alerts_delivery s WHERE s.transition_id = d.transition_id AND s.state = 'sent')
GROUP BY d.incident_id, d.transition_id
HAVING min(d.created_at) <= now() - %(fallback_after)s OR bool_and(d.state = 'dead')
ORDER BY d.transition_id LIMIT 100
"""


def unaccepted_pages() -> list[tuple[int, int]]:
    """Pages that no channel accepted in time or that all refused: (incident, transition) keys."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"oldest": GIVE_UP_AFTER, "fallback_after": FALLBACK_AFTER}
        cursor.execute(_UNACCEPTED, values)
        return [(int(incident), int(transition)) for incident, transition in cursor.fetchall()]


def escalate_unaccepted(each: Each = plainly) -> int:
    """Escalate all unaccepted pages; returns the number of messages written."""
    return sum(each("fallback", unaccepted_pages(), _escalate, 0))


def _escalate(page: tuple[int, int]) -> int:
    incident, step = page
    reach(CrashPoint.ESCALATE_BEFORE)
    written = escalate(incident, step)
    reach(CrashPoint.ESCALATE_COMMITTED)
    if written:
        _log.warning("fallback.told", incident=incident, transition=step, deliveries=written)
    else:
        _log.error("fallback.missing", incident=incident, transition=step, advice="add a fallback channel")
    return written


def escalate(incident_id: int, transition_id: int) -> int:
    """Send an unaccepted page, with the later steps of its incident, to the fallback channels; returns how many."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        missed = Delivery.objects.filter(transition_id=transition_id, event=Event.TRIGGER, escalated_at=None)
        missed = missed.exclude(state__in=UNTOLD_STATES)
        team = missed.values_list("team_id", flat=True).first()
        if team is None:
            return 0
        fallbacks = Channel.objects.filter(team_id=team, fallback=True, enabled=True).values_list("pk", flat=True)
        choices = [Choice(channel, Disposition.TELL, Concern(Why.FALLBACK)) for channel in sorted(fallbacks)]
        written = 0
        later = Transition.objects.filter(incident=incident, deliveries__isnull=False, pk__gte=transition_id)
        for step in later.distinct().order_by("seq"):
            keys = StepKeys(step.pk, incident_id, team, step.at)
            written += len(write_choices(keys, EVENTS[Step(step.step)], choices))
        missed.update(escalated_at=Now())
        reach(CrashPoint.ESCALATE_WRITTEN)
        return written
