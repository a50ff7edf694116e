"""Alerting models: channels, people, routes, policies, and the outbox; one noun per file."""

from __future__ import annotations

from vigil.alerts.core.decision import Event
from vigil.alerts.models.channel import Channel, Gathering, channel_kinds
from vigil.alerts.models.delivery import OPEN_STATES, UNTOLD_STATES, Delivery, DeliveryState
from vigil.alerts.models.escalation import Escalation, EscalationPolicy, EscalationStep, Pursuit
from vigil.alerts.models.person import Person
from vigil.alerts.models.rotation import Rotation, RotationMember, RotationOverride
from vigil.alerts.models.route import Route
from vigil.alerts.models.selftest import OutsidePing, SelfTest

__all__ = [
    "OPEN_STATES",
    "UNTOLD_STATES",
    "Channel",
    "Delivery",
    "DeliveryState",
    "Escalation",
    "EscalationPolicy",
    "EscalationStep",
    "Event",
    "Gathering",
    "OutsidePing",
    "Person",
    "Pursuit",
    "Rotation",
    "RotationMember",
    "RotationOverride",
    "Route",
    "SelfTest",
    "channel_kinds",
]
