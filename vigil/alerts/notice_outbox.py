"""Outbox of notices: one delivery for each channel that routes pick, in the transaction that stores the notice.

No hold, escalation or reminder: a notice is told once and quietly. Silences and maintenance do not matter to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db import connection
from django.db.models.functions import Now

from vigil.alerts.channels import CHANNELS
from vigil.alerts.core.decision import Concern, Event
from vigil.alerts.core.routes import NOTICE, RouteRule, route_all
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import HINT_CHANNEL
from vigil.alerts.routing.rules import load_rules, subject
from vigil.monitors.models import Monitor
from vigil.notices.models import StoredNotice


def enqueue_notices(notices: Sequence[StoredNotice]) -> list[Delivery]:
    """Write the deliveries of new notices; returns them. Call inside the transaction that stores them."""
    teams = {notice.team_id for notice in notices}
    taking, rules = _taking(teams), {team: load_rules(team) for team in teams}
    others = Monitor.objects.in_bulk({key for notice in notices for key in notice.others})
    rows = [
        _row(notice, channel, concern)
        for notice in notices
        for channel, concern in _concerned(notice, taking, rules[notice.team_id], others)
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
    notice: StoredNotice,
    taking: frozenset[int],
    loaded: tuple[list[RouteRule], frozenset[int]],
    others: Mapping[int, Monitor],
) -> list[tuple[int, Concern]]:
    """Channels that routes pick for a notice and each monitor that it concerns, without those that are told none."""
    rules, everyone = loaded
    monitors = [notice.monitor, *(others[key] for key in notice.others if key in others)]
    # The first one's reason stands where several pick a channel.
    subjects = [subject(NOTICE, monitor) for monitor in reversed(monitors)]
    routed = route_all(rules, subjects, notice.at, everyone).concerned
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
