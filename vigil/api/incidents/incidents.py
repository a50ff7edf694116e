"""Incidents API: steps with votes and deliveries, and responses."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.alerts.models import Delivery, Pursuit
from vigil.api.base.filters import AnyOfFilter, ListFilters, MomentFilter, NamedRowsFilter, StrictBooleanFilter
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.views import ReadOnlyViewSet
from vigil.api.incidents.evidence import EvidenceActions
from vigil.api.incidents.responses import Responses
from vigil.api.incidents.votes import BallotField
from vigil.api.openapi.shapes import EVIDENCE
from vigil.api.providers.serializers import LeadSerializer
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident, Transition
from vigil.monitors.core.providers import PROVIDERS
from vigil.monitors.models import Monitor


@extend_schema_field(EVIDENCE)
class EvidenceField(serializers.JSONField):
    """What the step rests on, as it was stored."""


class StepDeliverySerializer(ApiModelSerializer[Delivery]):
    """A channel of a step: sent, pending, held, or withheld, and why."""

    id = serializers.CharField(source="public_id", read_only=True)
    channel = serializers.CharField(source="channel.public_id", read_only=True)
    name = serializers.CharField(source="channel.name", read_only=True)

    class Meta:
        model = Delivery
        fields = (
            "id", "channel", "name", "event", "state", "why", "because", "withheld", "held_by", "held_until", "sent_at",
        )  # fmt: skip


class TransitionSerializer(ApiModelSerializer[Transition]):
    id = serializers.CharField(source="public_id", read_only=True)
    votes = BallotField(source="evidence", read_only=True)
    evidence = EvidenceField(read_only=True)
    told = StepDeliverySerializer(source="deliveries", many=True, read_only=True)

    class Meta:
        model = Transition
        fields = ("id", "seq", "step", "reason", "at", "text", "actor", "votes", "evidence", "told")


class IncidentSerializer(ApiModelSerializer[Incident]):
    id = serializers.CharField(source="public_id", read_only=True)
    monitor = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True, allow_null=True)
    part_of = serializers.SlugRelatedField[Any](
        slug_field="public_id", read_only=True, allow_null=True, help_text="The provider's incident that it is part of."
    )
    lead = LeadSerializer(read_only=True, allow_null=True, default=None)

    class Meta:
        model = Incident
        fields: tuple[str, ...] = (
            "id", "monitor", "kind", "title", "failure", "started_at", "opened_at", "resolved_at", "flapping",
            "cause_key", "provider", "part_of", "lead",
        )  # fmt: skip


class PursuitSerializer(ApiModelSerializer[Pursuit]):
    """Who acknowledged it, and until when it is snoozed."""

    class Meta:
        model = Pursuit
        fields = ("acknowledged_at", "acknowledged_by", "snoozed_until", "remind_at")


class IncidentDetailSerializer(IncidentSerializer):
    members = serializers.SlugRelatedField[Any](
        slug_field="public_id",
        read_only=True,
        many=True,
        help_text="For a provider's incident: the incidents of its monitors.",
    )
    pursuit = PursuitSerializer(read_only=True, allow_null=True, default=None)
    transitions = TransitionSerializer(many=True, read_only=True)

    class Meta(IncidentSerializer.Meta):
        fields = (*IncidentSerializer.Meta.fields, "members", "pursuit", "transitions")


class ResponseState(StrEnum):
    """How far people have answered an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class IncidentFilter(ListFilters):
    provider = AnyOfFilter(among=list(PROVIDERS))
    open = StrictBooleanFilter(field_name="resolved_at", lookup_expr="isnull")
    monitor = NamedRowsFilter(Monitor, field_name="monitor__public_id")
    opened_after = MomentFilter(field_name="opened_at", lookup_expr="gte")
    opened_before = MomentFilter(field_name="opened_at", lookup_expr="lt")

    resolved_after = MomentFilter(field_name="resolved_at", lookup_expr="gte")
    resolved_before = MomentFilter(field_name="resolved_at", lookup_expr="lt")
    state = django_filters.ChoiceFilter(
        choices=[(state.value, state.value) for state in ResponseState],
        method="in_state",
        help_text="open: not acknowledged by a person; acknowledged, snoozed, resolved.",
    )

    class Meta:
        model = Incident
        fields = ("kind",)

    def in_state(self, queryset: QuerySet[Incident], name: str, value: str) -> QuerySet[Incident]:
        if value == ResponseState.RESOLVED:
            return queryset.filter(resolved_at__isnull=False)
        acknowledged = Q(pursuit__acknowledged_at__isnull=False)
        snoozed = Q(pursuit__snoozed_until__isnull=False)
        of_state = {
            ResponseState.OPEN: ~acknowledged,
            ResponseState.ACKNOWLEDGED: acknowledged & ~snoozed,
            ResponseState.SNOOZED: acknowledged & snoozed,
        }
        return queryset.filter(of_state[ResponseState(value)], resolved_at=None)


class IncidentViewSet(Responses, EvidenceActions, ReadOnlyViewSet):
    """Incidents, from the first failing observation to resolution, newest first."""

    filterset_class = IncidentFilter
    lookup_field = "public_id"
    lookup_value_regex = r"inc_[0-9a-z]{1,20}"
    queryset = Incident.objects.none()

    def get_serializer_class(self) -> type[IncidentSerializer]:
        return IncidentSerializer if self.action == "list" else IncidentDetailSerializer

    @extend_schema(responses=TransitionSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], filterset_class=None)
    def transitions(self, request: Request, public_id: str) -> Response:
        """Its steps, newest first, by pages."""
        steps = self.get_object().transitions.order_by("-pk").prefetch_related("deliveries__channel")
        page = self.paginate_queryset(steps)
        return self.get_paginated_response(TransitionSerializer(page, many=True).data)

    def get_queryset(self) -> QuerySet[Incident]:
        found = Incident.objects.filter(team=team_of(self.request)).select_related(
            "monitor", "pursuit", "part_of", "lead"
        )
        if self.action == "retrieve":
            return found.prefetch_related("transitions__deliveries__channel", "members")
        if self.action != "list":
            return found
        # Self-tests are no failures, so they are listed by name only.
        named = IncidentKind.SELF_TEST in self.request.query_params.get("kind", "").split(",")
        return found if named else found.exclude(kind=IncidentKind.SELF_TEST)
