"""The sender's side of the outbox: claiming what is due under a lease, recording what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models.functions import Now

from vigil.alerts.alert import Alert
from vigil.alerts.models import Delivery, DeliveryState
from vigil.alerts.policy import FALLBACK_AFTER, GIVE_UP_AFTER
from vigil.alerts.telling import alert_of

#: Longer than any send may take, so that a lease only runs out when its holder is gone.
LEASE = timedelta(seconds=30)
PER_CHANNEL = 4
ERROR_LIMIT = 300

# Due, in order, and at most PER_CHANNEL in flight for each channel. A message waits for every earlier one of its
# incident on its channel, so a resolve never overtakes its trigger. Other senders' rows are skipped, not waited for.
_CLAIM = """
WITH ready AS (
    SELECT DISTINCT channel_id FROM alerts_delivery
    WHERE (state = 'pending' AND due_at <= now()) OR (state = 'sending' AND lease_until < now())
), busy AS (
    SELECT * FROM unnest(%(channels)s::bigint[], %(counts)s::int[]) AS b(channel_id, held)
), picked AS (
    SELECT d.id FROM ready LEFT JOIN busy USING (channel_id) CROSS JOIN LATERAL (
        SELECT d.id FROM alerts_delivery d
        WHERE d.channel_id = ready.channel_id
          AND ((d.state = 'pending' AND d.due_at <= now()) OR (d.state = 'sending' AND d.lease_until < now()))
          AND NOT EXISTS (
              SELECT 1 FROM alerts_delivery e
              WHERE e.incident_id = d.incident_id AND e.channel_id = d.channel_id
                AND e.id < d.id AND e.state IN ('pending', 'sending'))
        ORDER BY d.due_at, d.id
        LIMIT greatest(0, %(per_channel)s - coalesce(busy.held, 0))
        FOR UPDATE SKIP LOCKED
    ) d
    LIMIT %(limit)s
)
UPDATE alerts_delivery SET state = 'sending', lease_until = now() + %(lease)s, lease_token = %(token)s,
       attempts = attempts + 1
FROM picked WHERE alerts_delivery.id = picked.id
RETURNING alerts_delivery.id, now() - alerts_delivery.created_at
"""

_UNACCEPTED = """
SELECT d.incident_id, d.transition_id
FROM alerts_delivery d JOIN alerts_channel c ON c.id = d.channel_id AND NOT c.fallback
WHERE d.event = 'trigger' AND d.escalated_at IS NULL
  AND d.state NOT IN ('sent', 'held', 'withheld') AND d.created_at > now() - %(oldest)s
  AND NOT EXISTS (
      SELECT 1 FROM alerts_delivery s WHERE s.transition_id = d.transition_id AND s.state = 'sent')
GROUP BY d.incident_id, d.transition_id
HAVING min(d.created_at) <= now() - %(patience)s OR bool_and(d.state = 'dead')
ORDER BY d.transition_id LIMIT 100
"""


@dataclass(frozen=True)
class Claimed:
    """A delivery that this process holds until its lease runs out, with all that sending needs."""

    id: int
    token: UUID
    channel: int
    attempts: int
    age: timedelta
    kind: str
    config: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    alert: Alert


def claim(held: Mapping[int, int], limit: int) -> list[Claimed]:
    """Claim at most `limit` due deliveries; `held` counts what is in flight by channel."""
    token = uuid4()
    values: dict[str, Any] = {
        "channels": list(held),
        "counts": list(held.values()),
        "per_channel": PER_CHANNEL,
        "limit": limit,
        "lease": LEASE,
        "token": token,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        ages: dict[int, timedelta] = dict(cursor.fetchall())
    if not ages:
        return []
    rows = Delivery.objects.filter(pk__in=ages).select_related("incident__monitor", "transition", "channel", "team")
    return [
        Claimed(
            id=row.pk,
            token=token,
            channel=row.channel_id,
            attempts=row.attempts,
            age=ages[row.pk],
            kind=row.channel.kind,
            config=row.channel.config,
            secrets=row.channel.secrets,
            alert=alert_of(row),
        )
        for row in rows.order_by("due_at", "id")
    ]


def record_sent(claimed: Claimed) -> bool:
    """Note that the receiver accepted; False if the lease was lost meanwhile, so that another sends it as well."""
    return _finish(claimed, state=DeliveryState.SENT, sent_at=Now(), last_error="")


def record_dead(claimed: Claimed, error: str) -> bool:
    """Note that no attempt can succeed any more."""
    return _finish(claimed, state=DeliveryState.DEAD, last_error=error[:ERROR_LIMIT])


def record_retry(claimed: Claimed, error: str, wait_s: float) -> bool:
    """Put the delivery back, to be sent again in `wait_s` seconds."""
    due = Now() + timedelta(seconds=wait_s)
    return _finish(claimed, state=DeliveryState.PENDING, due_at=due, last_error=error[:ERROR_LIMIT])


def resend(delivery: Delivery) -> bool:
    """Give a dead delivery another life, as new; False if it is not dead."""
    dead = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.DEAD)
    return dead.update(state=DeliveryState.PENDING, attempts=0, due_at=Now(), created_at=Now()) == 1


def unaccepted_pages() -> list[tuple[int, int]]:
    """Pages that no channel accepted in time or that all refused, as (incident, transition) keys."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"oldest": GIVE_UP_AFTER, "patience": FALLBACK_AFTER}
        cursor.execute(_UNACCEPTED, values)
        return [(int(incident), int(transition)) for incident, transition in cursor.fetchall()]


def _finish(claimed: Claimed, **values: Any) -> bool:
    mine = Delivery.objects.filter(pk=claimed.id, lease_token=claimed.token, state=DeliveryState.SENDING)
    return mine.update(lease_until=None, lease_token=None, **values) == 1
