"""Outbox of notices: one delivery for each channel that routes pick, in the transaction that stores the notice.

No hold, escalation or reminder: a notice is told once and quietly. Silences and maintenance do not matter to it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import connection
from django.db.models.functions import Now

from vigil.alerts.channels import CHANNELS
from vigil.alerts.core.decision import Concern, Event
from vigil.alerts.core.routes import NOTICE, RouteRule, route
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import HINT_CHANNEL
from vigil.alerts.routing.rules import load_rules, subject
from vigil.notices.models import StoredNotice


def enqueue_notices(notices: Sequence[StoredNotice]) -> list[Delivery]:
    """Write the deliveries of new notices; returns them. Call inside the transaction that stores them."""
    teams = {notice.team_id for notice in notices}
    taking, rules = _taking(teams), {team: load_rules(team) for team in teams}
    rows = [
        _row(notice, channel, concern)
        for notice in notices
        for channel, concern in _concerned(notice, taking, rules[notice.team_id])
    ]
    if rows:
        Delivery.objects.bulk_create(rows)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [HINT_CHANNEL])
    return rows


def _taking(teams: Collection[int]) -> frozenset[int]:
    """Enabled channels of these teams that are told notices."""
    found = Channel.objects.filter(team__in=list(teams), enabled=True, notices=True).values_list("pk", "kind")
    return frozenset(pk for pk, kind in found if kind in CHANNELS and CHANNELS[kind].takes_notices)


def _concerned(
    notice: StoredNotice, taking: frozenset[int], loaded: tuple[list[RouteRule], frozenset[int]]
) -> list[tuple[int, Concern]]:
    """Channels that routes pick for a notice, without those that are told none."""
    rules, everyone = loaded
    routed = route(rules, subject(NOTICE, notice.monitor), notice.at, everyone).concerned
    return [(channel, routed[channel]) for channel in sorted(taking & routed.keys())]


def _row(notice: StoredNotice, channel: int, concern: Concern) -> Delivery:
    return Delivery(
        team_id=notice.team_id,
        notice=notice,
        channel_id=channel,
        event=Event.NOTICE,
        why=concern.why,
        because=concern.because[:120],
        created_at=Now(),
        due_at=Now(),
    )
