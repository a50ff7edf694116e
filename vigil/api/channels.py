"""Channels over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from vigil.alerts.changes import save_channel
from vigil.alerts.models import Channel
from vigil.api.errors import refusals_as_400
from vigil.api.monitors import ConfigField, SecretsField
from vigil.api.permissions import team_of


class ChannelSerializer(serializers.ModelSerializer[Channel]):
    id = serializers.CharField(source="public_id", read_only=True)
    config = ConfigField(required=False)
    secrets = SecretsField(
        child=serializers.CharField(max_length=2000, trim_whitespace=False), write_only=True, required=False
    )
    secret_names = serializers.SerializerMethodField()

    class Meta:
        model = Channel
        fields = (
            "id", "name", "kind", "config", "secrets", "secret_names", "enabled", "fallback", "created_at",
            "updated_at",
        )  # fmt: skip
        read_only_fields = ("created_at", "updated_at")
        validators: list[Any] = []

    def get_secret_names(self, channel: Channel) -> list[str]:
        return sorted(channel.secrets) if channel.secrets else []

    def create(self, validated_data: Mapping[str, Any]) -> Channel:
        with refusals_as_400():
            return save_channel(Channel(team=self.context["team"]), validated_data)

    def update(self, instance: Channel, validated_data: Mapping[str, Any]) -> Channel:
        with refusals_as_400():
            return save_channel(instance, validated_data)


class ChannelViewSet(viewsets.ModelViewSet[Channel]):
    """Where alerts go. Deleting a channel deletes its deliveries; switch it off to keep them."""

    serializer_class = ChannelSerializer
    filterset_fields = ("kind", "enabled", "fallback")
    lookup_field = "public_id"
    lookup_value_regex = r"chn_[0-9a-z]{1,20}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    queryset = Channel.objects.none()

    def get_queryset(self) -> QuerySet[Channel]:
        return Channel.objects.filter(team=team_of(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        return context if getattr(self, "swagger_fake_view", False) else {**context, "team": team_of(self.request)}
