"""Status feeds API: everyone reads, staff switches them on and off."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import mixins, serializers, viewsets

from vigil.api.base.permissions import StaffChanges
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.writes import LockedWrites
from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.models import Feed, FeedPost
from vigil.feeds.witnesses import switch
from vigil.monitors.core.providers import name_of


class PostSerializer(ApiModelSerializer[FeedPost]):
    class Meta:
        model = FeedPost
        fields = ("title", "seen_at", "created_at", "ended_at")


class FeedSerializer(ApiModelSerializer[Feed]):
    name = serializers.SerializerMethodField()
    url = serializers.CharField(source="address", read_only=True)
    declared = serializers.SerializerMethodField(help_text="Problems that the page shows now.")

    class Meta:
        model = Feed
        fields = ("provider", "name", "enabled", "url", "format", "asked_at", "ok_at", "problem", "declared")
        read_only_fields = ("provider", "format", "asked_at", "ok_at", "problem")

    def get_name(self, feed: Feed) -> str:
        return name_of(feed.provider)

    @extend_schema_field(PostSerializer(many=True))
    def get_declared(self, feed: Feed) -> list[dict[str, Any]]:
        return list(PostSerializer(feed.posts.filter(ended_at=None).order_by("seen_at")[:50], many=True).data)

    def update(self, instance: Feed, validated_data: Mapping[str, Any]) -> Feed:
        if "enabled" in validated_data:
            switch([instance.provider], bool(validated_data["enabled"]))
        return Feed.objects.get(pk=instance.pk)


class FeedViewSet(
    LockedWrites,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[Feed],
):
    """Provider status pages. They are shown beside incidents and never vote. All are off by default."""

    serializer_class = FeedSerializer
    permission_classes = [StaffChanges]
    filterset_fields = ("enabled",)
    sorts = MappingProxyType({"provider": "provider"})
    lookup_field = "provider"
    lookup_value_regex = r"[a-z0-9-]{1,40}"
    http_method_names = ["get", "patch", "head", "options"]
    queryset = Feed.objects.none()

    def get_queryset(self) -> QuerySet[Feed]:
        if Feed.objects.count() < len(SOURCES):
            Feed.objects.bulk_create([Feed(provider=provider) for provider in SOURCES], ignore_conflicts=True)
        return Feed.objects.filter(provider__in=SOURCES)
