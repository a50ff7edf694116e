"""Channels with what became of their last message, for their pages: two queries for a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db.models import Count, OuterRef, QuerySet, Subquery

from vigil.accounts.models import Team
from vigil.alerts.models import Channel, Delivery, DeliveryState, Route


class ChannelState(StrEnum):
    """Whether a channel can be relied on."""

    #: Switched off by Vigil, after its receiver had refused several alerts for good.
    REFUSED = "refused"
    #: On, and its last message was not delivered.
    FAILING = "failing"
    OFF = "off"
    UNUSED = "unused"
    WORKS = "works"


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel. `last` is its last message with an outcome; `routes` counts those that name it."""

    channel: Channel
    state: ChannelState
    last: Delivery | None
    routes: int

    @property
    def took(self) -> timedelta | None:
        """From the message to its acceptance; None if it was held, or needed several attempts."""
        last = self.last
        if last is None or last.sent_at is None or last.held_until or last.withheld or last.attempts > 1:
            return None
        return last.sent_at - last.created_at


def read_channels(channels: QuerySet[Channel]) -> list[ChannelRow]:
    """Rows of channels, those in trouble first, then by name."""
    ended = Delivery.objects.filter(channel=OuterRef("pk"), state__in=(DeliveryState.SENT, DeliveryState.DEAD))
    last = ended.order_by("-pk").values("pk")[:1]
    found = list(channels.annotate(route_count=Count("routes", distinct=True), last_delivery=Subquery(last)))
    wanted = [pk for pk in (getattr(one, "last_delivery", None) for one in found) if pk is not None]
    deliveries = Delivery.objects.in_bulk(wanted)
    rows = [_row(one, deliveries.get(getattr(one, "last_delivery", 0) or 0)) for one in found]
    order = list(ChannelState)
    return sorted(rows, key=lambda row: (order.index(row.state), row.channel.name.lower(), row.channel.pk))


def routes_left_alone(team: Team, channel: Channel) -> list[str]:
    """Names of enabled routes that would tell no channel without this one, at most ten."""
    mine = Route.objects.filter(team=team, enabled=True, policy=None, channels=channel)
    others = Channel.objects.filter(enabled=True).exclude(pk=channel.pk)
    return list(mine.exclude(channels__in=others).order_by("position").values_list("name", flat=True)[:10])


def _row(channel: Channel, last: Delivery | None) -> ChannelRow:
    return ChannelRow(channel, _state(channel, last), last, int(getattr(channel, "route_count", 0)))


def _state(channel: Channel, last: Delivery | None) -> ChannelState:
    if not channel.enabled:
        return ChannelState.REFUSED if channel.disabled_at else ChannelState.OFF
    if last is None:
        return ChannelState.UNUSED
    return ChannelState.WORKS if last.state == DeliveryState.SENT else ChannelState.FAILING
