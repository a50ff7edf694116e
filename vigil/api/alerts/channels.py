"""Channels API: settings, reference of each kind, and a test message with the receiver's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.alerts.channel_changes import save_channel
from vigil.alerts.channel_settings import pages
from vigil.alerts.channels import webhook
from vigil.alerts.models import Channel
from vigil.alerts.oncall.ack_links import callback_address
from vigil.alerts.test_message import send_trial
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer, list_of
from vigil.api.base.writes import LockedWrites
from vigil.api.code.managed import ManagedField, ManagedRows
from vigil.api.monitors.fields import ConfigField, SecretsField
from vigil.api.openapi.shapes import SETTING


@extend_schema_field(SETTING)
class DefaultField(serializers.JSONField):
    """Default value of a setting."""


class SettingSerializer(ApiSerializer[Any]):
    name = serializers.CharField()
    words = serializers.CharField()
    needed = serializers.BooleanField()
    default = DefaultField()


class ChannelKindSerializer(ApiSerializer[Any]):
    """A kind of channel, with its `config` and `secrets`."""

    kind = serializers.CharField()
    name = serializers.CharField()
    words = serializers.CharField()
    config = SettingSerializer(many=True)
    secrets = SettingSerializer(many=True)


class ChannelTestSerializer(ApiSerializer[Any]):
    """Result of a test message: whether the receiver accepted it, and its answer."""

    accepted = serializers.BooleanField()
    answer = serializers.CharField()
    took_ms = serializers.IntegerField()


class ChannelSerializer(ApiModelSerializer[Channel]):
    id = serializers.CharField(source="public_id", read_only=True)
    config = ConfigField(required=False)
    secrets = SecretsField(
        child=serializers.CharField(max_length=2000, trim_whitespace=False), write_only=True, required=False
    )
    secret_names = serializers.SerializerMethodField()
    secret = serializers.SerializerMethodField(
        help_text="The secret that signs a webhook, if Vigil made it: in the answer to its creation only, else null."
    )
    callback_address = serializers.SerializerMethodField(
        help_text="Callback address for PagerDuty or Slack, to take over acknowledgements; else empty."
    )
    managed_by = ManagedField()

    class Meta:
        model = Channel
        fields = (
            "id", "name", "kind", "config", "secrets", "secret_names", "secret", "enabled", "disabled_at",
            "disabled_why", "fallback", "gather", "notices", "self_test_minutes", "callback_address", "managed_by",
            "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("disabled_at", "disabled_why", "created_at", "updated_at")
        validators: list[Any] = []

    def get_callback_address(self, channel: Channel) -> str:
        return callback_address(channel)

    def get_secret_names(self, channel: Channel) -> list[str]:
        return sorted(channel.secrets) if channel.secrets else []

    #: Whether the signing secret was made in this request, and is shown in its answer.
    made_secret = False

    def get_secret(self, channel: Channel) -> str | None:
        return str(channel.secrets["secret"]) if self.made_secret else None

    def create(self, validated_data: Mapping[str, Any]) -> Channel:
        channel = save_channel(Channel(team=self.context["team"]), validated_data)
        self.made_secret = channel.kind == webhook.KIND.name and not validated_data.get("secrets", {}).get("secret")
        return channel

    def update(self, instance: Channel, validated_data: Mapping[str, Any]) -> Channel:
        return save_channel(instance, validated_data)


class ChannelViewSet(ManagedRows, LockedWrites, viewsets.ModelViewSet[Channel]):
    """Destinations of alerts. Deleting a channel deletes its deliveries; disable it to keep them."""

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

    @extend_schema(responses=list_of(ChannelKindSerializer), filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def kinds(self, request: Request) -> Response:
        """Every kind of channel, with its settings and secrets."""
        return Response({"results": ChannelKindSerializer(pages(), many=True).data})

    @extend_schema(request=None, responses=ChannelTestSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, public_id: str) -> Response:
        """Send a test message now and return the receiver's answer. It takes up to 15 seconds."""
        return Response(ChannelTestSerializer(send_trial(self.get_object(), timezone.now())).data)
