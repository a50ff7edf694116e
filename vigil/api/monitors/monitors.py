"""Monitors API: settings, pauses, states, and latest results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response

from probes.ai.prices import NANOS
from vigil.api.base.permissions import may_write, team_of
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.writes import LockedWrites
from vigil.api.code.managed import ManagedField, ManagedRows
from vigil.api.monitors.ai.canary import CanaryActions
from vigil.api.monitors.ai.costs import CostActions
from vigil.api.monitors.clones import CloneActions
from vigil.api.monitors.fields import ConfigField, ParentsField, RegionsField, SecretsField
from vigil.api.monitors.filters import MonitorFilter
from vigil.api.monitors.kinds import KindActions
from vigil.api.monitors.presets import PresetFields
from vigil.api.monitors.results import SeenActions
from vigil.api.monitors.trials import TrialActions
from vigil.heartbeats.changes import delete_heartbeat, lock_heartbeats
from vigil.heartbeats.models import Heartbeat
from vigil.incidents.shown_status import shown_status
from vigil.monitors import changes
from vigil.monitors.changes import MAX_REGIONS
from vigil.monitors.core.clear_credentials import hidden
from vigil.monitors.costs import canary_estimate
from vigil.monitors.dependencies import PARENTS_MOST, set_parents
from vigil.monitors.models import DerivedKind, Monitor
from vigil.monitors.presets import GIVEN, by_what_was_given, fields_from_preset
from vigil.monitors.relations import know_regions
from vigil.monitors.validation import MAX_SECRET_LENGTH, MAX_TAG_LENGTH, MAX_TAGS
from vigil.problems.codes import FieldCode


class MonitorSerializer(PresetFields, ApiModelSerializer[Monitor]):
    id = serializers.CharField(source="public_id", read_only=True)
    name = serializers.CharField(
        max_length=200, trim_whitespace=True, required=False, help_text="Required without a preset."
    )
    kind = serializers.CharField(max_length=40, required=False, help_text="Required without a preset.")
    config = ConfigField(required=False)
    secrets = SecretsField(
        child=serializers.CharField(max_length=MAX_SECRET_LENGTH, trim_whitespace=False),
        write_only=True,
        required=False,
        help_text="Replaces all secrets of the monitor. Never read back.",
    )
    secret_names = serializers.SerializerMethodField(help_text="The names of the secrets that are set.")
    tags = serializers.ListField(
        child=serializers.CharField(max_length=MAX_TAG_LENGTH), max_length=MAX_TAGS, required=False
    )
    regions = RegionsField(
        max_length=MAX_REGIONS, required=False, help_text="By slug. Left out of a new monitor: every enabled region."
    )
    parents = ParentsField(
        child=serializers.CharField(max_length=40),
        max_length=PARENTS_MOST,
        required=False,
        help_text="Monitors that this one depends on: while one of them fails, alerts of this one are held.",
    )
    warnings = serializers.SerializerMethodField(help_text="Warnings about the choice of regions and about cost.")
    estimated_monthly_cost = serializers.SerializerMethodField(
        help_text="US dollars for 30 days of answers of a canary; null for any other monitor, which costs nothing."
    )
    target = serializers.CharField(read_only=True)
    status = serializers.SerializerMethodField(help_text="up, degraded, down, unknown or paused.")
    managed_by = ManagedField()

    class Meta:
        model = Monitor
        fields = (
            "id", "name", "kind", "status", "config", "secrets", "secret_names", "interval_s", "timeout_ms",
            "sensitivity", "regions", "tags", "priority", "headroom_warning_minutes", "paused", "parents", "target",
            "warnings", "estimated_monthly_cost", "revision",
            "managed_by", "created_at", "updated_at", "preset", *GIVEN,
        )  # fmt: skip
        read_only_fields = ("revision", "created_at", "updated_at")
        # The write path checks names against the team, which a model validator cannot.
        validators: list[Any] = []

    #: Warnings of the preset, in the response to the creation only.
    advice: Sequence[str] = ()
    #: What was given for the preset; None without one.
    given: Mapping[str, Any] | None = None

    def get_status(self, monitor: Monitor) -> str:
        return shown_status(monitor)

    def get_secret_names(self, monitor: Monitor) -> list[str]:
        return sorted(monitor.secrets) if monitor.secrets else []

    def get_estimated_monthly_cost(self, monitor: Monitor) -> float | None:
        found = canary_estimate(monitor.kind, monitor.config, monitor.interval_s)
        return found.month / NANOS if found is not None else None

    def get_warnings(self, monitor: Monitor) -> list[str]:
        return [*changes.monitor_warnings(monitor), *self.advice]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        preset = attrs.get("preset")
        if self.instance is not None and preset:
            raise serializers.ValidationError({"preset": ["A preset is for new monitors: change the fields instead."]})
        if not preset:
            alone = next((field for field in GIVEN if field in attrs), None)
            if alone:
                raise serializers.ValidationError({alone: ["Use this only with a preset."]})
            missing = [field for field in ("name", "kind", "config") if self.instance is None and field not in attrs]
            if missing and not self.partial:
                words = ErrorDetail("This field is required.", FieldCode.REQUIRED.value)
                raise serializers.ValidationError({field: [words] for field in missing})
        return attrs

    def to_representation(self, instance: Monitor) -> dict[str, Any]:
        shown = dict(super().to_representation(instance))
        # Shared by the rows of a list.
        context: Any = self.context
        if "may_write" not in context:
            context["may_write"] = may_write(context["request"])
        if not context["may_write"]:
            # What stands there in clear is for those who could read it from the monitor's own requests.
            shown |= {name: hidden(shown[name]) for name in ("config", "target") if name in shown}
        return shown

    def validate_parents(self, ids: list[str]) -> list[Monitor]:
        found = list(Monitor.objects.filter(team=self.context["team"], deleted_at=None, public_id__in=ids))
        missing = sorted(set(ids) - {parent.public_id for parent in found})
        if missing:
            raise serializers.ValidationError([f"There is no monitor {missing[0]}."], FieldCode.NO_SUCH_ROW.value)
        return found

    def create(self, validated_data: Mapping[str, Any]) -> Monitor:
        with self.refusals():
            wanted, parents = self.settable(validated_data)
            monitor = changes.create_monitor(self.context["team"], wanted)
            if parents:
                set_parents(monitor, parents)
        return monitor

    def settable(self, validated_data: Mapping[str, Any]) -> tuple[dict[str, Any], list[Monitor]]:
        """The settable fields of a new monitor, those of its preset included, and its parents."""
        wanted = dict(validated_data)
        preset, given = wanted.pop("preset", None), {name: wanted.pop(name) for name in GIVEN if name in wanted}
        parents = wanted.pop("parents", [])
        if preset:
            wanted, self.advice = fields_from_preset(preset, given, wanted)
            self.given = given
        return wanted, parents

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Within it, what is wrong with a preset's monitor is said of what was given for the preset."""
        try:
            yield
        except ValidationError as refused:
            raise refused if self.given is None else by_what_was_given(refused, self.given) from None

    def update(self, instance: Monitor, validated_data: Mapping[str, Any]) -> Monitor:
        wanted = dict(validated_data)
        if "parents" in wanted:
            set_parents(instance, wanted.pop("parents"))
        changed = changes.update_monitor(instance, wanted)
        if "regions" in wanted:
            instance._prefetched_objects_cache.pop("regions", None)  # type: ignore[attr-defined]
        # What was read with the row is not read again to show it.
        changed._prefetched_objects_cache = instance._prefetched_objects_cache  # type: ignore[attr-defined]
        changed._state.fields_cache["believed"] = getattr(instance, "believed", None)
        return changed


