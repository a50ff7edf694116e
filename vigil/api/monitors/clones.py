"""Clones API: a copy of a monitor under another name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.errors import refusals_as_400
from vigil.api.base.serializers import ApiSerializer
from vigil.monitors.drafts import clone_monitor

if TYPE_CHECKING:
    _ViewSet = viewsets.GenericViewSet[Any]
else:
    _ViewSet = object


class CloneRequestSerializer(ApiSerializer[Any]):
    """The name of the copy."""

    name = serializers.CharField(max_length=200)


class CloneActions(_ViewSet):
    """For a view set of monitors."""

    @extend_schema(request=CloneRequestSerializer)
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, public_id: str) -> Response:
        """Copy it under another name: settings, secrets, regions and parents. Incidents and history stay behind."""
        asked = CloneRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with refusals_as_400():
            made = clone_monitor(self.get_object(), asked.validated_data["name"])
        return Response(self.get_serializer(made).data, status=201)
