"""Silences API: silences and maintenance windows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.alerts.routing.holds import look_again_in
from vigil.api.base.authentication import signed_name
from vigil.api.base.parameters import text_parameter
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer, MomentField, list_of
from vigil.api.base.teams import ID_LENGTH, InTeam, TeamViewSet
from vigil.api.base.views import ApiView
from vigil.api.code.managed import ManagedField, ManagedRows
from vigil.clock import database_now
from vigil.monitors.models import Monitor
from vigil.monitors.validation import MAX_TAG_LENGTH, MAX_TAGS
from vigil.silences.changes import MAX_MONITORS, MAX_REGIONS, change_silence, create_silence, delete_silence, end_now
from vigil.silences.core.windows import current, windows
from vigil.silences.covering import excluded_intervals
from vigil.silences.models import Silence

#: Coming windows shown, and how far to look for them.
COMING, AHEAD = 5, timedelta(days=35)
MAX_RANGE = timedelta(days=366)


class WindowSerializer(ApiSerializer[Any]):
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField()


class SilenceSerializer(ApiModelSerializer[Silence]):
    id = serializers.CharField(source="public_id", read_only=True)
    monitors = InTeam(
        Monitor, many=True, most=MAX_MONITORS, required=False, help_text=f"At most {MAX_MONITORS}; a tag covers more."
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=MAX_TAG_LENGTH), max_length=MAX_TAGS, required=False
    )
    regions = serializers.ListField(
        child=serializers.CharField(max_length=40),
        max_length=MAX_REGIONS,
        required=False,
        help_text="Slugs. Holds only alerts of regional incidents that are about no other region; all alerts if empty.",
    )
    holds = serializers.SerializerMethodField(help_text="Whether a window is active now.")
    coming = serializers.SerializerMethodField(help_text="The next windows within 35 days, the active one first.")
    managed_by = ManagedField()

    class Meta:
        model = Silence
        fields = (
            "id", "name", "reason", "mutes", "pauses", "excludes", "every_monitor", "monitors", "tags", "regions",
            "starts_at", "ends_at", "cron", "duration_s", "zone", "holds", "coming", "managed_by", "created_by",
            "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("created_by", "created_at", "updated_at")
        validators: list[Any] = []

    def get_holds(self, silence: Silence) -> bool:
        return current(silence.schedule, self._now()) is not None

    @extend_schema_field(WindowSerializer(many=True))
    def get_coming(self, silence: Silence) -> Any:
        now = self._now()
        found = windows(silence.schedule, now, now + AHEAD)[:COMING]
        return WindowSerializer([{"starts": one.starts, "ends": one.ends} for one in found], many=True).data

    def create(self, validated_data: Mapping[str, Any]) -> Silence:
        wanted = dict(validated_data)
        monitors = wanted.pop("monitors", [])
        silence = Silence(team=self.context["team"], created_by=signed_name(self.context["request"])[:120])
        return create_silence(silence, wanted, monitors)

    def update(self, instance: Silence, validated_data: Mapping[str, Any]) -> Silence:
        wanted = dict(validated_data)
        monitors = wanted.pop("monitors", None)
        changed = change_silence(instance, wanted, monitors)
        look_again_in(changed.team_id)
        return changed

    def _now(self) -> datetime:
        return self.context.get("now") or database_now()


class SilenceViewSet(ManagedRows, TeamViewSet[Silence]):
    """Reasons not to alert (mutes), not to check (pauses), or not to count (excludes).

    An alert within a window is held, shown on its incident, and sent when the window ends if the target is still down.
    Changing or deleting a silence keeps its past windows.
    """

    model = Silence
    serializer_class = SilenceSerializer
    lookup_value_regex = r"sil_[0-9a-z]{1,20}"
    filterset_fields = ("mutes", "pauses", "excludes")
    queryset = Silence.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(valid_until=None).prefetch_related("monitors")

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        return context if getattr(self, "swagger_fake_view", False) else {**context, "now": database_now()}

    def perform_destroy(self, instance: Silence) -> None:
        delete_silence(instance)
        look_again_in(instance.team_id)

    @extend_schema(request=None, responses={200: SilenceSerializer, 204: None})
    @action(detail=True, methods=["post"])
    def end(self, request: Request, public_id: str) -> Response:
        """End the current window. A one-off silence is deleted; a recurring one continues with its next window."""
        silence = self.get_object()
        left = end_now(silence)
        look_again_in(silence.team_id)
        return Response(status=204) if left is None else Response(self.get_serializer(left).data)


class ExcludedView(ApiView):
    """Time excluded from uptime."""

    @extend_schema(
        parameters=[
            text_parameter("monitor", ID_LENGTH, required=True),
            OpenApiParameter("from", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("to", OpenApiTypes.DATETIME, required=True),
        ],
        responses=list_of(WindowSerializer),
    )
    def get(self, request: Request) -> Response:
        """Excluded intervals of a monitor between two moments: windows that exclude or pause."""
        asked = _AskedSerializer(data=request.query_params.dict(), context={"team": team_of(request)})
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        if not wanted["from"] < wanted["to"] <= wanted["from"] + MAX_RANGE:
            raise serializers.ValidationError({"to": ["Must be after `from`, by a year at most."]})
        found = excluded_intervals(wanted["monitor"], wanted["from"], wanted["to"])
        rows = [{"starts": one.starts, "ends": one.ends} for one in found]
        return Response({"results": WindowSerializer(rows, many=True).data})


class _AskedSerializer(ApiSerializer[Any]):
    monitor = InTeam(Monitor)
    to = MomentField()

    def get_fields(self) -> dict[str, Any]:
        # `from` is a Python keyword.
        return {**super().get_fields(), "from": MomentField()}
