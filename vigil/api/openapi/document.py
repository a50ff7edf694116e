"""OpenAPI document of version 1: made once in a process, since only the code and the settings decide about it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.openapi import problems
from vigil.api.openapi.headers import TOLD
from vigil.api.openapi.illustration import illustrate
from vigil.api.openapi.kinds import described_configs
from vigil.api.openapi.tags import described_tags
from vigil.configuration import configuration

Json = dict[str, Any]
_METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def operations(document: Json) -> list[Json]:
    """All operations of a document."""
    return [each for item in document["paths"].values() for method, each in item.items() if method in _METHODS]


def complete(result: Json, generator: object, request: object, public: bool) -> Json:
    """Add what belongs to the whole document: servers, sections, examples, and the answers to errors."""
    components = result.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **problems.SCHEMAS}
    components["responses"] = problems.shared_answers()
    components["headers"] = TOLD
    _describe_configs(components["schemas"])
    for schema in components["schemas"].values():
        _state_null(schema)
    illustrate(operations(result), components["schemas"])
    used = {tag for operation in operations(result) for tag in operation.get("tags", ())}
    servers = [
        {"url": configuration().base_url, "description": "This installation"},
        {"url": "/", "description": "Where this document was read"},
    ]
    return {**result, "servers": servers, "tags": described_tags(used)}


def _describe_configs(schemas: Json) -> None:
    """Give `config` the schemas of its kinds, in requests and answers."""
    found, configs = described_configs()
    schemas.update(found)
    for name, config in configs.items():
        for schema in (schemas[name], schemas[f"{name}Request"], schemas[f"Patched{name}Request"]):
            schema["properties"]["config"] = config
    schemas["MonitorKind"]["properties"]["example"] = configs["Monitor"]


def _state_null(schema: Any) -> None:
    """Say `null` as a type, as OpenAPI 3.1 does, where a page's schema says it in the words of 3.0."""
    if isinstance(schema, dict):
        if schema.pop("nullable", False):
            schema["type"] = [schema["type"], "null"]
        for part in schema.values():
            _state_null(part)
    elif isinstance(schema, list):
        for part in schema:
            _state_null(part)


@lru_cache(maxsize=1)
def document() -> Json:
    """The document. It is shared: do not change it."""
    made: Json = SchemaGenerator().get_schema(request=None, public=True)
    return made


class _FromMemory(SpectacularAPIView):
    def _get_schema_response(self, request: Request) -> Response:
        name = self._get_filename(request, None)
        return Response(data=document(), headers={"Content-Disposition": f'inline; filename="{name}"'})


class DocumentView(_FromMemory):
    """The document, as YAML or JSON by the `Accept` header."""


class JsonDocumentView(_FromMemory):
    """The document as JSON."""

    renderer_classes = [OpenApiJsonRenderer2]
