"""Message composition: renders each claim as an alert or a digest, under its dedup key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import connection

from vigil.alerts.core.decision import Event
from vigil.alerts.delivery.alert_rows import alerts_of
from vigil.alerts.delivery.claims import Claim
from vigil.alerts.wording.alert import Alert, Digest
from vigil.alerts.wording.message import Message, message_of, message_of_digest
from vigil.configuration import configuration

# How many incidents of a digest are still open after this message. Dead letters do not count: people see those anyway.
_OPEN_LEFT = """
SELECT t.id, t.public_id, (
    SELECT count(*) FROM alerts_delivery m
    WHERE (m.id = t.id OR m.leader_id = t.id) AND NOT EXISTS (
        SELECT 1 FROM alerts_delivery r
        WHERE r.incident_id = m.incident_id AND r.channel_id = m.channel_id AND r.event = 'resolve'
          AND (r.state IN ('sent', 'dead') OR r.id = ANY(%(ids)s) OR r.leader_id = ANY(%(ids)s))))
FROM alerts_delivery t WHERE t.id = ANY(%(threads)s)
"""


def messages_of(claims: Sequence[Claim]) -> dict[int, Message]:
    """Message of each claim, by delivery id; none where the rows are gone."""
    leaders = [claim.id for claim in claims if claim.tells > 1]
    alerts = alerts_of([claim.id for claim in claims], leaders)
    threads = _threads(claims)
    return {claim.id: _message(claim, alerts[claim.id], threads) for claim in claims if claim.id in alerts}


def _message(claim: Claim, alerts: Sequence[Alert], threads: dict[int, tuple[str, int]]) -> Message:
    first = alerts[0]
    key, left = threads.get(claim.thread or 0, ("", 0))
    ends = first.event == Event.RESOLVE
    if len(alerts) > 1:
        digest = Digest(
            delivery=first.delivery,
            event=first.event,
            key=key or first.delivery,
            alerts=tuple(alerts),
            at=max(alert.at for alert in alerts),
            link=f"{configuration().base_url}/deliveries/{first.delivery}",
            cause=claim.cause,
            closes=ends and not left,
            open_left=left if ends else 0,
        )
        return message_of_digest(digest)
    told = replace(first, reference=claim.reference)
    return message_of(told, key, ends and not left)


def _threads(claims: Sequence[Claim]) -> dict[int, tuple[str, int]]:
    wanted = {claim.thread for claim in claims if claim.thread}
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_LEFT, {"ids": [claim.id for claim in claims], "threads": list(wanted)})
        return {key: (public_id, int(left)) for key, public_id, left in cursor.fetchall()}
