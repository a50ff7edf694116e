"""Kinds of monitors API: what each does, the schema of its configuration, its secrets, and an example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.serializers import ApiSerializer, list_of
from vigil.monitors.kinds import monitor_kinds

if TYPE_CHECKING:
    _ViewSet = viewsets.GenericViewSet[Any]
else:
    _ViewSet = object


@extend_schema_field({"type": "object", "additionalProperties": True, "description": "JSON Schema, draft 2020-12."})
class JsonSchemaField(serializers.JSONField):
    """A JSON Schema, which is any object."""


@extend_schema_field({"type": "object", "additionalProperties": True, "description": "A `config` of this kind."})
class ExampleField(serializers.JSONField):
    """A configuration, whose shape is that of the schema beside it."""


class KindSecretSerializer(ApiSerializer[Any]):
    name = serializers.CharField()
    words = serializers.CharField()
    needed = serializers.BooleanField()


class MonitorKindSerializer(ApiSerializer[Any]):
    """A kind of monitor, with its `config` and `secrets`."""

    kind = serializers.CharField()
    words = serializers.CharField(help_text="What it does and what its fields mean.")
    least_interval_s = serializers.IntegerField(help_text="It is not checked more often; 0 for no limit of its own.")
    schema = JsonSchemaField()
    secrets = KindSecretSerializer(many=True)
    example = ExampleField()


class KindActions(_ViewSet):
    """For a view set of monitors."""

    @extend_schema(responses=list_of(MonitorKindSerializer), filters=False)
    @action(detail=False, methods=["get"], pagination_class=None, filterset_class=None)
    def kinds(self, request: Request) -> Response:
        """Every kind that regions check, with the JSON Schema of its configuration, its secrets and an example."""
        return Response({"results": MonitorKindSerializer(monitor_kinds(), many=True).data})
