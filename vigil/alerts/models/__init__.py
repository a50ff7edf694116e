"""Who is told (channels), of what (routes), and the outbox (deliveries): one noun per file."""

from __future__ import annotations

from vigil.alerts.decision import Event
from vigil.alerts.models.channel import Channel, ChannelKind
from vigil.alerts.models.delivery import OPEN_STATES, UNTOLD_STATES, Delivery, DeliveryState
from vigil.alerts.models.route import Route

__all__ = ["OPEN_STATES", "UNTOLD_STATES", "Channel", "ChannelKind", "Delivery", "DeliveryState", "Event", "Route"]
