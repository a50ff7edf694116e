"""Self-tests API: messages by channel, and whether each was accepted."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from vigil.alerts.models import Delivery, SelfTest
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer


class ProofSerializer(ApiModelSerializer[Delivery]):
    """One message of a self-test."""

    channel = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True)
    name = serializers.CharField(source="channel.name", read_only=True)

    class Meta:
        model = Delivery
        fields = ("channel", "name", "event", "state", "attempts", "sent_at", "last_error")


class SelfTestSerializer(ApiModelSerializer[SelfTest]):
    incident = serializers.CharField(source="incident.public_id", read_only=True)
    proof = ProofSerializer(source="incident.deliveries", many=True, read_only=True)

    class Meta:
        model = SelfTest
        fields = ("incident", "begun_at", "ended_at", "passed", "proof")


class SelfTestViewSet(viewsets.ReadOnlyModelViewSet[SelfTest]):
    """Synthetic incidents that prove alert delivery, newest first. A channel sets how often it takes part."""

    serializer_class = SelfTestSerializer
    filterset_fields = ("passed",)
    lookup_field = "incident__public_id"
    lookup_url_kwarg = "public_id"
    lookup_value_regex = r"inc_[0-9a-z]{1,20}"
    queryset = SelfTest.objects.none()

    def get_queryset(self) -> QuerySet[SelfTest]:
        found = SelfTest.objects.filter(team=team_of(self.request)).select_related("incident")
        return found.prefetch_related("incident__deliveries__channel")
