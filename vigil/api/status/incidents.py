"""Public incidents API: what pages tell of failures, update by update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.serializers import ApiModelSerializer, MomentField
from vigil.api.base.teams import InTeam, TeamSerializer, TeamViewSet
from vigil.incidents.models import Incident
from vigil.status.components import MAX_COMPONENTS
from vigil.status.core.states import UpdateState
from vigil.status.incident_models import TEXT_MOST
from vigil.status.models import PageComponent, PublicIncident, PublicUpdate, StatusPage
from vigil.status.public_incidents.changes import delete_public_incident, save_public_incident
from vigil.status.public_incidents.updates import add_update

_HOW = "Say it with POST public-incidents/{id}/updates."


class OfPages(InTeam):
    """Components of the team's pages, by their public ids."""

    def get_queryset(self) -> QuerySet[Any]:
        return PageComponent.objects.filter(page__team=self.context.get("team"))


class PublicUpdateSerializer(ApiModelSerializer[PublicUpdate]):
    """One thing said about a public incident; everyone who may read the page can read it."""

    id = serializers.CharField(source="public_id", read_only=True)
    at = MomentField(source="published_at", read_only=True, help_text="When readers could see it.")

    class Meta:
        model = PublicUpdate
        fields = ("id", "state", "text", "at")


class PublicIncidentSerializer(TeamSerializer[PublicIncident]):
    id = serializers.CharField(source="public_id", read_only=True)
    page = InTeam(StatusPage)
    incident = InTeam(
        Incident, required=False, allow_null=True, help_text="The incident that it is about. It is never shown."
    )
    components = OfPages(
        PageComponent, many=True, most=MAX_COMPONENTS, required=False, help_text="Components of the page, affected."
    )
    state = serializers.ChoiceField(
        choices=[(one.value, one.value) for one in UpdateState],
        required=False,
        help_text="That of the newest update. Given when it is created, it is that of the first one.",
    )
    text = serializers.CharField(
        write_only=True, required=False, max_length=TEXT_MOST, help_text="The first update; needed to create it."
    )
    started_at = MomentField(required=False)
    updates = PublicUpdateSerializer(many=True, read_only=True, help_text="The oldest first.")

    class Meta:
        model = PublicIncident
        fields = (
            "id", "page", "incident", "title", "impact", "components", "state", "text", "started_at", "resolved_at",
            "updates", "created_at",
        )  # fmt: skip
        read_only_fields = ("resolved_at", "created_at")
        validators: list[Any] = []

    save_row = staticmethod(save_public_incident)

    def create(self, validated_data: Mapping[str, Any]) -> PublicIncident:
        author = self.context["request"].user.get_username()
        return super().create({**validated_data, "written_by": author})

    def update(self, instance: PublicIncident, validated_data: Mapping[str, Any]) -> PublicIncident:
        wanted = dict(validated_data)
        said = {name: [_HOW] for name in ("state", "text") if wanted.pop(name, None) not in (None, instance.state)}
        if "page" in wanted and wanted["page"] != instance.page:
            said["page"] = ["It stays on its page."]
        if said:
            raise serializers.ValidationError(said)
        return super().update(instance, wanted)

    def to_representation(self, instance: PublicIncident) -> dict[str, Any]:
        # A write has changed them after they were read.
        if not self.parent:
            getattr(instance, "_prefetched_objects_cache", {}).clear()
        return super().to_representation(instance)


class PublicIncidentViewSet(TeamViewSet[PublicIncident]):
    """What status pages tell of failures. Everything written here is public as soon as it is saved."""

    model = PublicIncident
    serializer_class = PublicIncidentSerializer
    lookup_value_regex = r"pin_[0-9a-z]{1,20}"
    filterset_fields = ("state", "impact")
    queryset = PublicIncident.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset().select_related("page", "incident")
        return found.prefetch_related("components", "updates")

    def perform_destroy(self, instance: PublicIncident) -> None:
        delete_public_incident(instance)

    @extend_schema(request=PublicUpdateSerializer, responses={201: PublicUpdateSerializer})
    @action(detail=True, methods=["post"])
    def updates(self, request: Request, public_id: str) -> Response:
        """Add an update, which is public at once. The same words in the same state twice are one update."""
        asked = PublicUpdateSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        row = self.get_object()
        made = add_update(row, {**asked.validated_data, "written_by": request.user.get_username()})
        return Response(PublicUpdateSerializer(made).data, status=201)
