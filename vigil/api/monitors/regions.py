"""Regions API: everyone reads, staff enrols, changes, drains, revokes and deletes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from probes import keys
from vigil.api.base.filters import ListFilters, NamedRowsFilter
from vigil.api.base.permissions import StaffChanges
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer
from vigil.api.base.writes import LockedWrites
from vigil.api.code.managed import warning_header
from vigil.enrolment.codes import issue
from vigil.enrolment.ending import forget_region, left_to_do, revoke
from vigil.monitors.live.results import RegionStatuses, instant, region_quarantines, region_shares, region_statuses
from vigil.monitors.live.workers import ANCHORS_ADVICE
from vigil.monitors.models import Region

DRAINED_ADVICE = "This region is sent no checks until PATCH sets `enabled` to true."


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
        fields: tuple[str, ...] = (
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

    def get_heard_at(self, region: Region) -> datetime | None:
        status = self.context["statuses"].by_region.get(region.slug)
        return instant(status.at_ms) if status else None


class EnrolmentSerializer(ApiSerializer[Any]):
    """Commands that enrol and start the worker of a region, shown only now."""

    commands = serializers.DictField(
        child=serializers.CharField(), help_text="By form: docker, systemd, kubernetes, pipx, uv, checkout. Run one."
    )
    expires_at = serializers.DateTimeField(help_text="Until when the code in them is taken, once.")
    redis_user = serializers.CharField(help_text="`deploy/redis.acl.example` has its rules.")
    redis_line = serializers.CharField(
        help_text="What the operator of a Redis whose users Vigil may not manage has to run first; else empty."
    )
    advice = serializers.CharField()


class EnrolledRegionSerializer(RegionSerializer):
    """A region that was just added, or is to get new keys."""

    enrolment = EnrolmentSerializer(read_only=True)

    class Meta(RegionSerializer.Meta):
        fields = (*RegionSerializer.Meta.fields, "enrolment")


class RegionFilter(ListFilters):
    domain = NamedRowsFilter(Region, "domain", "domain", field_name="domain")

    class Meta:
        model = Region
        fields = ("enabled",)


class RegionViewSet(
    LockedWrites,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Region],
):
    """Places that run checks. They belong to the installation, not to a team."""

    serializer_class = RegionSerializer
    permission_classes = [StaffChanges]
    may_warn = True
    queryset = Region.objects.all()
    filterset_class = RegionFilter
    lookup_field = "slug"
    lookup_value_regex = r"[a-z0-9][a-z0-9-]{0,39}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

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

    @extend_schema(request=RegionSerializer, responses={201: EnrolledRegionSerializer})
    def create(self, request: Request, *args: Any, **options: Any) -> Response:
        """Add a region. The commands that start its worker are in this answer and nowhere else."""
        asked: Any = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._enrolled(Region(**asked.validated_data), 201)

    @extend_schema(request=None, responses=EnrolledRegionSerializer)
    @action(detail=True, methods=["post"])
    def rekey(self, request: Request, slug: str) -> Response:
        """Give it a new command, with which its worker gets new keys and a new Redis password."""
        return self._enrolled(self.get_object(), 200)

    @extend_schema(request=None, responses=RegionSerializer)
    @action(detail=True, methods=["post"])
    def drain(self, request: Request, slug: str) -> Response:
        """Send it no more checks, and let it finish what it has; PATCH `enabled` to true ends that."""
        region = self.get_object()
        region.enabled = False
        region.save(update_fields=["enabled"])
        return Response(self.get_serializer(region).data)

    @extend_schema(request=None, responses=RegionSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, slug: str) -> Response:
        """Drain it, forget its keys, and close its connections to Redis now."""
        region = self.get_object()
        left = left_to_do(region, revoke(region))
        response = Response(self.get_serializer(region).data)
        if left:
            response["Warning"] = warning_header(left)
        return response

    def perform_destroy(self, instance: Region) -> None:
        slug = instance.slug
        instance.delete()
        transaction.on_commit(lambda: forget_region(slug))

    def _enrolled(self, region: Region, code: int) -> Response:
        issued = issue(region)
        told = {
            "commands": issued.commands,
            "expires_at": issued.expires_at,
            "redis_user": keys.user(region.slug),
            "redis_line": issued.redis_line,
            "advice": f"VIGIL_ANCHORS: {ANCHORS_ADVICE}" + ("" if region.enabled else f" {DRAINED_ADVICE}"),
        }
        shown = EnrolmentSerializer(told, context=self.get_serializer_context()).data
        return Response({**self.get_serializer(region).data, "enrolment": shown}, status=code)
