"""Subscribers API: who is told of updates of a page. People subscribe by themselves; a team sees and removes them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from vigil.accounts.sealed import SealedValueUnreadable
from vigil.api.base.permissions import WritersOnly
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.teams import TeamViewSet
from vigil.api.openapi.enums import SUBSCRIBER_KINDS, SUBSCRIBER_OFF_REASONS, SUBSCRIBER_STATES
from vigil.api.status.filters import OfPageFilters
from vigil.status.subscriber_models import Subscriber
from vigil.status.subscribers.changes import unsubscribe


class SubscriberSerializer(ApiModelSerializer[Subscriber]):
    id = serializers.CharField(source="public_id", read_only=True)
    page = serializers.CharField(source="page.public_id", read_only=True)
    kind = serializers.ChoiceField(choices=SUBSCRIBER_KINDS, read_only=True)
    state = serializers.ChoiceField(
        choices=SUBSCRIBER_STATES, read_only=True, help_text="Only `confirmed` ones are told."
    )
    off_reason = serializers.ChoiceField(
        choices=[*SUBSCRIBER_OFF_REASONS, ("", "")], read_only=True, help_text="Why it is off; else empty."
    )
    address = serializers.SerializerMethodField(help_text="Empty where no key opens it.")
    components = serializers.SerializerMethodField(help_text="Ids of components; empty for the whole page.")

    class Meta:
        model = Subscriber
        fields = (
            "id", "page", "kind", "address", "components", "state", "off_reason", "failures", "last_error",
            "confirmed_at", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_address(self, row: Subscriber) -> str:
        try:
            return row.address
        except SealedValueUnreadable:
            return ""

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_components(self, row: Subscriber) -> list[str]:
        return [] if row.whole else [one.public_id for one in row.components.all()]


class SubscriberViewSet(TeamViewSet[Subscriber]):
    """Who is told of updates of status pages, the newest first. Nobody is subscribed but by themselves.

    Deleting one forgets its address; it is told nothing more, and may subscribe again.
    """

    model = Subscriber
    serializer_class = SubscriberSerializer
    permission_classes = [WritersOnly]
    http_method_names = ["get", "delete", "head", "options"]
    lookup_value_regex = r"sub_[0-9a-z]{1,20}"
    filterset_class = OfPageFilters
    filterset_fields = ("kind", "state")
    queryset = Subscriber.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("page").prefetch_related("components")

    def perform_destroy(self, instance: Subscriber) -> None:
        unsubscribe(instance.public_id)
