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

from vigil.api.base.authentication import signed_name
from vigil.api.base.serializers import ApiModelSerializer, MomentField
from vigil.api.base.teams import InTeam, TeamSerializer, TeamViewSet
from vigil.api.status.components import OfPages
from vigil.api.status.filters import OfPageFilters
from vigil.api.status.updates import PublicUpdateSerializer, UpdatesMixin
from vigil.incidents.models import Incident
from vigil.status.components import MAX_COMPONENTS
from vigil.status.core.states import INCIDENT_STATES
from vigil.status.incident_models import TEXT_MOST
from vigil.status.models import POSTMORTEM_MOST, PageComponent, PublicIncident, StatusPage
from vigil.status.public_incidents.changes import delete_public_incident, save_postmortem, save_public_incident

_HOW = "Say it with POST public-incidents/{id}/updates."
_SAID = ("state", "text", "is_draft", "publish_at")


class PostmortemSerializer(ApiModelSerializer[PublicIncident]):
    """What happened and what changes, of an incident that is over."""

    text = serializers.CharField(
        source="postmortem", max_length=POSTMORTEM_MOST, allow_blank=True, help_text="Empty takes it away."
    )
    is_draft = serializers.BooleanField(required=False, write_only=True, help_text="Whether it is kept from readers.")
    at = MomentField(source="postmortem_at", read_only=True, allow_null=True, help_text="When readers could see it.")

    class Meta:
        model = PublicIncident
        fields = ("text", "is_draft", "at")


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
        choices=[(one.value, one.value) for one in INCIDENT_STATES],
        required=False,
        help_text="That of the newest update. Given when it is created, it is that of the first one.",
    )
    text = serializers.CharField(
        write_only=True, required=False, max_length=TEXT_MOST, help_text="The first update; needed to create it."
    )
    is_draft = serializers.BooleanField(
        write_only=True, required=False, help_text="Whether the first update waits for a person."
    )
    publish_at = MomentField(
        write_only=True, required=False, help_text="When the first update is to be published by itself."
    )
    started_at = MomentField(required=False)
    updates = PublicUpdateSerializer(many=True, read_only=True, help_text="The oldest first; drafts are last.")

    class Meta:
        model = PublicIncident
        fields = (
            "id", "page", "incident", "title", "impact", "components", "state", "text", "is_draft", "publish_at",
            "started_at", "published_at", "resolved_at", "is_automatic", "postmortem", "postmortem_at", "updates",
            "created_at",
        )  # fmt: skip
        read_only_fields = (
            "published_at", "resolved_at", "is_automatic", "postmortem", "postmortem_at", "created_at",
        )  # fmt: skip
        validators: list[Any] = []

    save_row = staticmethod(save_public_incident)

    def create(self, validated_data: Mapping[str, Any]) -> PublicIncident:
        author = signed_name(self.context["request"])
        return super().create({**validated_data, "written_by": author})

    def update(self, instance: PublicIncident, validated_data: Mapping[str, Any]) -> PublicIncident:
        wanted = dict(validated_data)
        said = {name: [_HOW] for name in _SAID if wanted.pop(name, None) not in (None, instance.state)}
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


class PublicIncidentViewSet(UpdatesMixin, TeamViewSet[PublicIncident]):
    """What status pages tell of failures. What is written here is public at once, except for drafts."""

    model = PublicIncident
    serializer_class = PublicIncidentSerializer
    lookup_value_regex = r"pin_[0-9a-z]{1,20}"
    filterset_class = OfPageFilters
    filterset_fields = ("state", "impact")
    queryset = PublicIncident.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset().filter(maintenance=None).select_related("page", "incident")
        return found.prefetch_related("components", "updates__earlier")

    def perform_destroy(self, instance: PublicIncident) -> None:
        delete_public_incident(instance)

    @extend_schema(request=PostmortemSerializer, responses={200: PostmortemSerializer})
    @action(detail=True, methods=["post"])
    def postmortem(self, request: Request, public_id: str) -> Response:
        """Store the postmortem of an incident that is over, public or as a draft."""
        asked = PostmortemSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        row = self.get_object()
        save_postmortem(row, asked.validated_data["postmortem"], publish=not asked.validated_data.get("is_draft"))
        return Response(PostmortemSerializer(row).data)
