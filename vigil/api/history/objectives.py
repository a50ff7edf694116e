"""Objectives and reports API: targets, error budgets, and report recipients."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueTogetherValidator

from vigil.alerts.channels.email import KIND, MAX_RECIPIENTS, EmailConfig
from vigil.alerts.channels.kind import ChannelSettingsError
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.teams import InTeam, TeamSerializer
from vigil.api.base.writes import LockedWrites
from vigil.api.code.managed import ManagedField, ManagedRows
from vigil.api.history.answers import BudgetSerializer
from vigil.api.history.rows import uptime_row
from vigil.clock import database_now, is_zone
from vigil.history.changes import save_objective
from vigil.history.models import Objective, Report
from vigil.history.reading.objectives import in_words, objective_status
from vigil.monitors.models import Monitor
from vigil.monitors.validation import MAX_TAG_LENGTH
from vigil.problems.codes import FieldCode


class _OfTeam(ApiModelSerializer[Any]):
    """A row of the team; names are checked within the team."""

    id = serializers.CharField(source="public_id", read_only=True)
    managed_by = ManagedField()
    #: Fields that are unique together within a team.
    unique: tuple[str, ...] = ()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: attrs.get(name, getattr(self.instance, name, "")) for name in self.unique}
        others = self.Meta.model.objects.filter(team=self.context["team"], **wanted)  # type: ignore[attr-defined]
        if self.instance is not None:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError({self.unique[0]: ["This already exists."]}, FieldCode.DUPLICATE.value)
        return attrs

    def create(self, validated_data: Any) -> Any:
        return super().create({**validated_data, "team": self.context["team"]})


class ObjectiveSerializer(TeamSerializer[Objective]):
    id = serializers.CharField(source="public_id", read_only=True)
    monitor = InTeam(Monitor, required=False, allow_null=True)
    tag = serializers.CharField(max_length=MAX_TAG_LENGTH, required=False, allow_blank=True)
    managed_by = ManagedField()

    class Meta:
        model = Objective
        fields = (
            "id",
            "name",
            "monitor",
            "tag",
            "target_percent",
            "window_days",
            "enabled",
            "pace",
            "managed_by",
            "created_at",
        )
        read_only_fields = ("pace", "created_at")
        validators: list[UniqueTogetherValidator] = []

    save_row = staticmethod(save_objective)


class ReportSerializer(_OfTeam):
    recipients = serializers.ListField(
        child=serializers.CharField(max_length=254), min_length=1, max_length=MAX_RECIPIENTS
    )
    tag = serializers.CharField(max_length=MAX_TAG_LENGTH, required=False, allow_blank=True)
    unique = ("frequency", "tag")

    class Meta:
        model = Report
        fields = (
            "id",
            "frequency",
            "recipients",
            "zone",
            "tag",
            "enabled",
            "sent_until",
            "last_error",
            "managed_by",
            "created_at",
        )
        read_only_fields = ("sent_until", "last_error", "created_at")
        validators: list[UniqueTogetherValidator] = []

    def validate_zone(self, zone: str) -> str:
        if not is_zone(zone):
            raise serializers.ValidationError(["A time zone such as Europe/Berlin."])
        return zone

    def validate_recipients(self, recipients: list[str]) -> list[str]:
        try:
            KIND.check(EmailConfig(to=recipients), {})
        except ChannelSettingsError as wrong:
            raise serializers.ValidationError([wrong.problem]) from None
        return recipients


class _OfTeamViewSet(ManagedRows, LockedWrites, viewsets.ModelViewSet[Any]):
    lookup_field = "public_id"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    model: type[Model]

    def get_queryset(self) -> QuerySet[Any]:
        return self.model._default_manager.filter(team=team_of(self.request)).order_by("pk")

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        return context if getattr(self, "swagger_fake_view", False) else {**context, "team": team_of(self.request)}


class ObjectiveViewSet(_OfTeamViewSet):
    """Service level objectives over the last days. One that burns too fast opens an incident (`slo`)."""

    model = Objective
    queryset = Objective.objects.none()
    serializer_class = ObjectiveSerializer
    lookup_value_regex = r"slo_[0-9a-z]{1,20}"

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("monitor")

    @extend_schema(responses=BudgetSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def budget(self, request: Request, public_id: str) -> Response:
        """Remaining error budget, and burn rates."""
        objective = self.get_object()
        seen = objective_status(objective, database_now())
        return Response(
            {
                **uptime_row(seen.uptime),
                "allowed_s": round(seen.budget.allowed_s),
                "spent_s": seen.budget.spent_s,
                "left": round(seen.budget.left, 4),
                "burn_rates": {f"{length}s": round(rate, 3) for length, rate in seen.rates.items()},
                "pace": seen.rule.pace if seen.rule else None,
                "words": in_words(objective, seen),
            }
        )


class ReportViewSet(_OfTeamViewSet):
    """Mailed reports of finished weeks or months, to the addresses named here only."""

    model = Report
    queryset = Report.objects.none()
    serializer_class = ReportSerializer
    lookup_value_regex = r"rep_[0-9a-z]{1,20}"
