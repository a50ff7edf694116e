"""Self-tests API: messages by channel, and whether each was accepted."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.alerts.models import Delivery, SelfTest
from vigil.alerts.selftest.selftest import begin_now
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.views import ReadOnlyViewSet
from vigil.problems.codes import ProblemCode


class ProofSerializer(ApiModelSerializer[Delivery]):
    """One message of a self-test."""

    channel = serializers.SlugRelatedField[Any](slug_field="public_id", read_only=True)
    name = serializers.CharField(source="channel.name", read_only=True)

    class Meta:
        model = Delivery
        fields = ("channel", "name", "event", "state", "attempts", "sent_at", "last_error")


class SelfTestSerializer(ApiModelSerializer[SelfTest]):
    incident = serializers.CharField(source="incident.public_id", read_only=True)
    proof = ProofSerializer(source="incident.deliveries", many=True, read_only=True)

    class Meta:
        model = SelfTest
        fields = ("incident", "begun_at", "ended_at", "passed", "proof")


class NothingToTest(APIException):
    """A self-test is running, or there is no channel to test."""

    status_code = 409
    default_detail = "A self-test is running already, or no enabled channel takes part: see `self_test_minutes`."
    default_code = ProblemCode.CONFLICT.value


class SelfTestViewSet(ReadOnlyViewSet):
    """Synthetic incidents that prove alert delivery, newest first. A channel sets how often it takes part."""

    serializer_class = SelfTestSerializer
    filterset_fields = ("passed",)
    lookup_field = "incident__public_id"
    lookup_url_kwarg = "public_id"
    lookup_value_regex = r"inc_[0-9a-z]{1,20}"
    queryset = SelfTest.objects.none()

    def get_queryset(self) -> QuerySet[SelfTest]:
        found = SelfTest.objects.filter(team=team_of(self.request)).select_related("incident")
        return found.prefetch_related("incident__deliveries__channel")

    @extend_schema(request=None, responses={201: SelfTestSerializer, 409: None})
    def create(self, request: Request) -> Response:
        """Begin a self-test now, of every channel that takes part. It is answered within minutes: read it again."""
        team = team_of(request)
        assert team is not None, "the permission requires a team"
        if not begin_now(team):
            raise NothingToTest
        return Response(SelfTestSerializer(self.get_queryset().latest("begun_at")).data, status=201)
