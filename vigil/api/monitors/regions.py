"""Regions API: everyone reads, staff creates and changes."""

from __future__ import annotations

from typing import Any

from rest_framework import mixins, serializers, viewsets

from vigil.api.base.permissions import StaffChanges
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.writes import LockedWrites
from vigil.monitors.latest import RegionStatuses, instant, region_quarantines, region_shares, region_statuses
from vigil.monitors.models import Region


class RegionSerializer(ApiModelSerializer[Region]):
    alive = serializers.SerializerMethodField(
        help_text="Whether its worker sent a status within 45 s; null during a Redis outage."
    )
    heard_at = serializers.SerializerMethodField()
    share = serializers.SerializerMethodField(
        help_text="Share of scheduled checks sent to it: below 1 while it cannot keep up (load shedding)."
    )

    quarantine = serializers.SerializerMethodField(help_text="Why it is in quarantine; null if its votes count.")

    class Meta:
        model = Region
        fields = (
            "slug", "name", "domain", "enabled", "egress", "alive", "heard_at", "share", "quarantine", "created_at",
        )  # fmt: skip
        read_only_fields = ("created_at",)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        # Messages, streams and votes use the slug, so it never changes.
        fields["slug"].read_only = self.instance is not None
        return fields

    def get_alive(self, region: Region) -> bool | None:
        statuses: RegionStatuses = self.context["statuses"]
        return region.slug in statuses.by_region if statuses.available else None

    def get_share(self, region: Region) -> float:
        return float(self.context["shares"].get(region.slug, 1.0))

    def get_quarantine(self, region: Region) -> str | None:
        found: str | None = self.context["quarantines"].get(region.slug)
        return found

    def get_heard_at(self, region: Region) -> str | None:
        status = self.context["statuses"].by_region.get(region.slug)
        return instant(status.at_ms).isoformat() if status else None


class RegionViewSet(
    LockedWrites,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[Region],
):
    """Places that run checks. They belong to the installation, not to a team."""

    serializer_class = RegionSerializer
    permission_classes = [StaffChanges]
    queryset = Region.objects.all()
    filterset_fields = ("enabled", "domain")
    lookup_field = "slug"
    lookup_value_regex = r"[a-z0-9][a-z0-9-]{0,39}"
    http_method_names = ["get", "post", "patch", "head", "options"]

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if getattr(self, "swagger_fake_view", False):
            return context
        slugs = list(Region.objects.values_list("slug", flat=True))
        return {
            **context,
            "statuses": region_statuses(slugs),
            "shares": region_shares(),
            "quarantines": region_quarantines(),
        }
