"""On-call API: people, rotations with their overrides, and escalation policies."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.alerts.core.rotation import shifts, who_is_on_call
from vigil.alerts.models import (
    Channel,
    EscalationPolicy,
    EscalationStep,
    Person,
    Rotation,
    RotationOverride,
)
from vigil.alerts.models.escalation import MAX_DELAY_S
from vigil.alerts.oncall.calendar import feed_address, renew_feed_key
from vigil.alerts.routing.changes import (
    MAX_CHANNELS,
    MAX_MEMBERS,
    MAX_STEPS,
    save_override,
    save_person,
    save_policy,
    save_rotation,
)
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer, MomentField, list_of
from vigil.api.base.teams import InTeam, TeamSerializer, TeamViewSet
from vigil.api.code.managed import ManagedField, ManagedRows
from vigil.clock import database_now

MAX_RANGE = timedelta(days=366)


class PersonSerializer(TeamSerializer[Person]):
    id = serializers.CharField(source="public_id", read_only=True)
    channels = InTeam(
        Channel, many=True, most=MAX_CHANNELS, required=False, help_text="Their channels; all are used at once."
    )
    managed_by = ManagedField()

    class Meta:
        model = Person
        fields = ("id", "name", "channels", "managed_by", "created_at")
        read_only_fields = ("created_at",)
        validators: list[Any] = []

    save_row = staticmethod(save_person)


class PersonViewSet(ManagedRows, TeamViewSet[Person]):
    """People to call. Their own channels get alerts only from routes and policies that name them."""

    model = Person
    serializer_class = PersonSerializer
    lookup_value_regex = r"per_[0-9a-z]{1,20}"
    queryset = Person.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().prefetch_related("channels")


class ShiftSerializer(ApiSerializer[Any]):
    person = serializers.CharField()
    name = serializers.CharField()
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    covers = serializers.BooleanField(help_text="Whether this shift is an override.")


class OverrideSerializer(ApiModelSerializer[RotationOverride]):
    id = serializers.CharField(source="public_id", read_only=True)
    person = InTeam(Person)

    class Meta:
        model = RotationOverride
        fields = ("id", "person", "starts_at", "ends_at")


class RotationSerializer(TeamSerializer[Rotation]):
    id = serializers.CharField(source="public_id", read_only=True)
    people = InTeam(Person, many=True, most=MAX_MEMBERS, required=False, help_text="In the order of their turns.")
    overrides = OverrideSerializer(many=True, read_only=True)
    managed_by = ManagedField()

    class Meta:
        model = Rotation
        fields = (
            "id", "name", "zone", "starts_on", "handover", "shift_days", "people", "overrides", "managed_by",
            "created_at",
        )  # fmt: skip
        read_only_fields = ("created_at",)
        validators: list[Any] = []

    save_row = staticmethod(save_rotation)

    def to_representation(self, instance: Rotation) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if "people" not in shown:
            return shown
        # Of a list they were read with it.
        turns = instance.members.all() if self.parent else instance.members.select_related("person")
        return {**shown, "people": [turn.person.public_id for turn in turns]}


class CalendarSerializer(ApiSerializer[Any]):
    address = serializers.CharField(
        help_text="For calendar programs. It is a secret: it gives read access to the rotation."
    )


class RotationViewSet(ManagedRows, TeamViewSet[Rotation]):
    """On-call rotations, with handover in a time zone."""

    model = Rotation
    serializer_class = RotationSerializer
    lookup_value_regex = r"rot_[0-9a-z]{1,20}"
    queryset = Rotation.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset()
        # Read anew after each write, so that an answer shows what the write has made.
        with_list = ("people", "members__person", "overrides__person")
        return found.prefetch_related(*with_list) if self.action == "list" else found

    @extend_schema(parameters=[OpenApiParameter("at", OpenApiTypes.DATETIME)], responses=list_of(ShiftSerializer))
    @action(detail=True, methods=["get"], url_path="on-call", pagination_class=None)
    def on_call(self, request: Request, public_id: str) -> Response:
        """The shift now, or at a moment: one or none."""
        shift = who_is_on_call(self.get_object().schedule, _moment(request, "at", database_now()))
        return Response(self._shown([shift] if shift else []))

    @extend_schema(
        parameters=[OpenApiParameter("from", OpenApiTypes.DATETIME), OpenApiParameter("to", OpenApiTypes.DATETIME)],
        responses=list_of(ShiftSerializer),
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def shifts(self, request: Request, public_id: str) -> Response:
        """Every shift between two moments, at most a year; by default the next four weeks."""
        start = _moment(request, "from", database_now())
        end = _moment(request, "to", start + timedelta(days=28))
        if not start < end <= start + MAX_RANGE:
            raise serializers.ValidationError({"to": ["Must be after `from`, by a year at most."]})
        return Response(self._shown(shifts(self.get_object().schedule, start, end)))

    @extend_schema(request=OverrideSerializer, responses={201: OverrideSerializer})
    @action(detail=True, methods=["post"])
    def overrides(self, request: Request, public_id: str) -> Response:
        """Add a substitute for a while."""
        asked = OverrideSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        made = save_override(RotationOverride(rotation=self.get_object()), asked.validated_data)
        return Response(OverrideSerializer(made).data, status=201)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["delete"], url_path=r"overrides/(?P<override>ovr_[0-9a-z]{1,20})")
    def override(self, request: Request, public_id: str, override: str) -> Response:
        """Remove an override."""
        get_object_or_404(self.get_object().overrides, public_id=override).delete()
        return Response(status=204)

    @extend_schema(request=None, responses=CalendarSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def feed(self, request: Request, public_id: str) -> Response:
        """The address of its calendar feed. It is a secret, so it requires write permission."""
        return Response({"address": feed_address(self.get_object())})

    @extend_schema(request=None, responses=CalendarSerializer)
    @action(detail=True, methods=["post"], url_path="feed/renew", pagination_class=None)
    def renew_feed(self, request: Request, public_id: str) -> Response:
        """Issue a new address for its calendar feed. The old one stops working at once."""
        return Response({"address": renew_feed_key(self.get_object())})

    def _shown(self, found: Any) -> Any:
        people = Person.objects.in_bulk({shift.person for shift in found})
        rows = [
            {
                "person": people[shift.person].public_id,
                "name": people[shift.person].name,
                "starts": shift.starts,
                "ends": shift.ends,
                "covers": shift.covers,
            }
            for shift in found
        ]
        return {"results": ShiftSerializer(rows, many=True).data}


class StepSerializer(ApiModelSerializer[EscalationStep]):
    delay_s = serializers.IntegerField(
        min_value=0, max_value=MAX_DELAY_S, default=0, help_text="Seconds after the previous step."
    )
    channels = InTeam(Channel, many=True, most=MAX_CHANNELS, required=False)
    people = InTeam(Person, many=True, most=MAX_MEMBERS, required=False)
    rotations = InTeam(Rotation, many=True, most=MAX_MEMBERS, required=False)

    #: How many a policy may have.
    most = MAX_STEPS

    class Meta:
        model = EscalationStep
        fields = ("delay_s", "channels", "people", "rotations")


class PolicySerializer(TeamSerializer[EscalationPolicy]):
    id = serializers.CharField(source="public_id", read_only=True)
    steps = StepSerializer(many=True, help_text=f"From 1 to {MAX_STEPS}.")
    managed_by = ManagedField()

    class Meta:
        model = EscalationPolicy
        fields = ("id", "name", "repeats", "steps", "managed_by", "created_at")
        read_only_fields = ("created_at",)
        validators: list[Any] = []

    save_row = staticmethod(save_policy)


class PolicyViewSet(ManagedRows, TeamViewSet[EscalationPolicy]):
    """Escalation policies: whom to call, step by step, until somebody acknowledges. Steps are replaced as a whole."""

    model = EscalationPolicy
    serializer_class = PolicySerializer
    lookup_value_regex = r"pol_[0-9a-z]{1,20}"
    queryset = EscalationPolicy.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        steps = ("steps__channels", "steps__people", "steps__rotations")
        return super().get_queryset().prefetch_related(*steps)


def _moment(request: Request, name: str, otherwise: datetime) -> datetime:
    given = request.query_params.get(name)
    if given is None:
        return otherwise
    try:
        moment: datetime = MomentField().run_validation(given[:40])
    except serializers.ValidationError as refused:
        raise serializers.ValidationError({name: refused.detail}) from None
    return moment