class MonitorViewSet(
    CanaryActions,
    CostActions,
    KindActions,
    SeenActions,
    TrialActions,
    CloneActions,
    ManagedRows,
    LockedWrites,
    viewsets.ModelViewSet[Monitor],
):
    """Monitors. A deleted monitor is not listed, and stays in its incidents."""

    serializer_class = MonitorSerializer
    filterset_class = MonitorFilter
    lookup_field = "public_id"
    lookup_value_regex = r"mon_[0-9a-z]{1,20}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    queryset = Monitor.objects.none()
    keeps_deleted = True

    def get_queryset(self) -> QuerySet[Monitor]:
        living = Monitor.objects.filter(team=team_of(self.request), deleted_at=None)
        if self.shows("status"):
            living = living.select_related("believed")
        if self.action != "list" and self.shows("regions", "warnings"):
            living = living.prefetch_related("regions")
        return living.prefetch_related("dependencies__parent") if self.shows("parents") else living

    def paginate_queryset(self, queryset: Any) -> Any:
        page: Any = super().paginate_queryset(queryset)
        if page and self.action == "list" and self.shows("regions", "warnings"):
            know_regions(page)
        return page

    def get_object(self) -> Any:
        if self.action == "destroy":
            lock_heartbeats(Heartbeat.objects.filter(monitor__public_id=self.kwargs[self.lookup_field]))
        return super().get_object()

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        return context if getattr(self, "swagger_fake_view", False) else {**context, "team": team_of(self.request)}

    def perform_destroy(self, instance: Monitor) -> None:
        if instance.kind == DerivedKind.HEARTBEAT:
            delete_heartbeat(instance.heartbeat)
        else:
            changes.delete_monitor(instance)

    @extend_schema(request=None, responses=MonitorSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, public_id: str) -> Response:
        """Pause checks. An open incident is resolved as `monitor_paused`."""
        return self._set_paused(True)

    @extend_schema(request=None, responses=MonitorSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, public_id: str) -> Response:
        """Resume checks."""
        return self._set_paused(False)

    def _set_paused(self, paused: bool) -> Response:
        monitor = changes.set_paused(self.get_object(), paused)
        return Response(self.get_serializer(monitor).data)
