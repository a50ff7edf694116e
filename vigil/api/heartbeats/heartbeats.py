"""Heartbeats API: settings, pauses, pings, and snippets."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.filters import AllOfFilter, AnyOfFilter, ListFilters
from vigil.api.base.permissions import WritersOnly, may_write, team_of
from vigil.api.base.serializers import list_of
from vigil.api.base.writes import LockedWrites
from vigil.api.code.managed import ManagedRows
from vigil.api.heartbeats.pings import PingActions
from vigil.api.heartbeats.serializers import (
    BodySerializer,
    HeartbeatSerializer,
    KeyRotationSerializer,
    KeysSerializer,
    PauseSerializer,
    PingSerializer,
    SnippetSerializer,
    SuggestionSerializer,
    TagBadgeSerializer,
)
from vigil.heartbeats import changes, overview
from vigil.heartbeats.core.pings.body import text_of
from vigil.heartbeats.core.states import HeartbeatStatus
from vigil.heartbeats.core.suggestions import SUGGESTIONS
from vigil.heartbeats.models import Heartbeat, StoredPing
from vigil.heartbeats.showing.snippets import SNIPPETS
from vigil.monitors.validation import MAX_TAG_LENGTH

PINGS_SHOWN = 100


class HeartbeatFilter(ListFilters):
    tag = AllOfFilter(field_name="monitor__tags", max_length=MAX_TAG_LENGTH)
    status = AnyOfFilter(field_name="status", among=[status.value for status in HeartbeatStatus])

    class Meta:
        model = Heartbeat
        fields = ("status", "slug")


class HeartbeatViewSet(PingActions, ManagedRows, LockedWrites, viewsets.ModelViewSet[Heartbeat]):
    """Jobs that must ping. Each is also a monitor with the same id, which routes and silences use."""

    serializer_class = HeartbeatSerializer
    filterset_class = HeartbeatFilter
    search = ("monitor__name", "slug")
    updated_field = "monitor__updated_at"
    sorts = MappingProxyType({"name": "monitor__name", "created_at": "monitor__created_at"})
    lookup_field = "monitor__public_id"
    lookup_url_kwarg = "public_id"
    lookup_value_regex = r"mon_[0-9a-z]{1,20}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    queryset = Heartbeat.objects.none()

    def get_queryset(self) -> QuerySet[Heartbeat]:
        found = Heartbeat.objects.filter(team=team_of(self.request), monitor__deleted_at=None)
        return found.select_related("monitor", "team")

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        return (
            context
            if getattr(self, "swagger_fake_view", False)
            else {
                **context,
                "team": team_of(self.request),
                "may_write": may_write(self.request),
            }
        )

    def perform_destroy(self, instance: Heartbeat) -> None:
        changes.delete_heartbeat(instance)

    @extend_schema(request=PauseSerializer, responses=HeartbeatSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, public_id: str) -> Response:
        """Pause it; an open incident is resolved. With `until_ping` the next ping resumes it."""
        asked = PauseSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = changes.set_paused(self.get_object(), True, until_ping=asked.validated_data["until_ping"])
        return Response(self.get_serializer(row).data)

    @extend_schema(request=None, responses=HeartbeatSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, public_id: str) -> Response:
        """Resume it; the schedule starts now."""
        return Response(self.get_serializer(changes.set_paused(self.get_object(), False)).data)

    @extend_schema(request=None, responses=HeartbeatSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, public_id: str) -> Response:
        """Issue new addresses for pings and badges. The old ones stop working at once."""
        return Response(self.get_serializer(changes.rotate_address(self.get_object())).data)

    @extend_schema(responses=list_of(PingSerializer))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def pings(self, request: Request, public_id: str) -> Response:
        """The newest hundred pings, newest first."""
        pings = overview.last_pings(self.get_object(), PINGS_SHOWN)
        return Response({"results": PingSerializer(pings, many=True).data})

    @extend_schema(responses=BodySerializer)
    @action(detail=True, methods=["get"], url_path=r"pings/(?P<n>[0-9]{1,12})/body", filterset_class=None)
    def body(self, request: Request, public_id: str, n: str) -> Response:
        """The body of a ping, with a note if it was cut."""
        found = StoredPing.objects.filter(heartbeat=self.get_object(), n=int(n)).first()
        if found is None:
            raise NotFound("This ping does not exist.")
        kept = len(found.body)
        note = f"Cut: {kept} of {found.body_size} bytes were kept." if kept < found.body_size else ""
        return Response({"body": text_of(bytes(found.body)), "size": found.body_size, "note": note})

    @extend_schema(responses=list_of(SnippetSerializer))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None, permission_classes=[WritersOnly])
    def snippets(self, request: Request, public_id: str) -> Response:
        """Code that pings it, for many languages and schedulers."""
        address = overview.ping_address(self.get_object())
        shown = [
            {"name": one.name, "title": one.title, "language": one.language, "text": one.for_address(address)}
            for one in SNIPPETS.values()
        ]
        return Response({"results": shown})

    @extend_schema(responses=list_of(SuggestionSerializer))
    @action(detail=False, methods=["get"], filterset_class=None, pagination_class=None)
    def suggestions(self, request: Request) -> Response:
        """Suggested schedules and grace times for common AI jobs."""
        shown = [{"job": one.job, "title": one.title, "terms": one.terms} for one in SUGGESTIONS.values()]
        return Response({"results": shown})

    @extend_schema(responses=list_of(TagBadgeSerializer))
    @action(
        detail=False, methods=["get"], filterset_class=None, pagination_class=None, permission_classes=[WritersOnly]
    )
    def badges(self, request: Request) -> Response:
        """Badge address for every tag of the team's heartbeats."""
        team = team_of(request)
        assert team is not None, "the permission requires a team"
        key = changes.team_pings(team).badge_key
        tags = {tag for found in self.get_queryset().values_list("monitor__tags", flat=True) for tag in found}
        shown = [{"tag": tag, "badges": overview.tag_badge_addresses(key, tag)} for tag in sorted(tags)]
        return Response({"results": shown})

    @extend_schema(methods=["GET"], responses=KeysSerializer)
    @extend_schema(methods=["PATCH"], request=KeysSerializer, responses=KeysSerializer)
    @action(
        detail=False,
        methods=["get", "patch"],
        filterset_class=None,
        pagination_class=None,
        permission_classes=[WritersOnly],
    )
    def keys(self, request: Request) -> Response:
        """The team's key for pings by slug, its badge key, and whether unknown slugs create heartbeats."""
        team = team_of(request)
        assert team is not None, "the permission requires a team"
        pings = changes.team_pings(team)
        if request.method == "PATCH":
            asked = KeysSerializer(pings, data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            asked.save()
        return Response(KeysSerializer(pings).data)

    @extend_schema(request=KeyRotationSerializer, responses=KeysSerializer)
    @action(detail=False, methods=["post"], url_path="keys/rotate", filterset_class=None, pagination_class=None)
    def rotate_key(self, request: Request) -> Response:
        """Issue a new key for the team's pings by slug, or for its badges. The old one stops working at once."""
        team = team_of(request)
        assert team is not None, "the permission requires a team"
        asked = KeyRotationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(
            KeysSerializer(changes.rotate_team_key(team, asked.validated_data["which"] == "badge_key")).data
        )
