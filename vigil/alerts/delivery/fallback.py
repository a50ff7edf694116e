"""Pages that no channel accepted in time are passed on to the fallback channels."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import connection

from vigil.alerts.core.retry import FALLBACK_AFTER, GIVE_UP_AFTER
from vigil.alerts.crashpoints import CrashPoint, reach
from vigil.alerts.outbox import escalate

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
HAVING min(d.created_at) <= now() - %(patience)s OR bool_and(d.state = 'dead')
ORDER BY d.transition_id LIMIT 100
"""


def unaccepted_pages() -> list[tuple[int, int]]:
    """Pages that no channel accepted in time or that all refused, as (incident, transition) keys."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"oldest": GIVE_UP_AFTER, "patience": FALLBACK_AFTER}
        cursor.execute(_UNACCEPTED, values)
        return [(int(incident), int(transition)) for incident, transition in cursor.fetchall()]


def escalate_unaccepted() -> int:
    """Pass on every page that nobody accepted; returns how many messages that makes."""
    total = 0
    for incident, step in unaccepted_pages():
        reach(CrashPoint.ESCALATE_BEFORE)
        told = escalate(incident, step)
        reach(CrashPoint.ESCALATE_COMMITTED)
        total += told
        if told:
            _log.warning("escalated", incident=incident, transition=step, deliveries=told)
        else:
            _log.error("nobody_told", incident=incident, transition=step, advice="add a fallback channel")
    return total
