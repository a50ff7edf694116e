"""Routes API: routing rules, starter routes in one call, and a preview of recipients."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.alerts.core.routes import Severity
from vigil.alerts.models import Channel, EscalationPolicy, Route
from vigil.alerts.routing.changes import MAX_CHANNELS, route_warnings, save_route
from vigil.alerts.routing.preview import preview_row, who_would_be_told
from vigil.alerts.routing.starter_routes import arrange_typical
from vigil.api.base.parameters import text_parameter
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiSerializer, MomentField
from vigil.api.base.teams import ID_LENGTH, InTeam, TeamSerializer, TeamViewSet
from vigil.api.base.views import ApiView
from vigil.api.code.managed import ManagedField, ManagedRows
from vigil.api.openapi.enums import INCIDENT_KINDS, PRIORITIES, ROUTE_KINDS
from vigil.clock import database_now
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import Monitor
from vigil.monitors.validation import MAX_TAG_LENGTH, MAX_TAGS


def words(choices: Any, most: int, **options: Any) -> serializers.ListField:
    """A list of words from a closed set."""
    return serializers.ListField(
        child=serializers.ChoiceField(choices=choices), max_length=most, required=False, **options
    )


class RouteSerializer(TeamSerializer[Route]):
    id = serializers.CharField(source="public_id", read_only=True)
    kinds = words(
        ROUTE_KINDS,
        20,
        help_text="Empty means all kinds that page, and notices: not regional, blind and self_test.",
    )
    severities = words([severity.value for severity in Severity], 10)
    priorities = words(PRIORITIES, 10)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=MAX_TAG_LENGTH), max_length=MAX_TAGS, required=False
    )
    days = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), max_length=7, required=False,
        help_text="Days of the week on which it matches; Monday is 0. None means every day.",
    )  # fmt: skip
    monitor = InTeam(Monitor, required=False, allow_null=True)
    channels = InTeam(Channel, many=True, most=MAX_CHANNELS, required=False)
    policy = InTeam(EscalationPolicy, required=False, allow_null=True)
    warnings = serializers.SerializerMethodField(help_text="Whether it would alert no one.")
    managed_by = ManagedField()

    class Meta:
        model = Route
        fields = (
            "id", "name", "position", "kinds", "severities", "priorities", "tags", "monitor", "days", "starts", "ends",
            "zone", "channels", "policy", "remind_s", "notes", "goes_on", "default", "enabled",
            "warnings", "managed_by",
        )  # fmt: skip
        validators: list[Any] = []

    save_row = staticmethod(save_route)

    def get_warnings(self, route: Route) -> list[str]:
        return route_warnings(route)


class TypicalSerializer(ApiSerializer[Any]):
    """The two secrets of the starter routes."""

    routing_key = serializers.CharField(
        max_length=100, write_only=True, help_text="Of an Events API v2 integration of PagerDuty."
    )
    slack_url = serializers.CharField(max_length=2000, write_only=True, help_text="Of an incoming webhook of Slack.")


class ArrangedSerializer(ApiSerializer[Any]):
    created = serializers.ListField(child=serializers.CharField())
    changed = serializers.ListField(child=serializers.CharField())


class RouteViewSet(ManagedRows, TeamViewSet[Route]):
    """Rules that pick channels and escalation policies. The first match by position wins."""

    model = Route
    serializer_class = RouteSerializer
    filterset_fields = ("enabled", "default")
    lookup_value_regex = r"rte_[0-9a-z]{1,20}"
    queryset = Route.objects.none()

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("monitor", "policy").prefetch_related("channels")

    @extend_schema(request=TypicalSerializer, responses=ArrangedSerializer)
    @action(detail=False, methods=["post"], pagination_class=None)
    def typical(self, request: Request) -> Response:
        """Create starter routes: AI API failures to PagerDuty, heartbeats to PagerDuty or Slack by priority."""
        asked = TypicalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        arranged = arrange_typical(self.team, **asked.validated_data)
        return Response({"created": arranged.created, "changed": arranged.changed})


class AskedSerializer(ApiSerializer[Any]):
    """Query of the preview."""

    monitor = InTeam(Monitor, required=False)
    kind = serializers.ChoiceField(choices=INCIDENT_KINDS, default=IncidentKind.OUTAGE.value)
    at = MomentField(required=False)


class ToldSerializer(ApiSerializer[Any]):
    channel = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    outcome = serializers.CharField(help_text="tell (sent now) or hold (sent later, if still due).")
    why = serializers.CharField()
    because = serializers.CharField()
    withheld = serializers.CharField(allow_blank=True)
    held_by = serializers.CharField(allow_blank=True)
    held_until = serializers.DateTimeField(allow_null=True)


class ConsideredSerializer(ApiSerializer[Any]):
    route = serializers.CharField()
    matches = serializers.BooleanField()
    missed_by = serializers.CharField(allow_null=True)


class CalledSerializer(ApiSerializer[Any]):
    policy = serializers.CharField()
    after_s = serializers.IntegerField(help_text="Seconds after the alert, if no one acknowledges.")
    who = serializers.ListField(child=serializers.CharField())
    nowhere = serializers.ListField(child=serializers.CharField())


class PreviewSerializer(ApiSerializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    severity = serializers.CharField()
    nobody = serializers.BooleanField(help_text="True if no channel would ever be alerted.")
    told = ToldSerializer(many=True)
    routes = ConsideredSerializer(many=True)
    escalation = CalledSerializer(many=True)
    remind_s = serializers.IntegerField()


class WhomView(ApiView):
    """Preview of recipients."""

    @extend_schema(
        parameters=[
            text_parameter("monitor", ID_LENGTH, "Id of the monitor; omit it for incidents without a monitor."),
            OpenApiParameter("kind", OpenApiTypes.STR, enum=[kind.value for kind in IncidentKind]),
            OpenApiParameter("at", OpenApiTypes.DATETIME, description="Time of the incident; default now."),
        ],
        responses=PreviewSerializer,
    )
    def get(self, request: Request) -> Response:
        """Who is alerted about an incident of this kind at this time, who is called after that, and why."""
        team = team_of(request)
        asked = AskedSerializer(data=request.query_params.dict(), context={"team": team})
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        assert team is not None  # The permission has seen to it.
        at = wanted.get("at") or database_now()
        preview = who_would_be_told(team, wanted.get("monitor"), IncidentKind(wanted["kind"]), at)
        return Response(PreviewSerializer(preview_row(preview)).data)
