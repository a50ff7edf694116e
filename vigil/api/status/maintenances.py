"""Planned maintenance in the API: a public incident with a window, which changes its state by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from vigil.api.base.serializers import MomentField
from vigil.api.base.teams import InTeam, TeamSerializer, TeamViewSet
from vigil.api.status.components import OfPages
from vigil.api.status.filters import OfPageFilters
from vigil.api.status.updates import PublicUpdateSerializer, UpdatesMixin
from vigil.status.components import MAX_COMPONENTS
from vigil.status.core.states import UpdateState
from vigil.status.incident_models import TEXT_MOST
from vigil.status.models import PageComponent, PublicIncident, StatusPage
from vigil.status.public_incidents.changes import delete_public_incident
from vigil.status.public_incidents.maintenance import save_maintenance

#: What an update says, and when.
_SAID = ("text", "is_draft", "publish_at")


class ScheduledMaintenanceSerializer(TeamSerializer[PublicIncident]):
    id = serializers.CharField(source="public_id", read_only=True)
    page = InTeam(StatusPage)
    components = OfPages(
        PageComponent, many=True, most=MAX_COMPONENTS, required=False, help_text="Components of the page, affected."
    )
    state = serializers.ChoiceField(
        choices=[(one.value, one.value) for one in UpdateState], read_only=True, help_text="That of the newest update."
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
    starts_at = MomentField(source="maintenance.starts_at")
    ends_at = MomentField(source="maintenance.ends_at")
    is_automatic = serializers.BooleanField(
        source="maintenance.is_automatic",
        required=False,
        help_text="Whether it is in progress from its start and completed at its end by itself.",
    )
    silences = serializers.BooleanField(
        source="maintenance.silences",
        required=False,
        help_text="Whether alerts of the monitors behind its components are held, and the time is not counted.",
    )
    silence = serializers.CharField(
        source="maintenance.silence", read_only=True, help_text="The silence that was made with it, or empty."
    )
    updates = PublicUpdateSerializer(many=True, read_only=True, help_text="The oldest first; drafts are last.")

    class Meta:
        model = PublicIncident
        fields = (
            "id", "page", "title", "components", "state", "text", "is_draft", "publish_at", "starts_at", "ends_at",
            "is_automatic", "silences", "silence", "published_at", "resolved_at", "updates", "created_at",
        )  # fmt: skip
        read_only_fields = ("published_at", "resolved_at", "created_at")
        validators: list[Any] = []

    save_row = staticmethod(save_maintenance)

    def create(self, validated_data: Mapping[str, Any]) -> PublicIncident:
        author = self.context["request"].user.get_username()
        return super().create({**_flat(validated_data), "written_by": author})

    def update(self, instance: PublicIncident, validated_data: Mapping[str, Any]) -> PublicIncident:
        wanted = _flat(validated_data)
        said = {name: ["Say it with its updates."] for name in _SAID if wanted.pop(name, None)}
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


class ScheduledMaintenanceViewSet(UpdatesMixin, TeamViewSet[PublicIncident]):
    """Planned maintenance of status pages, ahead, under way and past. It is public as soon as its update is."""

    model = PublicIncident
    serializer_class = ScheduledMaintenanceSerializer
    lookup_value_regex = r"pin_[0-9a-z]{1,20}"
    filterset_class = OfPageFilters
    filterset_fields = ("state",)
    queryset = PublicIncident.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset().filter(maintenance__isnull=False).select_related("page", "maintenance")
        return found.prefetch_related("components", "updates__earlier")

    def perform_destroy(self, instance: PublicIncident) -> None:
        delete_public_incident(instance)


def _flat(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the window among the others, as the write path takes them."""
    wanted = dict(given)
    return {**wanted, **wanted.pop("maintenance", {})}
