"""Clones and changes API: a copy of a monitor under another name, and who changed which of its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer
from vigil.monitors.drafts import clone_monitor
from vigil.monitors.models import MonitorChange

if TYPE_CHECKING:
    _ViewSet = viewsets.GenericViewSet[Any]
else:
    _ViewSet = object


class CloneRequestSerializer(ApiSerializer[Any]):
    """The name of the copy."""

    name = serializers.CharField(max_length=200)


class MonitorChangeSerializer(ApiModelSerializer[MonitorChange]):
    """A change: the names of the fields, never what they hold. `revision` is the monitor's after it."""

    class Meta:
        model = MonitorChange
        fields = ("at", "author", "via", "action", "fields", "revision")

    def get_fields(self) -> dict[str, Any]:
        # `fields` is an attribute of serializers.
        return {**super().get_fields(), "fields": serializers.ListField(child=serializers.CharField(), read_only=True)}


class CloneActions(_ViewSet):
    """For a view set of monitors."""

    @extend_schema(request=CloneRequestSerializer)
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, public_id: str) -> Response:
        """Copy it under another name: settings, secrets, regions and parents. Incidents and history stay behind."""
        asked = CloneRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = clone_monitor(self.get_object(), asked.validated_data["name"])
        location = f"{request.path.removesuffix(f'/{public_id}/clone')}/{made.public_id}"
        return Response(self.get_serializer(made).data, status=201, headers={"Location": location})

    @extend_schema(responses=MonitorChangeSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], filterset_class=None)
    def changes(self, request: Request, public_id: str) -> Response:
        """Who changed which fields of it, and when, newest first; at least its last 200 changes."""
        page = self.paginate_queryset(self.get_object().changes.all())
        return self.get_paginated_response(MonitorChangeSerializer(page, many=True).data)
