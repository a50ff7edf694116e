"""Shared enums of the OpenAPI document, each under one name."""

from __future__ import annotations

from probes.reasons import Reason
from vigil.access.core.trend import TrendReason
from vigil.alerts.core import routes
from vigil.alerts.core.decision import Why
from vigil.alerts.models import channel_kinds
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.core.readiness import ReadinessReason
from vigil.monitors.models import Priority
from vigil.status.core.access import PageVisibility
from vigil.status.core.states import INCIDENT_STATES, PublicImpact, RuleKind, UpdateState
from vigil.status.core.subscriber_terms import OffReason, SubscriberKind, SubscriberState

INCIDENT_KINDS = [(kind.value, kind.value.replace("_", " ")) for kind in IncidentKind]
#: Of a route: every kind of incident, and notices.
ROUTE_KINDS = [(kind, kind.replace("_", " ")) for kind in routes.ROUTE_KINDS]
CHANNEL_KINDS = channel_kinds
PRIORITIES = Priority.choices
DELIVERY_WHYS = [(why.value, why.value.replace("_", " ")) for why in Why]
#: Of a check; a step of an incident has other reasons.
REASONS = [(reason.value, reason.value.replace("_", " ")) for reason in Reason]
TREND_REASONS = [(one.value, one.value) for one in TrendReason]
READINESS_REASONS = [(one.value, one.value) for one in ReadinessReason]
SUBSCRIBER_KINDS = [(kind.value, kind.value) for kind in SubscriberKind]
SUBSCRIBER_STATES = [(state.value, state.value) for state in SubscriberState]
SUBSCRIBER_OFF_REASONS = [(reason.value, reason.value) for reason in OffReason]
UPDATE_STATES = [(state.value, state.value) for state in UpdateState]
PUBLIC_INCIDENT_STATES = [(state.value, state.value) for state in INCIDENT_STATES]
RULE_KINDS = [(kind.value, kind.value) for kind in RuleKind]
PAGE_VISIBILITIES = [(one.value, one.value) for one in PageVisibility]
PUBLIC_IMPACTS = [(impact.value, impact.value) for impact in PublicImpact]
