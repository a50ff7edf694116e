"""Renewal of open alerts at receivers that forget them: the newest trigger of an incident is sent again in time.

The time of the last sending is in the row, so a killed process renews nothing twice and forgets nothing. A renewal goes
the way of every message: it waits its turn, is tried again, and if nobody takes it the fallback channel is told.
"""

from __future__ import annotations

from django.db import connection

from vigil.alerts.channels import CHANNELS
from vigil.alerts.core.retry import TOLD_AFTER

# Of each open incident and channel the newest trigger, if it was sent long enough ago. A resolve is behind it in the
# queue of its incident, so it never overtakes the renewal. What was grouped, when the channel was of another kind, is
# sent alone. A receiver that had the alert and then refused a renewal for good is asked again: a proxy that is being
# changed says 404 for a minute, and the alert would end there while the incident is open. One that
# was given up, since it ended its senders, is not: it would only be given up again.
_RENEW = """
WITH newest AS (
    SELECT DISTINCT ON (d.incident_id, d.channel_id) d.id, u.every
    FROM unnest(%(kinds)s::text[], %(every)s::float8[]) AS u(kind, every)
    JOIN alerts_channel c ON c.kind = u.kind AND c.enabled
    JOIN alerts_delivery d ON d.channel_id = c.id AND d.event = 'trigger' AND d.state NOT IN ('held', 'withheld')
    JOIN incidents_incident i ON i.id = d.incident_id AND i.resolved_at IS NULL
    ORDER BY d.incident_id, d.channel_id, d.id DESC
)
UPDATE alerts_delivery d
SET state = 'pending', attempts = 0, created_at = now(), due_at = now(), leader_id = NULL, thread_id = NULL, tells = 1
FROM newest n
WHERE d.id = n.id AND CASE d.state
    WHEN 'sent' THEN d.sent_at < now() - n.every * interval '1 second'
    WHEN 'dead' THEN d.sent_at IS NOT NULL AND d.unfinished <= %(given_up)s
        AND d.due_at < now() - n.every * interval '1 second'
    ELSE false END
"""


def renew() -> int:
    """Send again what is due; returns how many messages."""
    renewed = {name: kind.renew_s for name, kind in CHANNELS.items() if kind.renew_s}
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, {"kinds": list(renewed), "every": list(renewed.values()), "given_up": TOLD_AFTER})
        return int(cursor.rowcount)
