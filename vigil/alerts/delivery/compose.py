"""Message composition: renders each claim as an alert, a notice or a digest, under its dedup key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import connection
from django.db.models import Q

from vigil.alerts.core.decision import Event
from vigil.alerts.delivery.alert_rows import alerts_of
from vigil.alerts.delivery.claims import Claim
from vigil.alerts.models import Delivery
from vigil.alerts.wording.alert import Alert, AlertSubject, Digest
from vigil.alerts.wording.message import Message, message_of, message_of_digest
from vigil.configuration import configuration
from vigil.monitors.models import Monitor

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
    others = [claim.id for claim in claims if claim.id not in alerts]
    if others:
        alerts |= _notices_of(others)
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
            link=first.link if first.event == Event.NOTICE else _digest_link(first),
            cause=claim.cause,
            closes=ends and not left,
            open_left=left if ends else 0,
        )
        return message_of_digest(digest)
    told = replace(first, reference=claim.reference)
    return message_of(told, key, ends and not left)


def _digest_link(first: Alert) -> str:
    return f"{configuration().base_url}/deliveries/{first.delivery}"


def _threads(claims: Sequence[Claim]) -> dict[int, tuple[str, int]]:
    wanted = {claim.thread for claim in claims if claim.thread}
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_LEFT, {"ids": [claim.id for claim in claims], "threads": list(wanted)})
        return {key: (public_id, int(left)) for key, public_id, left in cursor.fetchall()}


def _notices_of(ids: Sequence[int]) -> dict[int, list[Alert]]:
    """Notices by delivery id: one for a single message, all members for the leader of several."""
    rows = Delivery.objects.filter(Q(pk__in=ids) | Q(leader__in=ids), notice__isnull=False)
    found: dict[int, list[Alert]] = {}
    for row in rows.select_related("notice__monitor", "team").order_by("pk"):
        mine = found.setdefault(row.leader_id or row.pk, [])
        # The leader comes first: its delivery gives the message its id.
        mine.insert(0 if row.leader_id is None else len(mine), _notice(row))
    return found


def _notice(row: Delivery) -> Alert:
    notice = row.notice
    assert notice is not None
    return Alert(
        delivery=row.public_id,
        event=Event.NOTICE,
        dedup_key=notice.public_id,
        kind=Event.NOTICE,
        title=notice.title,
        failure="",
        reason=notice.kind,
        started_at=notice.at,
        opened_at=notice.at,
        at=notice.at,
        link=f"{configuration().base_url}/notices",
        team=row.team.name,
        subject=_subject(notice.monitor),
        named=notice.title,
        before=notice.before,
        after=notice.after,
    )


def _subject(monitor: Monitor | None) -> AlertSubject | None:
    if monitor is None:
        return None
    return AlertSubject(monitor.public_id, monitor.name, monitor.target, monitor.kind, tuple(map(str, monitor.tags)))
