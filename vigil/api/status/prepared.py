"""What is prepared for public incidents, in the API: rules that publish by themselves, and templates of updates."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from vigil.api.base.teams import InTeam, TeamSerializer, TeamViewSet
from vigil.api.status.components import OfPages
from vigil.api.status.filters import OfPageFilters
from vigil.status.components import MAX_COMPONENTS
from vigil.status.incident_models import PublicationRule, UpdateTemplate
from vigil.status.models import PageComponent, StatusPage
from vigil.status.public_incidents.prepared import save_publication_rule, save_update_template


class PublicationRuleSerializer(TeamSerializer[PublicationRule]):
    id = serializers.CharField(source="public_id", read_only=True)
    component = OfPages(PageComponent)

    class Meta:
        model = PublicationRule
        fields = (
            "id", "component", "kind", "after_s", "impact", "title", "text", "closing_text", "enabled", "created_at",
        )  # fmt: skip
        read_only_fields = ("created_at",)
        validators: list[Any] = []

    save_row = staticmethod(save_publication_rule)


class PublicationRuleViewSet(TeamViewSet[PublicationRule]):
    """Rules by which a failure behind a component becomes a public incident, and ends, without a person."""

    model = PublicationRule
    serializer_class = PublicationRuleSerializer
    lookup_value_regex = r"rul_[0-9a-z]{1,20}"
    filterset_fields = ("kind", "enabled")
    queryset = PublicationRule.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("component__page")


class UpdateTemplateSerializer(TeamSerializer[UpdateTemplate]):
    id = serializers.CharField(source="public_id", read_only=True)
    page = InTeam(StatusPage, required=False, allow_null=True, help_text="Every page of the team without one.")
    components = OfPages(
        PageComponent, many=True, most=MAX_COMPONENTS, required=False, help_text="Components of its page."
    )

    class Meta:
        model = UpdateTemplate
        fields = ("id", "name", "page", "state", "title", "text", "components", "created_at")
        read_only_fields = ("created_at",)
        validators: list[Any] = []

    save_row = staticmethod(save_update_template)

    def to_representation(self, instance: UpdateTemplate) -> dict[str, Any]:
        # A write has changed them after they were read.
        if not self.parent:
            getattr(instance, "_prefetched_objects_cache", {}).clear()
        return super().to_representation(instance)


class UpdateTemplateViewSet(TeamViewSet[UpdateTemplate]):
    """Words that a team keeps for its updates. Nothing of them is public by itself."""

    model = UpdateTemplate
    serializer_class = UpdateTemplateSerializer
    lookup_value_regex = r"tpl_[0-9a-z]{1,20}"
    filterset_class = OfPageFilters
    filterset_fields = ("state",)
    queryset = UpdateTemplate.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("page").prefetch_related("components")
