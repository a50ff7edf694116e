"""Deliveries API: messages sent, held and withheld, with the reason; resending of dead letters."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.alerts.delivery.outcomes import resend
from vigil.alerts.models import Channel, Delivery
from vigil.api.base.filters import ListFilters, MomentFilter, NamedRowsFilter
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.views import ReadOnlyViewSet
from vigil.incidents.models import Incident
from vigil.notices.models import StoredNotice


class DeliverySerializer(ApiModelSerializer[Delivery]):
    id = serializers.CharField(source="public_id", read_only=True)
    incident = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True, allow_null=True)
    notice = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True, allow_null=True)
    channel = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True)

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = (
            "id", "incident", "notice", "channel", "event", "state", "tells", "attempts", "created_at", "due_at",
            "sent_at", "answer", "last_error", "escalated_at", "why", "because", "withheld", "held_by", "held_until",
        )  # fmt: skip


class DeliveryFilter(ListFilters):
    incident = NamedRowsFilter(Incident, field_name="incident__public_id")
    notice = NamedRowsFilter(StoredNotice, field_name="notice__public_id")
    channel = NamedRowsFilter(Channel, field_name="channel__public_id")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Delivery
        fields = ("state", "event")


class DeliveryViewSet(ReadOnlyViewSet):
    """Every message to every channel, newest first. `?state=dead` lists the dead letters."""

    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    lookup_field = "public_id"
    lookup_value_regex = r"dlv_[0-9a-z]{1,20}"
    queryset = Delivery.objects.none()

    def get_queryset(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(team=team_of(self.request)).select_related("incident", "notice", "channel")

    @extend_schema(request=None, responses=DeliverySerializer)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, public_id: str) -> Response:
        """Resend a dead letter. It is due at once and retried like a new message."""
        delivery = self.get_object()
        if not resend(delivery):
            raise ValidationError({"state": [f"Only dead letters can be resent; this delivery is {delivery.state}."]})
        delivery.refresh_from_db()
        return Response(self.get_serializer(delivery).data)
