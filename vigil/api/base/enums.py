"""Choices that several schemas of the API share, so that each has one name in the OpenAPI document."""

from __future__ import annotations

from vigil.alerts.models import ChannelKind
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import Priority

INCIDENT_KINDS = [(kind.value, kind.value.replace("_", " ")) for kind in IncidentKind]
CHANNEL_KINDS = ChannelKind.choices
PRIORITIES = Priority.choices
