"""Composites API: monitors over monitors, such as a provider and its fallbacks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiSerializer
from vigil.api.base.writes import LockedWrites
from vigil.api.code.managed import ManagedField, ManagedRows
from vigil.api.monitors.readiness import ReadinessSerializer
from vigil.clock import database_now
from vigil.monitors import changes
from vigil.monitors.composites import MEMBERS_MOST, RANKS_MOST, Member, create_composite, members_of, update_composite
from vigil.monitors.core.composite_rules import RANKED, CompositeRule
from vigil.monitors.models import Composite, Monitor
from vigil.monitors.validation import MAX_TAG_LENGTH, MAX_TAGS
from vigil.problems.codes import FieldCode
from vigil.read_models.monitor.readiness import read_readiness


class MemberSerializer(ApiSerializer[Member]):
    """One member of a composite, which may be a composite itself."""

    monitor = serializers.CharField(source="monitor.public_id", max_length=40)
    name = serializers.CharField(source="monitor.name", read_only=True)
    rank = serializers.IntegerField(
        min_value=0,
        max_value=RANKS_MOST - 1,
        default=0,
        help_text="In a chain or readiness: 0 serves, 1 is the first fallback.",
    )
    group = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


@extend_schema_field(MemberSerializer(many=True))
class MembersField(serializers.Field[Any, Any, Any, Any]):
    """Members by the ids of their monitors, which must be the team's."""

    most = MEMBERS_MOST

    def get_attribute(self, instance: Composite) -> Any:
        if "members" in getattr(instance, "_prefetched_objects_cache", ()):
            return [Member(row.monitor, row.rank, row.group) for row in instance.members.all()]
        return members_of(instance)

    def to_representation(self, value: Any) -> Any:
        return MemberSerializer(value, many=True).data

    def to_internal_value(self, data: Any) -> list[Member]:
        given = MemberSerializer(data=data, many=True)
        if not given.is_valid():
            raise serializers.ValidationError(given.errors)
        rows = given.validated_data
        ids = {row["monitor"]["public_id"] for row in rows}
        found = Monitor.objects.filter(team=self.context["team"], deleted_at=None, public_id__in=ids)
        monitors = {monitor.public_id: monitor for monitor in found}
        missing = sorted(ids - monitors.keys())
        if missing:
            raise serializers.ValidationError([f"There is no monitor {missing[0][:40]}."], FieldCode.NO_SUCH_ROW.value)
        return [Member(monitors[row["monitor"]["public_id"]], row["rank"], row["group"]) for row in rows]


class CompositeSerializer(ApiSerializer[Composite]):
    id = serializers.CharField(source="monitor.public_id", read_only=True)
    name = serializers.CharField(source="monitor.name", max_length=200)
    rule = serializers.ChoiceField(
        choices=[(rule.value, rule.value) for rule in CompositeRule],
        help_text="How many members must work: `all`, `any`, `at_least` k, a `chain` of fallbacks, or `readiness`: "
        "a chain that also warns while no fallback could take over.",
    )
    k = serializers.IntegerField(min_value=1, max_value=MEMBERS_MOST, default=1, help_text="For `at_least`.")
    members = MembersField()
    tags = serializers.ListField(
        source="monitor.tags",
        child=serializers.CharField(max_length=MAX_TAG_LENGTH),
        max_length=MAX_TAGS,
        required=False,
    )
    paused = serializers.BooleanField(source="monitor.paused", required=False)
    status = serializers.SerializerMethodField()
    managed_by = ManagedField()

    def get_status(self, composite: Composite) -> str:
        state = getattr(composite.monitor, "believed", None)
        return str(state.status) if state else "unknown"

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        wanted: dict[str, Any] = dict(super().to_internal_value(data))
        return wanted | wanted.pop("monitor", {})

    def create(self, validated_data: Mapping[str, Any]) -> Composite:
        return create_composite(self.context["team"], validated_data)

    def update(self, instance: Composite, validated_data: Mapping[str, Any]) -> Composite:
        update_composite(instance, validated_data)
        return Composite.objects.select_related("monitor__believed").get(pk=instance.pk)


class CompositeViewSet(ManagedRows, LockedWrites, viewsets.ModelViewSet[Composite]):
    """Monitors over monitors. Each has its own incidents, routes and silences, under its monitor id."""

    serializer_class = CompositeSerializer
    filterset_fields = ("rule",)
    search = ("monitor__name",)
    updated_field = "monitor__updated_at"
    sorts = MappingProxyType({"name": "monitor__name", "created_at": "monitor__created_at"})
    lookup_field = "monitor__public_id"
    lookup_url_kwarg = "public_id"
    lookup_value_regex = r"mon_[0-9a-z]{1,20}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    queryset = Composite.objects.none()

    def get_queryset(self) -> QuerySet[Composite]:
        found = Composite.objects.filter(monitor__team=team_of(self.request), monitor__deleted_at=None)
        found = found.select_related("monitor__believed")
        # Read anew after each write, so that an answer shows what the write has made.
        return found.prefetch_related("members__monitor") if self.action == "list" else found

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        return context if getattr(self, "swagger_fake_view", False) else {**context, "team": team_of(self.request)}

    @extend_schema(responses=ReadinessSerializer)
    @action(detail=True, methods=["get"], filterset_fields=(), pagination_class=None)
    def readiness(self, request: Request, public_id: str) -> Response:
        """What would happen if the member that serves died now; for chains and the rule `readiness`."""
        composite = self.get_object()
        if composite.rule not in RANKED:
            raise NotFound("Only a chain, or the rule readiness, has one that serves.")
        return Response(ReadinessSerializer(read_readiness(composite.monitor, database_now())).data)

    def perform_destroy(self, instance: Composite) -> None:
        changes.delete_monitor(instance.monitor)
