"""Incidents over the API: read only, with every step and the votes it rests on."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiTypes, extend_schema_field
from rest_framework import serializers, viewsets

from consensus.ballot import as_json, ballot
from consensus.evidence import from_evidence, is_verdict
from vigil.api.permissions import team_of
from vigil.incidents.models import Incident, Transition


@extend_schema_field(OpenApiTypes.OBJECT)
class EvidenceField(serializers.JSONField):
    """The verdict as it was decided: votes, exclusions, n, m, k, domains, rule."""


@extend_schema_field(OpenApiTypes.OBJECT)
class BallotField(serializers.Field[Any, Any, list[dict[str, Any]], Any]):
    """The votes as a table: what each region saw in each look, phases and age, and whether it counted or why not."""

    def to_representation(self, value: Any) -> list[dict[str, Any]]:
        return [as_json(line) for line in ballot(from_evidence(value))] if is_verdict(value) else []


class TransitionSerializer(serializers.ModelSerializer[Transition]):
    id = serializers.CharField(source="public_id", read_only=True)
    votes = BallotField(source="evidence", read_only=True)
    evidence = EvidenceField(read_only=True)

    class Meta:
        model = Transition
        fields = ("id", "seq", "step", "reason", "at", "text", "votes", "evidence")


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    id = serializers.CharField(source="public_id", read_only=True)
    monitor = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True, allow_null=True)

    class Meta:
        model = Incident
        fields: tuple[str, ...] = (
            "id", "monitor", "kind", "title", "failure", "started_at", "opened_at", "resolved_at", "flapping",
            "cause_key",
        )  # fmt: skip


class IncidentDetailSerializer(IncidentSerializer):
    transitions = TransitionSerializer(many=True, read_only=True)

    class Meta(IncidentSerializer.Meta):
        fields = (*IncidentSerializer.Meta.fields, "transitions")


class IncidentFilter(django_filters.FilterSet):
    open = django_filters.BooleanFilter(field_name="resolved_at", lookup_expr="isnull")
    monitor = django_filters.CharFilter(field_name="monitor__public_id", max_length=40)
    opened_after = django_filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="gte")
    opened_before = django_filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="lt")

    class Meta:
        model = Incident
        fields = ("kind",)


class IncidentViewSet(viewsets.ReadOnlyModelViewSet[Incident]):
    """What went wrong, from the first failing observation to resolution, newest first."""

    filterset_class = IncidentFilter
    lookup_field = "public_id"
    lookup_value_regex = r"inc_[0-9a-z]{1,20}"
    queryset = Incident.objects.none()

    def get_serializer_class(self) -> type[IncidentSerializer]:
        return IncidentDetailSerializer if self.action == "retrieve" else IncidentSerializer

    def get_queryset(self) -> QuerySet[Incident]:
        found = Incident.objects.filter(team=team_of(self.request)).select_related("monitor")
        return found.prefetch_related("transitions") if self.action == "retrieve" else found
