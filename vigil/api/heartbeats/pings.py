"""Pings API: a job's call by the id or slug of its heartbeat, for programs that have a token and no address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.serializers import ApiSerializer
from vigil.heartbeats.core.pings.address import SLUG, PingCall, rid_of
from vigil.heartbeats.core.pings.wire import BODY_LIMIT, Address, Method, PingKind
from vigil.heartbeats.models import Heartbeat
from vigil.heartbeats.receiving.call import keep_call
from vigil.heartbeats.receiving.receiver import PingRequest

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    _View = GenericViewSet[Any]
else:
    _View = object

_KINDS = [kind.value for kind in (PingKind.SUCCESS, PingKind.START, PingKind.FAIL, PingKind.LOG)]


class PingRequestSerializer(ApiSerializer[Any]):
    """What a job says. An exit code other than 0 is a failure."""

    kind = serializers.ChoiceField(choices=_KINDS, default=PingKind.SUCCESS.value)
    exit_code = serializers.IntegerField(min_value=0, max_value=255, required=False)
    rid = serializers.CharField(
        max_length=200, required=False, help_text="The id of a run, the same in its start and end."
    )
    body = serializers.CharField(
        max_length=BODY_LIMIT, required=False, trim_whitespace=False, help_text="Output, or a JSON object as text."
    )


class PingActions(_View):
    """For a view set of heartbeats."""

    @extend_schema(request=PingRequestSerializer, responses={202: None})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def ping(self, request: Request, public_id: str) -> Response:
        """Send a ping for this heartbeat. It is applied within a second or two."""
        return _pinged(request, self.get_object())

    @extend_schema(request=PingRequestSerializer, responses={202: None})
    @action(
        detail=False, methods=["post"], url_path=rf"slugs/(?P<slug>{SLUG})/ping", filterset_class=None,
        pagination_class=None,
    )  # fmt: skip
    def ping_by_slug(self, request: Request, slug: str) -> Response:
        """Send a ping for the heartbeat with this slug."""
        return _pinged(request, get_object_or_404(self.get_queryset(), slug=slug))


def _pinged(request: Request, row: Heartbeat) -> Response:
    asked = PingRequestSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    said = asked.validated_data
    code = said.get("exit_code")
    kind = PingKind.FAIL if code and said["kind"] == PingKind.SUCCESS else PingKind(said["kind"])
    body = said.get("body", "").encode()
    call = PingCall(Address(str(row.code)), kind, code, rid_of(said.get("rid", "")))
    agent, origin = str(request.META.get("HTTP_USER_AGENT", "")), str(request.META.get("REMOTE_ADDR", ""))
    keep_call(call, PingRequest("", Method.POST, origin, agent, body, len(body)))
    return Response(status=202)
